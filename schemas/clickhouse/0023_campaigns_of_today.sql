-- engagement_counts and engagement_users keep a campaign as it was written; what that means today the catalogue says.
ALTER TABLE campaigns
    ADD COLUMN IF NOT EXISTS called Array(String) COMMENT 'its id and aliases as names compare' AFTER aliases;

-- Engagement by the campaigns of the catalogue as it is now. Sums, for which rows of one campaign may be several.
CREATE VIEW IF NOT EXISTS engagement_counts_now AS
WITH
    (SELECT groupArray(name) FROM (SELECT arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS names,
    (SELECT groupArray(id) FROM (SELECT id, arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS ids
SELECT * REPLACE (
    toLowCardinality(transform(campaign, names, ids, campaign)) AS campaign
)
FROM engagement_counts FINAL;

-- People of each day.
CREATE VIEW IF NOT EXISTS engagement_users_now AS
WITH
    (SELECT groupArray(name) FROM (SELECT arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS names,
    (SELECT groupArray(id) FROM (SELECT id, arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS ids
SELECT day, toLowCardinality(word) AS campaign, network, uniqCombined64Merge(state) AS users
FROM (
    SELECT
        day,
        transform(engagement_users.campaign, names, ids, engagement_users.campaign) AS word,
        network,
        engagement_users.users AS state
    FROM engagement_users
)
GROUP BY day, word, network;

-- A campaign may be shown by name by its users under that name, and by those of all that it is called today.
CREATE OR REPLACE VIEW named_campaigns AS
WITH
    (SELECT groupArray(name) FROM (SELECT arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS names,
    (SELECT groupArray(id) FROM (SELECT id, arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS ids
SELECT toLowCardinality(word) AS campaign, uniqCombined64Merge(users) AS users
FROM (
    SELECT arrayJoin(arrayDistinct([
        toString(campaign_users.campaign),
        transform(campaign_users.campaign, names, ids, campaign_users.campaign)
    ])) AS word, users
    FROM campaign_users
)
GROUP BY word
HAVING users >= ifNull((SELECT toUInt64OrNull(any(value)) FROM settings FINAL WHERE id = 'smallest_group'), 10);

CREATE OR REPLACE VIEW engagement_counts_shown AS
SELECT * REPLACE (
    toLowCardinality(if(
        campaign = '' OR campaign IN (SELECT campaign FROM named_campaigns), toString(campaign), 'withheld'
    )) AS campaign
)
FROM engagement_counts_now;
