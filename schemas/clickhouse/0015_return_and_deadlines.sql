-- Which goals count for the return on what was spent: a checkout that two goals count is worth its value once.
ALTER TABLE goals
    ADD COLUMN IF NOT EXISTS counts_for_return UInt8 DEFAULT 1
    COMMENT 'whether campaign_return counts it: by default the first goal of each event' AFTER currency;

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
--   status     one of the words below; a goal whose deadline is past is reached or missed
-- After the deadline elapsed is 1, and pace and expected say what had been reached by then.
CREATE OR REPLACE VIEW goal_progress AS
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
        `by` IS NULL OR ifNull(target, 0) = 0, NULL,
        in_time <= 0, 0,
        toFloat64(in_time) / toFloat64(target) / elapsed
    ) AS pace,
    multiIf(
        `by` IS NULL, NULL,
        in_time <= 0, 0,
        toFloat64(in_time) / elapsed
    ) AS expected,
    in_time,
    over,
    multiIf(
        ifNull(target, 0) = 0, 'no target',
        in_time >= target, 'reached',
        over, 'missed',
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
            toDateTime64(any(g.`by`) + 1, 0, 'UTC') AS deadline,
            ifNull(sum(d.conversions), 0) AS reached,
            ifNull(sumIf(d.conversions, g.`by` IS NULL OR d.day <= g.`by`), 0) AS in_time,
            minIf(d.first_at, d.goal != '') AS first_at,
            (SELECT max(window_start) FROM goal_attribution) AS as_of
        FROM (SELECT * FROM goals FINAL) AS g
        LEFT JOIN
        (
            SELECT
                goal,
                toDate32(window_start) AS day,
                min(window_start) AS first_at,
                sum(conversions) AS conversions
            FROM goal_attribution FINAL
            WHERE model = 'last_click'
            GROUP BY goal, day
        ) AS d ON d.goal = g.id
        GROUP BY g.id
    )
);

-- What each campaign cost and brought, by model: read one model at a time, the same conversions are in each of them.
-- Goals that do not count for it (goals.counts_for_return), or that the catalogue has no more, are left out, so that a
-- checkout's value is there once.
--   cost                   money + hours x rate
--   return_on_investment   (value - cost) / cost: 1.5 is 150 %
-- Amounts in different currencies stay in different rows; a campaign that has several gets no return on investment,
-- because cost and value cannot be compared. Nothing is divided by zero: the result is NULL.
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
    if(conversions = 0, NULL, cost / if(conversions = 0, 1, conversions)) AS cost_per_conversion,
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
        sum(money) AS money,
        sum(hours) AS hours,
        sum(cost) AS cost,
        sum(conversions) AS conversions,
        sum(value) AS value,
        count() OVER (PARTITION BY model, campaign) AS currencies
    FROM
    (
        SELECT
            model,
            campaign,
            currency,
            toDecimal128(0, 6) AS money,
            toDecimal128(0, 6) AS hours,
            toDecimal128(0, 6) AS cost,
            toDecimal128(conversions, 6) AS conversions,
            toDecimal128(value, 6) AS value
        FROM goal_attribution FINAL
        WHERE campaign != '' AND goal NOT IN (
            SELECT id FROM goals GROUP BY id HAVING argMax(removed, version) OR NOT argMax(counts_for_return, version)
        )
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
            toDecimal128(if(kind = 'hours', 0, amount), 6) AS money,
            toDecimal128(if(kind = 'hours', amount, 0), 6) AS hours,
            toDecimal128(toDecimal128(amount, 6) * if(kind = 'hours', rate, toDecimal64(1, 6)), 6) AS cost,
            toDecimal128(0, 6) AS conversions,
            toDecimal128(0, 6) AS value
        FROM costs FINAL
    )
    GROUP BY model, campaign, currency
) AS r
LEFT JOIN (SELECT id, name, means FROM campaigns FINAL) AS c ON c.id = r.campaign;
