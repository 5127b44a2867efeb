-- engagement_users by the campaigns of today, as sketches: people of several days are merged, not added.
CREATE VIEW IF NOT EXISTS engagement_sketches_now AS
WITH
    (SELECT groupArray(name) FROM (SELECT arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS names,
    (SELECT groupArray(id) FROM (SELECT id, arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS ids
SELECT day, toLowCardinality(transform(engagement_users.campaign, names, ids, engagement_users.campaign)) AS campaign, network, users
FROM engagement_users;

-- engagement_audience by the campaigns of today, with those of small groups in one.
CREATE OR REPLACE VIEW engagement_audience_shown AS
WITH
    (SELECT groupArray(name) FROM (SELECT arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS names,
    (SELECT groupArray(id) FROM (SELECT id, arrayJoin(called) AS name FROM campaigns FINAL ORDER BY name)) AS ids
SELECT day, toLowCardinality(if(word = '' OR word IN (SELECT campaign FROM named_campaigns), word, 'withheld')) AS campaign,
    network, audience, user, removed, version
FROM (
    SELECT *, transform(engagement_audience.campaign, names, ids, engagement_audience.campaign) AS word
    FROM engagement_audience FINAL
);
