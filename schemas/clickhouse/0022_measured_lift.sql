-- What campaign_lift says of conversions, as a worker worked it out last and a replay at its end: the view looks at every
-- user, which takes seconds where there are millions. Read with FINAL, of campaigns that have a holdout still.
CREATE TABLE IF NOT EXISTS measured_lift
(
    campaign LowCardinality(String),
    goal LowCardinality(String),
    model LowCardinality(String),
    status LowCardinality(String) COMMENT 'measured or not yet',
    incremental Nullable(Float64),
    incremental_low Nullable(Float64),
    incremental_high Nullable(Float64),
    attributed Float64,
    version UInt64 COMMENT 'when it was worked out, ms'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (campaign, goal, model);
