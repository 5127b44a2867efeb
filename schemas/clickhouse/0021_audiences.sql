-- Who is on which list of customers, members or residents (`maalstrom audience import`): keyed hashes of tokens. For
-- workers and replays alone: who reads the figures has no business here.
CREATE TABLE IF NOT EXISTS audiences
(
    audience LowCardinality(String),
    user UInt64 COMMENT 'keyed hash of a token on the list',
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (audience, user);

-- Who of an audience engaged, by day: for people on a list alone, and, as soon as there is any list, as the audience
-- `bought before` for who had bought by then, as far as the worker's retention goes back. Who denies advertising is in
-- no row. Read with FINAL and uniqExact(user).
CREATE TABLE IF NOT EXISTS engagement_audience
(
    day Date,
    campaign LowCardinality(String),
    network LowCardinality(String),
    audience LowCardinality(String),
    user UInt64 COMMENT 'keyed hash of the canonical token',
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (day, campaign, network, audience, user);

-- Whose conversions are of which list; read through conversion_audiences.
CREATE TABLE IF NOT EXISTS conversion_audience
(
    goal LowCardinality(String),
    conversion_id String,
    audience LowCardinality(String),
    user UInt64,
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (goal, conversion_id, audience);

-- Conversions by audience, one row for each audience of the buyer; 'bought before' where an earlier one of the goal is
-- known, however long ago.
CREATE VIEW IF NOT EXISTS conversion_audiences AS
SELECT a.audience AS audience, c.goal AS goal, c.conversion_id AS conversion_id, c.occurred_at AS occurred_at,
    c.user AS user, c.value AS value, c.currency AS currency, c.touch_campaign AS touch_campaign
FROM (SELECT * FROM conversion_audience FINAL) AS a
INNER JOIN (SELECT * FROM conversions FINAL WHERE status != 'reversed' AND reason != 'no_consent' AND user != 0) AS c
    ON c.goal = a.goal AND c.conversion_id = a.conversion_id AND c.user = a.user
UNION ALL
SELECT toLowCardinality('bought before') AS audience, goal, conversion_id, occurred_at, user, value, currency,
    touch_campaign
FROM
(
    SELECT *, min(occurred_at) OVER (PARTITION BY goal, user) AS first
    FROM conversions FINAL
    WHERE status != 'reversed' AND reason != 'no_consent' AND user != 0
)
WHERE occurred_at > first;

-- engagement_audience, with campaigns of small groups in one.
CREATE VIEW IF NOT EXISTS engagement_audience_shown AS
SELECT * REPLACE (
    toLowCardinality(if(
        campaign = '' OR campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld'
    )) AS campaign
)
FROM engagement_audience FINAL;
