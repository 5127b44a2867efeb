-- Which of these files have been applied. Names of tables carry no database: they belong to the one in the DSN.
CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY name;
