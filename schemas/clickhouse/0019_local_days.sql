-- Every goal of the catalogue against its target.
--   as_of      the newest minute of a conversion: pace follows the data, so that a replayed year reads as it did then,
--              and the clock of one event moves nothing
--   reached    conversions so far, net of reversals (the total is the same in every model, so one of them is read)
--   elapsed    share of the time from the goal's first conversion to the end of the day `by`; NULL in the first
--              24 hours, when a projection would be noise
--   pace       share of the target reached / elapsed: 1 is exactly on course, 0.5 half as fast as needed
--   expected   reached / elapsed: the conversions by the deadline if they go on as so far
--   in_time    conversions until the deadline, net of reversals; all of them without a deadline
--   over       1 once the deadline is past, by the data or by the clock
--   status     one of the words below; a goal whose deadline is past is reached or missed, and none is behind before
--              there is a conversion of any goal
-- Days are those of the catalogue's time zone, and the deadline is the end of the day `by` there. After it elapsed is 1,
-- and pace and expected say what had been reached by then.
CREATE OR REPLACE VIEW goal_progress AS
WITH ifNull((SELECT value FROM settings FINAL WHERE id = 'timezone'), 'UTC') AS zone
SELECT
    goal,
    name,
    unit,
    target,
    `by`,
    reached,
    as_of,
    elapsed,
    multiIf(
        `by` IS NULL OR ifNull(target, 0) = 0 OR nothing_yet, NULL,
        in_time <= 0, 0,
        toFloat64(in_time) / toFloat64(target) / elapsed
    ) AS pace,
    multiIf(
        `by` IS NULL OR nothing_yet, NULL,
        in_time <= 0, 0,
        toFloat64(in_time) / elapsed
    ) AS expected,
    in_time,
    over,
    multiIf(
        ifNull(target, 0) = 0, 'no target',
        in_time >= target, 'reached',
        over, 'missed',
        nothing_yet, 'no conversions yet',
        pace IS NULL, 'too early to tell',
        pace >= 1, 'on course',
        pace >= 0.8, 'a little behind',
        'behind'
    ) AS status
FROM
(
    SELECT
        goal,
        name,
        unit,
        target,
        `by`,
        reached,
        in_time,
        as_of,
        toUnixTimestamp(ifNull(as_of, 0)) = 0 AS nothing_yet,
        ifNull(as_of >= deadline OR now() >= deadline, 0) AS over,
        multiIf(
            `by` IS NULL, NULL,
            as_of >= deadline, 1,
            dateDiff('second', first_at, as_of) < 86400, NULL,
            dateDiff('second', first_at, as_of) / dateDiff('second', first_at, deadline)
        ) AS elapsed
    FROM
    (
        SELECT
            g.id AS goal,
            any(g.name) AS name,
            any(g.unit) AS unit,
            any(g.target) AS target,
            any(g.`by`) AS `by`,
            toDateTime64(any(g.`by`) + 1, 0, zone) AS deadline,
            ifNull(sum(d.conversions), 0) AS reached,
            ifNull(sumIf(d.conversions, g.`by` IS NULL OR d.day <= g.`by`), 0) AS in_time,
            minIf(d.first_at, d.goal != '') AS first_at,
            (SELECT max(window_start) FROM goal_attribution) AS as_of
        FROM (SELECT * FROM goals FINAL) AS g
        LEFT JOIN
        (
            SELECT
                goal,
                toDate32(toTimeZone(window_start, zone)) AS day,
                min(window_start) AS first_at,
                sum(conversions) AS conversions
            FROM goal_attribution FINAL
            WHERE model = 'last_click'
            GROUP BY goal, day
        ) AS d ON d.goal = g.id
        GROUP BY g.id
    )
);

-- What was credited, by day of the catalogue's time zone, in the base currency by the rate of that day or the last one
-- before it, else by the catalogue's; a currency without a rate stays as it is. Of one model at a time: the same
-- conversions are in each of them. Rows are additive, and a day may have several.
--   restated_conversions, restated_value     of these, what was added (or taken, below 0) after they were first
--                                            reported: as first reported = conversions - restated_conversions
CREATE VIEW IF NOT EXISTS attribution_days AS
WITH
    (SELECT toString(any(currency)) FROM goals FINAL) AS base_currency,
    ifNull((SELECT value FROM settings FINAL WHERE id = 'timezone'), 'UTC') AS zone
SELECT
    a.model AS model,
    a.goal AS goal,
    a.campaign AS campaign,
    a.day AS day,
    if(a.currency != base_currency AND e.currency != '', base_currency, a.currency) AS currency,
    if(a.currency != base_currency AND e.currency != '', e.rate, toDecimal256(1, 18)) AS factor,
    a.conversions AS conversions,
    toDecimal256(a.value, 6) * factor AS value,
    a.restated_conversions AS restated_conversions,
    toDecimal256(a.restated_value, 6) * factor AS restated_value
FROM
(
    SELECT
        model,
        goal,
        campaign,
        toString(currency) AS currency,
        toDate(toTimeZone(window_start, zone)) AS day,
        toDecimal128(sum(conversions), 6) AS conversions,
        toDecimal128(sum(value), 6) AS value,
        toDecimal128(0, 6) AS restated_conversions,
        toDecimal128(0, 6) AS restated_value
    FROM goal_attribution FINAL
    GROUP BY model, goal, campaign, currency, day
    UNION ALL
    SELECT
        model,
        goal,
        campaign,
        toString(currency) AS currency,
        toDate(toTimeZone(window_start, zone)) AS day,
        toDecimal128(0, 6) AS conversions,
        toDecimal128(0, 6) AS value,
        toDecimal128(sum(r.conversions), 6) AS restated_conversions,
        toDecimal128(sum(r.value), 6) AS restated_value
    FROM goal_restatements AS r FINAL
    GROUP BY model, goal, campaign, currency, day
) AS a
ASOF LEFT JOIN base_rates AS e ON e.currency = a.currency AND e.day <= a.day;

