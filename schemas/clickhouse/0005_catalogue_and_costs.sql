-- The catalogue as it is now. Read with FINAL: what the catalogue no longer lists is there as a removed row.
CREATE TABLE IF NOT EXISTS goals
(
    id String,
    name String,
    event String,
    `where` String COMMENT 'JSON object: properties that must be equal',
    unit String,
    target Nullable(Decimal(18, 6)),
    `by` Nullable(Date32),
    value Nullable(Decimal(18, 6)) COMMENT 'fixed amount of each conversion; NULL: its revenue',
    windows String COMMENT 'JSON object: action class to attribution window in milliseconds',
    currency LowCardinality(String) COMMENT 'base currency of the catalogue',
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY id;

CREATE TABLE IF NOT EXISTS campaigns
(
    id String,
    name String,
    means String,
    aliases Array(String),
    coupons Array(String),
    start Nullable(Date32),
    `end` Nullable(Date32),
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY id;

-- What was spent: money, or hours at a rate.
CREATE TABLE IF NOT EXISTS costs
(
    id String,
    campaign LowCardinality(String),
    day Date,
    kind LowCardinality(String) COMMENT 'money or hours',
    amount Decimal(18, 6),
    rate Decimal(18, 6) COMMENT 'price of an hour; 0 for money',
    currency LowCardinality(String),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;
