"""What is in ClickHouse, in the form of tests/oracle, and where it differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streams.core.identity.tokens import Tokens
from streams.sinks.clickhouse.client import Client
from tests.oracle import Result

Key = tuple[Any, ...]
SHOWN = 5

_ATTRIBUTION = """
SELECT toUnixTimestamp(window_start) AS at, goal, model, campaign, network, customer, reason, currency,
    sum(conversions) AS c, sum(value) AS v, sum(reversed_conversions) AS rc, sum(reversed_value) AS rv
FROM goal_attribution FINAL GROUP BY ALL
"""
_COUNTS = """
SELECT toUnixTimestamp(window_start) AS at, campaign, network, action, sum(events) AS n
FROM engagement_counts FINAL GROUP BY ALL
"""
_CONVERSIONS = """
SELECT goal, conversion_id, toUnixTimestamp64Milli(occurred_at) AS at, value, reversed_value, currency, customer,
    reason, user, arrayMap(t -> toUnixTimestamp64Milli(t), touch_at) AS times,
    touch_campaign, touch_network, touch_action, credit, status, value_known
FROM conversions FINAL
"""


_TRANSITIONS = """
SELECT goal, toUInt32(day) AS on, source, target, sum(converted) AS c, sum(ended) AS e
FROM path_transitions FINAL ARRAY JOIN source, target, converted, ended GROUP BY ALL
"""


@dataclass(frozen=True)
class Tables:
    """The three tables as the reference gives them; `withdrawn` are the conversions that count for nothing now."""

    goal_attribution: Mapping[Key, list[int]]
    conversions: Mapping[Key, dict[str, Any]]
    engagement_counts: Mapping[Key, int]


def read_tables(client: Client) -> Tables:
    """Read all three, net of versions, hours and partitions; rows that are zero throughout are left out."""
    return Tables(_attribution(client), _conversions(client), _counts(client))


def _attribution(client: Client) -> dict[Key, list[int]]:
    found = {}
    for row in client.query(_ATTRIBUTION):
        amounts = [_micro(row.pop(name)) for name in ("c", "v", "rc", "rv")]
        if any(amounts):
            found[tuple(row.values())] = amounts
    return found


def _counts(client: Client) -> dict[Key, int]:
    rows = client.query(_COUNTS)
    return {(r["at"], r["campaign"], r["network"], r["action"]): int(r["n"]) for r in rows if r["n"]}


_FIRST = """
SELECT goal, model, toFloat64(sum(n)) AS first, any(m.stated) AS stated FROM
(
    SELECT goal, model, conversions + reversed_conversions AS n FROM goal_attribution FINAL
    UNION ALL SELECT goal, model, -(conversions + reversed_conversions) FROM goal_restatements FINAL
) AS f
INNER JOIN (SELECT goal, count() AS stated FROM conversions FINAL GROUP BY goal) AS m USING (goal)
GROUP BY goal, model HAVING first < stated OR first > stated + {again:UInt32} OR first != floor(first)
"""


def wrongly_restated(client: Client, again: int = 0) -> list[str]:
    """Goals where what is known now less all restatements is not each conversion once, as it was first reported, and
    at the most so many once `again`, by another partition."""
    found = client.query(_FIRST, {"again": again})
    return [f"{r['goal']}, {r['model']}: {r['first']:g} of {r['stated']} first reports" for r in found]


def unlike_transitions(client: Client, wanted: Result) -> list[str]:
    """Where path_transitions differs from the reference."""
    found = {(r["goal"], r["on"], r["source"], r["target"]): [r["c"], r["e"]] for r in client.query(_TRANSITIONS)}
    return _compare("path_transitions", found, wanted.path_transitions)


def _conversions(client: Client) -> dict[Key, dict[str, Any]]:
    found = {}
    for row in client.query(_CONVERSIONS):
        row["occurred_at"], row["touch_at"] = row.pop("at"), list(row.pop("times"))
        row["value"], row["reversed_value"] = _micro(row["value"]), _micro(row["reversed_value"])
        row["credit"] = {model: [_micro(part) for part in parts] for model, parts in row["credit"].items()}
        found[row.pop("goal"), row.pop("conversion_id")] = row
    return found


def _micro(amount: Decimal) -> int:
    return int(amount * 1_000_000)


def differences(found: Tables, wanted: Result, token_key: bytes) -> list[str]:
    """Say where the tables differ from the reference, one line a row; an empty list means that they are equal."""
    tokens = Tokens(token_key)
    orders = {key: _as_stored(row, tokens) for key, row in wanted.conversions.items()}
    # A conversion whose order no longer meets the goal stays as a reversed one without value.
    stands = {key: row for key, row in found.conversions.items() if key in orders or not _withdrawn(row)}
    return [
        *_compare("goal_attribution", found.goal_attribution, wanted.goal_attribution),
        *_compare("conversions", stands, orders),
        *_compare("engagement_counts", found.engagement_counts, wanted.engagement_counts),
    ]


def _as_stored(row: Mapping[str, Any], tokens: Tokens) -> dict[str, Any]:
    return {**row, "user": tokens.hash(row["user"])}


def _withdrawn(row: Mapping[str, Any]) -> bool:
    return bool(row["status"] == "reversed" and row["value"] == 0)


def _compare(table: str, found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> list[str]:
    keys = sorted(found.keys() | wanted.keys(), key=repr)
    return [
        f"{table} {key}: {found.get(key, 'missing')}, should be {wanted.get(key, 'missing')}"
        for key in keys
        if found.get(key) != wanted.get(key)
    ]


def summary(lines: list[str]) -> str:
    """The first few differences and how many there are, for the message of a failure."""
    return "\n".join([f"{len(lines)} differences:", *lines[:SHOWN]])
