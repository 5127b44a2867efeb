-- Who is held out of which campaign, as the catalogue says. Read with FINAL.
CREATE TABLE IF NOT EXISTS holdouts
(
    id String COMMENT 'the campaign',
    share Nullable(Decimal(18, 6)) COMMENT 'of all users',
    salt String,
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY id;

-- The users of each holdout: one row a day and user, or a few that only together say all (read the largest of each
-- flag). A row written twice changes nothing. Empty where the catalogue has no [[holdout]].
CREATE TABLE IF NOT EXISTS holdout_users
(
    campaign LowCardinality(String),
    salt LowCardinality(String) COMMENT 'another salt is another holdout, of other users',
    user UInt64 COMMENT 'keyed hash of the user token',
    day Date,
    held UInt8 COMMENT '1 = the campaign is not to be shown to this user',
    engaged UInt8 COMMENT '1 = was seen in engagement, of whatever campaign; 0 = in a conversion',
    exposed UInt8 COMMENT '1 = was seen in engagement of this campaign'
)
ENGINE = ReplacingMergeTree
ORDER BY (campaign, salt, user, day, held, engaged, exposed);

-- What each campaign with a holdout caused, by intention to treat: all users seen while it ran, in the group that their
-- token belongs to. Read one model at a time: only attributed and over_credit differ between models.
--   measure            conversions, or value in one currency
--   users, total       of those it was to be shown to; held_users, held_total of those it was held out from
--   leaked             held-out users who were exposed all the same
--   missing_users      how many more must be seen before an interval holds: 10 users that convert are to be expected in
--                      each group, and 10 that do not. Until then the status is 'not yet', and there are no estimates
--   difference         per user, with its 95 % interval (unpooled); incremental = difference x users
--   lift               difference / what a held-out user brings, with Fieller's interval, NULL where it has no bounds
--   over_credit        attributed / incremental: how many times what it caused a model credits it with
--   balance            how likely by chance the split of users is: next to 0, the groups cannot be compared
-- The formulas are those of streams/core/lift/estimate.py.
CREATE VIEW IF NOT EXISTS campaign_lift AS
WITH
    1.959963984540054 AS z,
    tests AS
    (
        SELECT
            h.id AS campaign,
            h.salt AS salt,
            toFloat64(assumeNotNull(h.share)) AS share,
            if(c.name = '', h.id, c.name) AS name,
            ifNull(c.start, toDate32('1970-01-01')) AS first,
            ifNull(c.`end`, toDate32('2299-12-31')) AS last
        FROM (SELECT * FROM holdouts FINAL) AS h
        LEFT JOIN (SELECT * FROM campaigns FINAL) AS c ON c.id = h.id
    ),
    bought AS
    (
        SELECT
            t.campaign AS campaign,
            c.goal AS goal,
            c.user AS user,
            c.currency AS currency,
            countIf(c.status != 'reversed') AS conversions,
            toFloat64(sum(c.value)) AS value
        FROM (SELECT * FROM conversions FINAL WHERE user != 0) AS c
        CROSS JOIN tests AS t
        WHERE toDate32(c.occurred_at) BETWEEN t.first AND t.last
        GROUP BY campaign, goal, user, currency
    ),
    people AS
    (
        SELECT
            t.campaign AS campaign,
            u.user AS user,
            max(u.held) AS held,
            max(u.engaged AND toDate32(u.day) BETWEEN t.first AND t.last) AS engaged,
            max(u.exposed AND toDate32(u.day) BETWEEN t.first AND t.last) AS exposed
        FROM holdout_users AS u
        INNER JOIN tests AS t ON t.campaign = u.campaign AND t.salt = u.salt
        GROUP BY campaign, user
    ),
    populations AS
    (
        SELECT campaign, countIf(NOT held) AS users, countIf(held) AS held_users, countIf(held AND exposed) AS leaked
        FROM people
        WHERE engaged OR (campaign, user) IN (SELECT campaign, user FROM bought)
        GROUP BY campaign
    ),
    measured AS
    (
        SELECT campaign, goal, user, conversions, measure,
            if(measure = 'value', toString(bought.currency), '') AS currency,
            if(measure = 'value', value, toFloat64(conversions)) AS amount
        FROM bought
        ARRAY JOIN ['conversions', 'value'] AS measure
        UNION ALL
        SELECT t.campaign, g.id, 0, 0, 'conversions', '', 0
        FROM tests AS t CROSS JOIN (SELECT id FROM goals FINAL) AS g
    ),
    of_users AS
    (
        SELECT campaign, goal, measure, currency, user,
            sum(measured.amount) AS amount, sum(measured.conversions) AS conversions
        FROM measured
        GROUP BY campaign, goal, measure, currency, user
    ),
    sums AS
    (
        SELECT
            m.campaign AS campaign,
            m.goal AS goal,
            m.measure AS measure,
            m.currency AS currency,
            sumIf(m.amount, NOT p.held) AS total,
            sumIf(m.amount, p.held) AS held_total,
            sumIf(m.amount * m.amount, NOT p.held) AS squares,
            sumIf(m.amount * m.amount, p.held) AS held_squares,
            countIf(m.conversions > 0 AND NOT p.held) AS converted_here,
            countIf(m.conversions > 0 AND p.held) AS held_converted_here
        FROM of_users AS m
        LEFT JOIN people AS p ON p.campaign = m.campaign AND p.user = m.user
        GROUP BY campaign, goal, measure, currency
    ),
    groups AS
    (
        SELECT
            s.campaign AS campaign, t.name AS name, s.goal AS goal, s.measure AS measure, s.currency AS currency,
            t.share AS share, p.users AS users, p.held_users AS held_users, p.leaked AS leaked,
            total, held_total, squares, held_squares,
            max(s.converted_here) OVER (PARTITION BY s.campaign, s.goal) AS converted,
            max(s.held_converted_here) OVER (PARTITION BY s.campaign, s.goal) AS held_converted
        FROM sums AS s
        INNER JOIN tests AS t ON t.campaign = s.campaign
        LEFT JOIN populations AS p ON p.campaign = s.campaign
    ),
    judged AS
    (
        SELECT
            *,
            users + held_users AS seen,
            ceil(10 / ((least(converted + held_converted, seen - converted - held_converted) + 0.5) / (seen + 1)))
                AS needed,
            toUInt64(ceil(greatest(
                greatest(needed - held_users, 0) / share, greatest(needed - users, 0) / (1 - share)
            ))) AS missing_users,
            if(seen = 0, 1, erfc(abs(held_users - seen * share) / sqrt(seen * share * (1 - share)) / sqrt(2))) AS balance,
            missing_users = 0 AS enough,
            if(enough, total / users, NULL) AS mean,
            if(enough, held_total / held_users, NULL) AS held_mean,
            greatest(squares / users - mean * mean, 0) / users AS uncertainty,
            greatest(held_squares / held_users - held_mean * held_mean, 0) / held_users AS held_uncertainty,
            mean - held_mean AS difference,
            z * sqrt(uncertainty + held_uncertainty) AS half,
            held_mean * held_mean - z * z * held_uncertainty AS a,
            mean * held_mean AS b,
            mean * mean - z * z * uncertainty AS c,
            if(a > 0 AND held_mean > 0, sqrt(greatest(b * b - a * c, 0)), NULL) AS root
        FROM groups
    ),
    credited AS
    (
        SELECT
            a.model AS model,
            a.campaign AS campaign,
            a.goal AS goal,
            a.measure AS measure,
            if(a.measure = 'value', toString(a.currency), '') AS currency,
            sum(if(a.measure = 'value', toFloat64(a.value), toFloat64(a.conversions))) AS attributed
        FROM (SELECT *, arrayJoin(['conversions', 'value']) AS measure FROM goal_attribution FINAL) AS a
        INNER JOIN tests AS t ON t.campaign = a.campaign
        WHERE toDate32(a.window_start) BETWEEN t.first AND t.last
        GROUP BY model, campaign, goal, measure, currency
    )
SELECT
    j.campaign AS campaign,
    j.name AS name,
    j.goal AS goal,
    j.measure AS measure,
    j.currency AS currency,
    j.model AS model,
    if(j.enough, 'measured', 'not yet') AS status,
    j.missing_users AS missing_users,
    j.share AS share,
    j.users AS users,
    j.held_users AS held_users,
    j.leaked AS leaked,
    j.balance AS balance,
    j.converted AS converted,
    j.held_converted AS held_converted,
    j.total AS total,
    j.held_total AS held_total,
    j.difference AS difference,
    j.difference - j.half AS difference_low,
    j.difference + j.half AS difference_high,
    j.difference * j.users AS incremental,
    (j.difference - j.half) * j.users AS incremental_low,
    (j.difference + j.half) * j.users AS incremental_high,
    if(j.held_mean > 0, j.difference / nullIf(j.held_mean, 0), NULL) AS lift,
    (j.b - j.root) / nullIf(j.a, 0) - 1 AS lift_low,
    (j.b + j.root) / nullIf(j.a, 0) - 1 AS lift_high,
    c.attributed AS attributed,
    if(incremental > 0, attributed / nullIf(incremental, 0), NULL) AS over_credit,
    if(incremental_high > 0, attributed / nullIf(incremental_high, 0), NULL) AS over_credit_low,
    if(incremental_low > 0, attributed / nullIf(incremental_low, 0), NULL) AS over_credit_high
FROM
(
    SELECT
        *,
        arrayJoin(['first', 'last', 'last_click', 'linear', 'position', 'time_decay', 'shapley']) AS model
    FROM judged
) AS j
LEFT JOIN credited AS c
    ON c.model = j.model AND c.campaign = j.campaign AND c.goal = j.goal AND c.measure = j.measure
        AND c.currency = j.currency;