-- What was spent, by day, in the base currency like attribution_days.
CREATE VIEW IF NOT EXISTS cost_days AS
WITH (SELECT toString(any(currency)) FROM goals FINAL) AS base_currency
SELECT
    a.campaign AS campaign,
    a.day AS day,
    if(a.currency != base_currency AND e.currency != '', base_currency, a.currency) AS currency,
    if(a.currency != base_currency AND e.currency != '', e.rate, toDecimal256(1, 18)) AS factor,
    toDecimal256(a.money, 6) * factor AS money,
    a.hours AS hours,
    toDecimal256(a.cost, 6) * factor AS cost
FROM
(
    SELECT
        campaign,
        day,
        toString(currency) AS currency,
        toDecimal128(if(kind = 'hours', 0, amount), 6) AS money,
        toDecimal128(if(kind = 'hours', amount, 0), 6) AS hours,
        toDecimal128(toDecimal128(amount, 6) * if(kind = 'hours', rate, toDecimal64(1, 6)), 6) AS cost
    FROM costs FINAL
) AS a
ASOF LEFT JOIN base_rates AS e ON e.currency = a.currency AND e.day <= a.day;

-- The goals whose conversions do not count for the return: a checkout that two goals count is worth its value once.
-- Those that the catalogue has no more do not either.
CREATE VIEW IF NOT EXISTS goals_not_for_return AS
SELECT id AS goal
FROM goals
GROUP BY id
HAVING argMax(removed, version) OR NOT argMax(counts_for_return, version);

-- What each campaign cost and brought, by model: read one model at a time, the same conversions are in each of them.
-- Without goals_not_for_return, so that a checkout's value is there once.
--   cost                   money + hours x rate
--   return_on_investment   (value - cost) / cost: 1.5 is 150 %
-- Amounts are in the base currency, by the rate of their day or the last one before it, else by the catalogue's. A
-- currency without a rate keeps a row of its own; a campaign that has several is not divided, because cost and value
-- cannot be compared. Nothing is divided by zero either: the result is NULL.
CREATE OR REPLACE VIEW campaign_return AS
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
        currency,
        toDecimal128(round(sum(a.money), 6), 6) AS money,
        sum(a.hours) AS hours,
        toDecimal128(round(sum(a.cost), 6), 6) AS cost,
        sum(a.conversions) AS conversions,
        toDecimal128(round(sum(a.value), 6), 6) AS value,
        count() OVER (PARTITION BY model, campaign) AS currencies
    FROM
    (
        SELECT
            model,
            campaign,
            currency,
            toDecimal256(0, 24) AS money,
            toDecimal128(0, 6) AS hours,
            toDecimal256(0, 24) AS cost,
            conversions,
            value
        FROM attribution_days
        WHERE campaign != '' AND goal NOT IN (SELECT goal FROM goals_not_for_return)
        UNION ALL
        SELECT
            arrayJoin(
                arrayUnion(
                    ['first', 'last', 'last_click', 'linear', 'position', 'time_decay', 'shapley'],
                    (SELECT groupUniqArray(toString(model)) FROM goal_attribution)
                )
            ) AS model,
            campaign,
            currency,
            money,
            hours,
            cost,
            toDecimal128(0, 6) AS conversions,
            toDecimal256(0, 24) AS value
        FROM cost_days
    ) AS a
    GROUP BY model, campaign, currency
) AS r
LEFT JOIN (SELECT id, name, means FROM campaigns FINAL) AS c ON c.id = r.campaign;

-- attribution_days and cost_days with the figures of small groups as one campaign, `withheld`, its name, and the channel
-- of each campaign: its `means` in the catalogue, `not known` without, `suppressed` of small groups, and `not attributed`.
CREATE VIEW IF NOT EXISTS attribution_days_shown AS
WITH (SELECT mapFromArrays(groupArray(id), groupArray((name, means))) FROM campaigns FINAL) AS known
SELECT
    model,
    goal,
    if(named, toString(d.campaign), 'withheld') AS campaign,
    if(known[campaign].1 = '', campaign, known[campaign].1) AS name,
    multiIf(
        campaign = '', 'not attributed',
        NOT named, 'suppressed',
        known[campaign].2 = '', 'not known',
        known[campaign].2
    ) AS channel,
    day,
    currency,
    conversions,
    value,
    restated_conversions,
    restated_value
FROM (SELECT *, campaign = '' OR campaign IN (SELECT campaign FROM named_campaigns) AS named FROM attribution_days) AS d;

CREATE VIEW IF NOT EXISTS cost_days_shown AS
WITH (SELECT mapFromArrays(groupArray(id), groupArray((name, means))) FROM campaigns FINAL) AS known
SELECT
    if(named, toString(d.campaign), 'withheld') AS campaign,
    if(known[campaign].1 = '', campaign, known[campaign].1) AS name,
    multiIf(NOT named, 'suppressed', known[campaign].2 = '', 'not known', known[campaign].2) AS channel,
    day,
    currency,
    money,
    hours,
    cost
FROM (SELECT *, campaign IN (SELECT campaign FROM named_campaigns) AS named FROM cost_days) AS d;
