"""The rows of a period: whether a worker reported any, and their removal before the period is replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from streams.core.columns.column import Coded, Columns, Rows
from streams.core.parsing.units import MINUTE
from streams.sinks.clickhouse.client import Client

_Group = tuple[str, str]
_Sums = tuple[int, int, int]  # rows, what they add, and the seconds of their windows added
_DAY = 86_400  # s
_LATEST = 2**32 - 1
_WINDOWS = "window_start BETWEEN toDateTime({first:UInt32}, 'UTC') AND toDateTime({last:UInt32}, 'UTC')"
_CONVERSIONS = (
    "occurred_at >= toDateTime64({first:UInt32}, 3, 'UTC') AND occurred_at < toDateTime64({last:UInt32} + 60, 3, 'UTC')"
)
# Its states cannot let go of a user: it is made anew of those that remain.
_CAMPAIGN_USERS = (
    "TRUNCATE TABLE campaign_users",
    "INSERT INTO campaign_users SELECT campaign, uniqCombined64MergeState(users) FROM engagement_users "
    "WHERE campaign != '' GROUP BY campaign",
    "INSERT INTO campaign_users SELECT toLowCardinality(credited) AS campaign, uniqCombined64State(user) "
    "FROM (SELECT * FROM conversions FINAL) ARRAY JOIN touch_campaign AS credited WHERE user != 0 GROUP BY campaign",
)
# The deletion is over, and seen by every query, when the command returns.
_AT_ONCE = {"lightweight_deletes_sync": "2"}


def holds_live_rows(client: Client, first: int, last: int) -> bool:
    """Whether `live` rows lie between two instants in ms, both inclusive, to the minute."""
    found = client.query(
        f"SELECT 1 FROM goal_attribution WHERE origin = 'live' AND {_WINDOWS} LIMIT 1 "
        f"UNION ALL SELECT 1 FROM engagement_counts WHERE origin = 'live' AND {_WINDOWS} LIMIT 1",
        _minutes(first, last),
    )
    return bool(found)


def holds_earlier_touches(client: Client, first: int) -> bool:
    """Whether a replay counted engagement on days before that of an instant in ms."""
    found = client.query(
        "SELECT 1 FROM engagement_counts WHERE origin = 'replay' AND window_start < toDateTime({day:UInt32}, 'UTC') "
        "LIMIT 1",
        {"day": _minutes(first, first)["first"] // _DAY * _DAY},
    )
    return bool(found)


def whole_days(first: int, last: int) -> tuple[int, int]:
    """The first and the last instant, in ms, of the days (UTC) of two instants in ms."""
    day = _DAY * 1000
    return first // day * day, last // day * day + day - 1


def holds_other_replay(client: Client, first: int, last: int, rows: Rows) -> bool:
    """Whether `replay` rows lie between two instants that writing `rows` would leave as they are: those of other
    files, or of another catalogue, whose figures would add to these."""
    return any(
        bool(held := _held(client, table, second, amount, _minutes(first, last)))
        and held != _sums(rows.get(table, {}), second, amount)
        for table, second, amount in (
            ("goal_attribution", "reason", "conversions"),
            ("engagement_counts", "network", "events"),
        )
    )


def _held(client: Client, table: str, second: str, amount: str, minutes: Mapping[str, int]) -> Mapping[_Group, _Sums]:
    found = client.query(
        f"SELECT campaign, {second} AS second, count() AS n, sum({amount}) AS total, "
        f"sum(toUnixTimestamp(window_start)) AS at FROM {table} FINAL "
        f"WHERE origin = 'replay' AND {_WINDOWS} GROUP BY campaign, second",
        minutes,
    )
    unit = 1_000_000 if amount == "conversions" else 1
    return {(row["campaign"], row["second"]): (row["n"], int(row["total"] * unit), row["at"]) for row in found}


def _sums(columns: Columns, second: str, amount: str) -> Mapping[_Group, _Sums]:
    """The sums of rows that are to be written: by campaign and reason or network."""
    if not columns:
        return {}
    campaign, other = cast(Coded, columns["campaign"]), cast(Coded, columns[second])
    groups, at = np.unique(campaign.codes * len(other.words) + other.codes, return_inverse=True)
    sums = np.zeros((2, len(groups)), np.int64)
    for row, name in zip(sums, (amount, "window_start"), strict=True):
        np.add.at(row, at, np.asarray(columns[name]))
    keys = [(campaign.words[g // len(other.words)], other.words[g % len(other.words)]) for g in groups.tolist()]
    return dict(zip(keys, zip(np.bincount(at).tolist(), *sums.tolist(), strict=True), strict=True))


def remove_rows(client: Client, first: int, last: int) -> None:
    """Remove what was reported between two instants in ms, both inclusive, to the minute.

    A conversion goes with all its versions, or an older one would come back in its place. Users have no finer
    grain than a day: days that lie wholly inside go, and the first and the last keep whom they have. Of
    `path_transitions` every day goes: what is written next says all of a day.
    """
    minutes = _minutes(first, last)
    for table in ("goal_attribution", "goal_restatements", "engagement_counts"):
        client.command(f"DELETE FROM {table} WHERE {_WINDOWS}", minutes, _AT_ONCE)
    for table in ("conversion_audience", "conversions"):
        client.command(
            f"DELETE FROM {table} WHERE (goal, conversion_id) IN "
            f"(SELECT goal, conversion_id FROM conversions FINAL WHERE {_CONVERSIONS})",
            minutes,
            _AT_ONCE,
        )
    days = {"first": -(-minutes["first"] // _DAY), "last": (minutes["last"] + 60) // _DAY}
    whole_days = "day >= toDate({first:UInt16}) AND day < toDate({last:UInt16})"
    for table in ("engagement_users", "engagement_audience", "holdout_users"):
        client.command(f"DELETE FROM {table} WHERE {whole_days}", days, _AT_ONCE)
    touched = {name: at // _DAY for name, at in minutes.items()}
    any_day = "day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16})"
    client.command(f"DELETE FROM path_transitions WHERE {any_day}", touched, _AT_ONCE)
    for command in _CAMPAIGN_USERS:
        client.command(command)


def _minutes(first: int, last: int) -> dict[str, int]:
    """The starts of the first and the last minute, in seconds, as far as a DateTime goes."""
    return {name: min(max(at // MINUTE * 60, 0), _LATEST) for name, at in (("first", first), ("last", last))}
