-- What the worker is configured with, as far as views need it. Read with FINAL; a setting without a row has its default.
CREATE TABLE IF NOT EXISTS settings
(
    id String,
    value String,
    removed UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY id;

-- How many people each campaign concerns: those who engaged with it, and those whose purchase is credited to it.
-- Read with uniqCombined64Merge(users).
CREATE TABLE IF NOT EXISTS campaign_users
(
    campaign LowCardinality(String),
    users AggregateFunction(uniqCombined64, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY campaign;

CREATE MATERIALIZED VIEW IF NOT EXISTS engagement_users_to_campaigns TO campaign_users AS
SELECT campaign, uniqCombined64MergeState(users) AS users
FROM engagement_users
WHERE campaign != ''
GROUP BY campaign;

CREATE MATERIALIZED VIEW IF NOT EXISTS conversions_to_campaigns TO campaign_users AS
SELECT toLowCardinality(credited) AS campaign, uniqCombined64State(user) AS users
FROM conversions
ARRAY JOIN touch_campaign AS credited
WHERE user != 0
GROUP BY campaign;

-- Those of before; to take the same user in again changes nothing.
INSERT INTO campaign_users
SELECT campaign, uniqCombined64MergeState(users) FROM engagement_users WHERE campaign != '' GROUP BY campaign;

INSERT INTO campaign_users
SELECT toLowCardinality(credited) AS campaign, uniqCombined64State(user)
FROM (SELECT * FROM conversions FINAL)
ARRAY JOIN touch_campaign AS credited
WHERE user != 0
GROUP BY campaign;

-- The campaigns that may be shown by name: of enough users (setting smallest_group, 10 unless it says otherwise) that
-- no figure of theirs is about one person. Views ending in _shown have all others as one campaign, `withheld`, so that
-- totals still add up. The tables, campaign_return and the report have every campaign by name: they are for who runs
-- the pipeline, and small shops begin with small numbers.
CREATE VIEW IF NOT EXISTS named_campaigns AS
SELECT campaign, uniqCombined64Merge(users) AS users
FROM campaign_users
GROUP BY campaign
HAVING users >= ifNull((SELECT toUInt64OrNull(any(value)) FROM settings FINAL WHERE id = 'smallest_group'), 10);

CREATE VIEW IF NOT EXISTS goal_attribution_shown AS
SELECT * REPLACE (
    toLowCardinality(if(
        campaign = '' OR campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld'
    )) AS campaign
)
FROM goal_attribution FINAL;

CREATE VIEW IF NOT EXISTS engagement_counts_shown AS
SELECT * REPLACE (
    toLowCardinality(if(
        campaign = '' OR campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld'
    )) AS campaign
)
FROM engagement_counts FINAL;

CREATE VIEW IF NOT EXISTS conversions_shown AS
WITH (SELECT groupArray(toString(campaign)) FROM named_campaigns) AS named
SELECT * REPLACE (arrayMap(campaign -> if(has(named, campaign), campaign, 'withheld'), touch_campaign) AS touch_campaign)
FROM conversions FINAL;

-- campaign_return, with the figures of small groups in one row.
CREATE VIEW IF NOT EXISTS campaign_return_shown AS
SELECT
    model,
    campaign,
    name,
    means,
    currency,
    money,
    hours,
    cost,
    conversions,
    value,
    if(conversions = 0, NULL, cost / if(conversions = 0, 1, conversions)) AS cost_per_conversion,
    if(
        cost = 0 OR currencies > 1,
        NULL,
        toFloat64(value - cost) / toFloat64(if(cost = 0, 1, cost))
    ) AS return_on_investment
FROM
(
    SELECT
        model,
        shown AS campaign,
        if(shown = 'withheld', shown, any(r.name)) AS name,
        if(shown = 'withheld', '', any(r.means)) AS means,
        currency,
        sum(r.money) AS money,
        sum(r.hours) AS hours,
        sum(r.cost) AS cost,
        sum(r.conversions) AS conversions,
        sum(r.value) AS value,
        count() OVER (PARTITION BY model, shown) AS currencies
    FROM
    (
        SELECT *, if(campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld') AS shown
        FROM campaign_return
    ) AS r
    GROUP BY model, shown, currency
);
