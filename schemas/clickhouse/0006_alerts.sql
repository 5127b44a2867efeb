-- Drops of conversions below what was expected.
CREATE TABLE IF NOT EXISTS alerts
(
    goal LowCardinality(String),
    since DateTime('UTC'),
    detected_at DateTime('UTC'),
    expected Decimal(18, 6),
    seen Decimal(18, 6),
    cause String,
    campaigns Array(String) COMMENT 'which campaigns explain it',
    networks Array(String) COMMENT 'which networks explain it',
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (goal, since);
