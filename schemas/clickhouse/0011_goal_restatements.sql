-- What restatements changed of goal_attribution, by cause: the same rows, but of differences alone. Absolute and
-- versioned like them, and additive over reported_at and partition. First reported = goal_attribution less all of these.
CREATE TABLE IF NOT EXISTS goal_restatements
(
    window_start DateTime('UTC') COMMENT 'the minute of the conversion',
    reported_at DateTime('UTC') COMMENT 'the hour in which this was restated',
    origin LowCardinality(String) COMMENT 'live or replay',
    goal LowCardinality(String),
    model LowCardinality(String),
    campaign LowCardinality(String) COMMENT 'empty when unattributed',
    network LowCardinality(String),
    customer LowCardinality(String) COMMENT 'new, returning or unknown',
    reason LowCardinality(String) COMMENT 'why it is unattributed; empty when attributed',
    currency LowCardinality(String),
    partition UInt32,
    cause LowCardinality(String) COMMENT 'late_touch, identity, reversal, correction, erasure or catalogue',
    conversions Decimal(18, 6) COMMENT 'difference, net of reversals',
    value Decimal(18, 6) COMMENT 'difference, net of reversals',
    reversed_conversions Decimal(18, 6) COMMENT 'difference',
    reversed_value Decimal(18, 6) COMMENT 'difference',
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(window_start)
ORDER BY
    (window_start, reported_at, origin, goal, model, campaign, network, customer, reason, currency, partition, cause);
