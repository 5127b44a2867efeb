-- Sums of amounts that are each as large as Decimal(18, 6) allows need more room: Decimal(38, 6). Views that show a column
-- as it is keep the type that it had when they were made, so they are made anew.
ALTER TABLE goal_attribution
    MODIFY COLUMN conversions Decimal(38, 6),
    MODIFY COLUMN value Decimal(38, 6),
    MODIFY COLUMN reversed_conversions Decimal(38, 6),
    MODIFY COLUMN reversed_value Decimal(38, 6);

ALTER TABLE goal_restatements
    MODIFY COLUMN conversions Decimal(38, 6),
    MODIFY COLUMN value Decimal(38, 6),
    MODIFY COLUMN reversed_conversions Decimal(38, 6),
    MODIFY COLUMN reversed_value Decimal(38, 6);

ALTER TABLE removal_effects
    MODIFY COLUMN conversions Decimal(38, 6),
    MODIFY COLUMN value Decimal(38, 6);

CREATE OR REPLACE VIEW goal_attribution_now AS
SELECT *
FROM goal_attribution FINAL;

CREATE OR REPLACE VIEW goal_attribution_shown AS
SELECT * REPLACE (
    toLowCardinality(if(
        campaign = '' OR campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld'
    )) AS campaign
)
FROM goal_attribution FINAL;

CREATE OR REPLACE VIEW removal_effects_now AS
SELECT *
FROM removal_effects FINAL
WHERE (goal, computed_at) IN (SELECT goal, max(computed_at) FROM removal_effects GROUP BY goal);
