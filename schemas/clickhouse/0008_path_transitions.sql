-- How journeys go from campaign to campaign, by goal and day: one absolute, versioned row for all of a day, so that a
-- transition that is no more is gone with it. The arrays belong together: converted[i] journeys with a conversion, and
-- ended[i] journeys without one, go from source[i] to target[i]; '' is outside, as the source where a journey begins,
-- and as the target the conversion, or nothing. Additive over origin and partition. A day's `ended` is final when the
-- goal's longest window has passed after it.
CREATE TABLE IF NOT EXISTS path_transitions
(
    goal LowCardinality(String),
    day Date COMMENT 'of the conversion; of the touch where there is none',
    origin LowCardinality(String) COMMENT 'live or replay',
    partition UInt32,
    source Array(String),
    target Array(String),
    converted Array(UInt64),
    ended Array(UInt64),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (goal, day, origin, partition);
