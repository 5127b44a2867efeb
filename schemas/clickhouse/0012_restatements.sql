-- For each goal, when its figures are settled: from then on fewer than 1 % of its conversions still change.
--   changed_conversions    how many were stated more than once
--   settled_after          age in seconds, in whole minutes; 0 where next to none was ever restated
--   settled_until          windows from then on are provisional; as_of less settled_after
-- The share that changes after an age is the sum over all last changes at a higher age, each divided by the number of
-- conversions that have come to that age (Nelson and Aalen): conversions too young to have changed do not count as if
-- they never would. What was erased on request is left out: that comes at any age. A replay restates nothing.
CREATE VIEW IF NOT EXISTS settled AS
WITH
    assumeNotNull((
        SELECT max(newest)
        FROM
        (
            SELECT max(window_start) AS newest FROM goal_attribution
            UNION ALL
            SELECT max(window_start) FROM engagement_counts
            UNION ALL
            SELECT max(updated_at) FROM conversions
        )
    )) AS as_of,
    ages AS
    (
        SELECT
            goal,
            changed,
            intDiv(greatest(dateDiff('second', occurred_at, if(changed, updated_at, as_of)), 0) + 59, 60) * 60 AS age,
            count() AS counted
        FROM (SELECT * FROM conversions FINAL WHERE reason != 'erased')
        ARRAY JOIN if(updated_at > first_reported_at, [0, 1], [0]) AS changed
        GROUP BY goal, changed, age
    ),
    followed AS
    (
        SELECT
            *,
            sum(if(changed, 0, counted)) OVER
                (PARTITION BY goal ORDER BY age DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_old
        FROM ages
    ),
    changing AS
    (
        SELECT
            *,
            sum(if(changed, counted / so_old, 0)) OVER
                (PARTITION BY goal ORDER BY age DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS share
        FROM followed
    )
SELECT
    goal,
    sumIf(counted, NOT changed) AS conversions,
    sumIf(counted, changed) AS changed_conversions,
    toUInt64(maxIf(age, changed AND share > 0.01 - 1e-9)) AS settled_after,
    as_of - toIntervalSecond(settled_after) AS settled_until
FROM changing
GROUP BY goal;

-- What was reported first and is known now, where that differs, and why. One row for each cause: the differences of
-- all causes add up to now - reported_then.
--   measure       conversions, or value in one currency
--   cause         late_touch, identity, reversal, correction (completed anew) or erasure; catalogue where no message
--                 bears on it. Where several came at once, the strongest: erasure, correction, reversal, identity, late
--                 touch, catalogue
--   provisional   1 while the window is younger than the goal's settled_after
CREATE VIEW IF NOT EXISTS restatements AS
SELECT
    d.goal AS goal,
    d.window_start AS window_start,
    d.campaign AS campaign,
    d.model AS model,
    d.measure AS measure,
    d.currency AS currency,
    n.amount - sum(d.difference) OVER
        (PARTITION BY d.goal, d.window_start, d.campaign, d.model, d.measure, d.currency) AS reported_then,
    n.amount AS now,
    d.difference AS difference,
    d.cause AS cause,
    toUInt8(s.goal != '' AND d.window_start > s.settled_until) AS provisional
FROM
(
    SELECT
        goal,
        window_start,
        campaign,
        model,
        measure,
        if(measure = 'value', toString(currency), '') AS currency,
        cause,
        sum(if(measure = 'value', value, conversions)) AS difference
    FROM (SELECT *, arrayJoin(['conversions', 'value']) AS measure FROM goal_restatements FINAL)
    GROUP BY goal, window_start, campaign, model, measure, currency, cause
    HAVING difference != 0
) AS d
LEFT JOIN
(
    SELECT
        goal,
        window_start,
        campaign,
        model,
        measure,
        if(measure = 'value', toString(currency), '') AS currency,
        sum(if(measure = 'value', value, conversions)) AS amount
    FROM (SELECT *, arrayJoin(['conversions', 'value']) AS measure FROM goal_attribution FINAL)
    WHERE (goal, window_start) IN (SELECT goal, window_start FROM goal_restatements)
    GROUP BY goal, window_start, campaign, model, measure, currency
) AS n
    ON n.goal = d.goal AND n.window_start = d.window_start AND n.campaign = d.campaign AND n.model = d.model
        AND n.measure = d.measure AND n.currency = d.currency
LEFT JOIN settled AS s ON s.goal = d.goal;
