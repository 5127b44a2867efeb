-- Who gets the credit: absolute, versioned rows, one for each hour in which something was reported. Additive over
-- reported_at and partition; a row written twice, or an older version written late, changes nothing under FINAL.
CREATE TABLE IF NOT EXISTS goal_attribution
(
    window_start DateTime('UTC') COMMENT 'the minute of the conversion',
    reported_at DateTime('UTC') COMMENT 'the hour in which this was reported',
    origin LowCardinality(String) COMMENT 'live or replay',
    goal LowCardinality(String),
    model LowCardinality(String),
    campaign LowCardinality(String) COMMENT 'empty when unattributed',
    network LowCardinality(String),
    customer LowCardinality(String) COMMENT 'new, returning or unknown',
    reason LowCardinality(String) COMMENT 'why it is unattributed; empty when attributed',
    currency LowCardinality(String),
    partition UInt32,
    conversions Decimal(18, 6) COMMENT 'net of reversals',
    value Decimal(18, 6) COMMENT 'net of reversals',
    reversed_conversions Decimal(18, 6),
    reversed_value Decimal(18, 6),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(window_start)
ORDER BY (window_start, reported_at, origin, goal, model, campaign, network, customer, reason, currency, partition);

CREATE VIEW IF NOT EXISTS goal_attribution_now AS
SELECT *
FROM goal_attribution FINAL;
