-- The Markov model: what the removal of each campaign would cost a goal, and the credit in proportion to that.
CREATE TABLE IF NOT EXISTS removal_effects
(
    goal LowCardinality(String),
    computed_at DateTime('UTC'),
    campaign LowCardinality(String),
    currency LowCardinality(String),
    removal_effect Decimal(9, 6) COMMENT 'share of the conversions that would be lost; the same in every currency',
    conversions Decimal(18, 6) COMMENT 'net of reversals',
    value Decimal(18, 6) COMMENT 'net of reversals'
)
ENGINE = ReplacingMergeTree
ORDER BY (goal, computed_at, campaign, currency);

CREATE VIEW IF NOT EXISTS removal_effects_now AS
SELECT *
FROM removal_effects FINAL
WHERE (goal, computed_at) IN (SELECT goal, max(computed_at) FROM removal_effects GROUP BY goal);
