-- How many: absolute, versioned counts by the minute.
CREATE TABLE IF NOT EXISTS engagement_counts
(
    window_start DateTime('UTC') COMMENT 'the minute of the event',
    reported_at DateTime('UTC') COMMENT 'the hour in which this was reported',
    origin LowCardinality(String) COMMENT 'live or replay',
    campaign LowCardinality(String),
    network LowCardinality(String),
    action LowCardinality(String),
    partition UInt32,
    events UInt64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(window_start)
ORDER BY (window_start, reported_at, origin, campaign, network, action, partition);

-- How many people: a state that takes the same user any number of times. Read with uniqCombined64Merge(users).
CREATE TABLE IF NOT EXISTS engagement_users
(
    day Date,
    campaign LowCardinality(String),
    network LowCardinality(String),
    users AggregateFunction(uniqCombined64, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (day, campaign, network);

-- Where the pipeline inserts who was seen: nothing stays here, the view below folds it into engagement_users.
CREATE TABLE IF NOT EXISTS engagement_seen
(
    day Date,
    campaign LowCardinality(String),
    network LowCardinality(String),
    user UInt64
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS engagement_seen_to_users TO engagement_users AS
SELECT day, campaign, network, uniqCombined64State(user) AS users
FROM engagement_seen
GROUP BY day, campaign, network;
