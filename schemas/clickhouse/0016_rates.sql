-- Exchange rates: so many units (`amount`) of a currency are `worth` so many of `base`, as they were published.
-- Rates that the catalogue states are of its base currency, and of before all days: they count where there is no other.
CREATE TABLE IF NOT EXISTS rates
(
    source LowCardinality(String) COMMENT 'ecb, norges_bank or catalogue',
    day Date,
    currency LowCardinality(String),
    base LowCardinality(String) COMMENT 'what the source quotes currencies against',
    amount Decimal(18, 6) COMMENT 'units of the currency',
    worth Decimal(18, 6) COMMENT 'what they are worth, in units of base',
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (source, currency, day);

-- Units of the catalogue's base currency for one of another, on the days on which that was published. A source that
-- quotes against the base currency goes before one through which both are quoted.
CREATE VIEW IF NOT EXISTS base_rates AS
WITH (SELECT toString(any(currency)) FROM goals FINAL) AS base_currency
SELECT currency, day, argMin(rate, (rank, source)) AS rate
FROM
(
    SELECT
        source,
        toString(currency) AS currency,
        day,
        divideDecimal(toDecimal256(worth, 6), toDecimal256(amount, 6), 18) AS rate,
        0 AS rank
    FROM rates FINAL
    WHERE base = base_currency AND amount > 0
    UNION ALL
    SELECT
        source,
        toString(base) AS quoted,
        day,
        divideDecimal(toDecimal256(amount, 6), toDecimal256(worth, 6), 18) AS rate,
        1 AS rank
    FROM rates FINAL
    WHERE currency = base_currency AND worth > 0
    UNION ALL
    SELECT
        r.source,
        toString(r.currency) AS quoted,
        r.day,
        divideDecimal(toDecimal256(r.worth, 6) * b.amount, toDecimal256(r.amount, 6) * b.worth, 18) AS rate,
        1 AS rank
    FROM (SELECT * FROM rates FINAL WHERE amount > 0) AS r
    INNER JOIN (SELECT * FROM rates FINAL WHERE worth > 0) AS b
        ON b.source = r.source AND b.day = r.day AND b.base = r.base
    WHERE b.currency = base_currency AND r.currency != base_currency
)
GROUP BY currency, day;

-- What each campaign cost and brought, by model: read one model at a time, the same conversions are in each of them.
-- Goals that do not count for it (goals.counts_for_return), or that the catalogue has no more, are left out, so that a
-- checkout's value is there once.
--   cost                   money + hours x rate
--   return_on_investment   (value - cost) / cost: 1.5 is 150 %
-- Amounts are in the base currency, by the rate of their day or the last one before it, else by the catalogue's. A
-- currency without a rate keeps a row of its own; a campaign that has several is not divided, because cost and value
-- cannot be compared. Nothing is divided by zero either: the result is NULL.
CREATE OR REPLACE VIEW campaign_return AS
WITH (SELECT toString(any(currency)) FROM goals FINAL) AS base_currency
SELECT
    model,
    campaign,
    if(c.name = '', campaign, c.name) AS name,
    c.means AS means,
    currency,
    money,
    hours,
    cost,
    conversions,
    value,
    if(
        conversions = 0 OR currencies > 1,
        NULL,
        cost / if(conversions = 0, 1, conversions)
    ) AS cost_per_conversion,
    if(
        cost = 0 OR currencies > 1,
        NULL,
        toFloat64(value - cost) / toFloat64(if(cost = 0, 1, cost))
    ) AS return_on_investment
FROM
(
    SELECT
        model,
        campaign,
        if(has_rate, base_currency, own_currency) AS currency,
        toDecimal128(round(sum(money * factor), 6), 6) AS money,
        sum(hours) AS hours,
        toDecimal128(round(sum(cost * factor), 6), 6) AS cost,
        sum(conversions) AS conversions,
        toDecimal128(round(sum(value * factor), 6), 6) AS value,
        count() OVER (PARTITION BY model, campaign) AS currencies
    FROM
    (
        SELECT
            a.model AS model,
            a.campaign AS campaign,
            a.currency AS own_currency,
            a.currency != base_currency AND e.currency != '' AS has_rate,
            toDecimal256(a.money, 6) AS money,
            a.hours AS hours,
            toDecimal256(a.cost, 6) AS cost,
            a.conversions AS conversions,
            toDecimal256(a.value, 6) AS value,
            if(has_rate, e.rate, toDecimal256(1, 18)) AS factor
        FROM
        (
            SELECT
                model,
                campaign,
                toString(currency) AS currency,
                toDate(window_start) AS day,
                toDecimal128(0, 6) AS money,
                toDecimal128(0, 6) AS hours,
                toDecimal128(0, 6) AS cost,
                toDecimal128(sum(conversions), 6) AS conversions,
                toDecimal128(sum(value), 6) AS value
            FROM goal_attribution FINAL
            WHERE campaign != '' AND goal NOT IN (
                SELECT id FROM goals GROUP BY id
                HAVING argMax(removed, version) OR NOT argMax(counts_for_return, version)
            )
            GROUP BY model, campaign, currency, day
            UNION ALL
            SELECT
                arrayJoin(
                    arrayUnion(
                        ['first', 'last', 'last_click', 'linear', 'position', 'time_decay', 'shapley'],
                        (SELECT groupUniqArray(toString(model)) FROM goal_attribution)
                    )
                ) AS model,
                campaign,
                toString(currency) AS currency,
                day,
                toDecimal128(if(kind = 'hours', 0, amount), 6) AS money,
                toDecimal128(if(kind = 'hours', amount, 0), 6) AS hours,
                toDecimal128(toDecimal128(amount, 6) * if(kind = 'hours', rate, toDecimal64(1, 6)), 6) AS cost,
                toDecimal128(0, 6) AS conversions,
                toDecimal128(0, 6) AS value
            FROM costs FINAL
        ) AS a
        ASOF LEFT JOIN base_rates AS e ON e.currency = a.currency AND e.day <= a.day
    )
    GROUP BY model, campaign, currency
) AS r
LEFT JOIN (SELECT id, name, means FROM campaigns FINAL) AS c ON c.id = r.campaign;

-- campaign_return, with the figures of small groups in one row.
CREATE OR REPLACE VIEW campaign_return_shown AS
SELECT
    model,
    campaign,
    name,
    means,
    currency,
    money,
    hours,
    cost,
    conversions,
    value,
    if(
        conversions = 0 OR currencies > 1,
        NULL,
        cost / if(conversions = 0, 1, conversions)
    ) AS cost_per_conversion,
    if(
        cost = 0 OR currencies > 1,
        NULL,
        toFloat64(value - cost) / toFloat64(if(cost = 0, 1, cost))
    ) AS return_on_investment
FROM
(
    SELECT
        model,
        shown AS campaign,
        if(shown = 'withheld', shown, any(r.name)) AS name,
        if(shown = 'withheld', '', any(r.means)) AS means,
        currency,
        sum(r.money) AS money,
        sum(r.hours) AS hours,
        sum(r.cost) AS cost,
        sum(r.conversions) AS conversions,
        sum(r.value) AS value,
        count() OVER (PARTITION BY model, shown) AS currencies
    FROM
    (
        SELECT *, if(campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld') AS shown
        FROM campaign_return
    ) AS r
    GROUP BY model, shown, currency
);
