-- Each conversion with its journey: four arrays of touches in order, and the credit of each touch by model.
CREATE TABLE IF NOT EXISTS conversions
(
    goal LowCardinality(String),
    conversion_id String,
    occurred_at DateTime64(3, 'UTC'),
    first_reported_at DateTime('UTC'),
    updated_at DateTime('UTC'),
    value Decimal(18, 6) COMMENT 'net of reversals',
    reversed_value Decimal(18, 6),
    currency LowCardinality(String),
    customer LowCardinality(String) COMMENT 'new, returning or unknown',
    reason LowCardinality(String) COMMENT 'why it is unattributed; empty when attributed',
    user UInt64 COMMENT 'keyed hash of the user token; 0 when there is none',
    touch_at Array(DateTime64(3, 'UTC')),
    touch_campaign Array(String),
    touch_network Array(String),
    touch_action Array(String),
    credit Map(String, Array(Decimal(9, 6))) COMMENT 'model to the share of each touch',
    status LowCardinality(String) COMMENT 'open, partly_reversed or reversed',
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (goal, conversion_id);
