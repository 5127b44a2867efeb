"""The rows of a period: whether a worker reported any, and their removal before the period is replayed."""

from __future__ import annotations

from streams.clickhouse import Client

_MINUTE = 60_000
_DAY = 86_400
_LATEST = 2**32 - 1
_WINDOWS = "window_start BETWEEN toDateTime({first:UInt32}, 'UTC') AND toDateTime({last:UInt32}, 'UTC')"
_CONVERSIONS = (
    "occurred_at >= toDateTime64({first:UInt32}, 3, 'UTC') AND occurred_at < toDateTime64({last:UInt32} + 60, 3, 'UTC')"
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


def remove_rows(client: Client, first: int, last: int) -> None:
    """Remove what was reported between two instants in ms, both inclusive, to the minute.

    A conversion goes with all its versions, or an older one would come back in its place. `engagement_users` has no
    finer grain than a day: days that lie wholly inside go, and the first and the last keep whom they have.
    """
    minutes = _minutes(first, last)
    for table in ("goal_attribution", "engagement_counts"):
        client.command(f"DELETE FROM {table} WHERE {_WINDOWS}", minutes, _AT_ONCE)
    client.command(
        "DELETE FROM conversions WHERE (goal, conversion_id) IN "
        f"(SELECT goal, conversion_id FROM conversions FINAL WHERE {_CONVERSIONS})",
        minutes,
        _AT_ONCE,
    )
    days = {"first": -(-minutes["first"] // _DAY), "last": (minutes["last"] + 60) // _DAY}
    whole_days = "day >= toDate({first:UInt16}) AND day < toDate({last:UInt16})"
    client.command(f"DELETE FROM engagement_users WHERE {whole_days}", days, _AT_ONCE)


def _minutes(first: int, last: int) -> dict[str, int]:
    """The starts of the first and the last minute, in seconds, as far as a DateTime goes."""
    return {name: min(max(at // _MINUTE * 60, 0), _LATEST) for name, at in (("first", first), ("last", last))}
