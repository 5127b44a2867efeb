"""What the database says of conversions by the minute: the figures that drops are found and explained with.

Conversions are those completed in a minute, whatever became of them later: net and reversed together. One model is
read, since every model adds up to the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from streams.core.detection.completeness import SourcePartition
from streams.core.detection.diagnosis import CampaignCounts, ExpectedSeen, Span
from streams.core.events.topics import CHECKOUT, ENGAGEMENT, FORWARDED
from streams.sinks.clickhouse.client import Client

_NEWEST = """
SELECT partition, max(window_start) AS newest FROM {table}
WHERE origin = 'live' AND window_start >= (SELECT max(window_start) FROM {table}) - INTERVAL 2 DAY
GROUP BY partition
"""
_COUNTS = """
SELECT goal, intDiv(toUnixTimestamp(window_start), 60) AS minute,
    toFloat64(sum(conversions + reversed_conversions)) AS n
FROM goal_attribution FINAL
WHERE model = 'last_click' AND window_start >= toDateTime({first:UInt32}, 'UTC')
    AND window_start < toDateTime({end:UInt32}, 'UTC')
GROUP BY goal, minute
"""
_PARTS = """
SELECT campaign, network,
    toFloat64(sumIf(conversions + reversed_conversions, {now})) AS seen,
    toFloat64(sumIf(conversions + reversed_conversions, NOT {now})) AS usual
FROM goal_attribution FINAL
WHERE model = 'last_click' AND goal = {{goal:String}} AND ({spans})
GROUP BY campaign, network
"""
_ENGAGEMENT = """
SELECT toFloat64(sumIf(events, {now})) AS seen, toFloat64(sumIf(events, NOT {now})) AS usual
FROM engagement_counts FINAL WHERE {spans}
"""


def newest(client: Client, topics: Sequence[str] = (ENGAGEMENT, CHECKOUT)) -> dict[SourcePartition, int]:
    """The start of the newest minute (ms) of each partition in which something was counted lately, by topic; of topics
    where kinds of events are not kept apart, that of any kind."""
    found: dict[SourcePartition, int] = {}
    for topic, table in ((ENGAGEMENT, "engagement_counts"), (CHECKOUT, "goal_attribution")):
        for row in client.query(_NEWEST.format(table=table)):
            found[SourcePartition(topic, row["partition"])] = _seconds(row["newest"]) * 1000
    for (_, number), at in list(found.items()):
        for topic in set(topics) - {ENGAGEMENT, CHECKOUT, FORWARDED}:
            found[SourcePartition(topic, number)] = max(at, found.get(SourcePartition(topic, number), 0))
    return found


def counts(client: Client, goals: Sequence[str], first: int, end: int) -> NDArray[np.float64]:
    """Conversions (goals, minutes) from the minute `first` until before the minute `end`."""
    found = np.zeros((len(goals), end - first))
    index = {goal: at for at, goal in enumerate(goals)}
    for row in client.query(_COUNTS, {"first": first * 60, "end": end * 60}):
        if row["goal"] in index:
            found[index[row["goal"]], row["minute"] - first] = row["n"]
    return found


def parts(client: Client, goal: str, now: Span, before: Sequence[Span]) -> list[CampaignCounts]:
    """The conversions of a goal by campaign and network ('' = unattributed), in a span and in earlier ones."""
    rows = client.query(_PARTS.format(now=_within(now), spans=_any([now, *before])), {"goal": goal})
    return [CampaignCounts(row["campaign"], row["network"], row["seen"], row["usual"]) for row in rows]


def engagement(client: Client, now: Span, before: Sequence[Span]) -> ExpectedSeen:
    """Engagement events in a span; to be expected are as many as in the earlier ones on average."""
    (row,) = client.query(_ENGAGEMENT.format(now=_within(now), spans=_any([now, *before])))
    return ExpectedSeen(row["usual"] / max(len(before), 1), row["seen"])


def said(client: Client) -> Mapping[str, int]:
    """The minute in which the last drop of each goal was noticed."""
    rows = client.query("SELECT goal, max(detected_at) AS at FROM alerts GROUP BY goal")
    return {row["goal"]: _seconds(row["at"]) // 60 - 1 for row in rows}


def _any(spans: Sequence[Span]) -> str:
    return " OR ".join(map(_within, spans))


def _within(span: Span) -> str:
    first, end = span
    return f"(window_start >= toDateTime({first * 60:d}, 'UTC') AND window_start < toDateTime({end * 60:d}, 'UTC'))"


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
