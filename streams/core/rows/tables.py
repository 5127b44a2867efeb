"""The tables of the database and the columns that are written to them: the only place that names columns.

A row is never an object here. What is written is columns, one sequence per name, in the form that the
column's declared ClickHouse type needs:

| ClickHouse type | column |
|---|---|
| `UInt8`, `UInt32`, `UInt64` | integer array |
| `Decimal(18, 6)`, `Decimal(9, 6)` | int64 array of millionths |
| `Decimal(38, 6)` | the same, or an object array of Python integers |
| `DateTime('UTC')` | int64 array of seconds since the epoch |
| `DateTime64(3, 'UTC')` | int64 array of milliseconds since the epoch |
| `Date`, `Date32` | int64 array of days since the epoch |
| `String`, `LowCardinality(String)` | list of str, or `Coded` |
| `Array(T)` | `Ragged` with values in the form of `T` |
| `Map(String, Array(T))` | dict of `Ragged`, one for each key, all with the same number of rows |
| `Nullable(T)` | list of int or None, in the unit of `T` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Table:
    """One declared table: column name to type, in order; sorting key; engine; the expression it is partitioned by."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    engine: str
    partition: str = ""


WORD = "LowCardinality(String)"
MONEY = "Decimal(18, 6)"
SUM = "Decimal(38, 6)"  # of amounts that each may be as large as MONEY
SECOND = "DateTime('UTC')"
MILLISECOND = "DateTime64(3, 'UTC')"
USERS = "AggregateFunction(uniqCombined64, UInt64)"
REPLACING = "ReplacingMergeTree(version)"
# A row of the catalogue that is gone stays as a deleted version: FINAL leaves it out.
REPLACING_OR_REMOVED = "ReplacingMergeTree(version, removed)"

_GONE = {"removed": "UInt8", "version": "UInt64"}

_ATTRIBUTION_KEY = {
    "window_start": SECOND,
    "reported_at": SECOND,
    "origin": WORD,
    **dict.fromkeys(("goal", "model", "campaign", "network", "customer", "reason", "currency"), WORD),
    "partition": "UInt32",
}

_ATTRIBUTED = dict.fromkeys(("conversions", "value", "reversed_conversions", "reversed_value"), SUM)

_ENGAGEMENT_KEY = {
    "window_start": SECOND,
    "reported_at": SECOND,
    "origin": WORD,
    **dict.fromkeys(("campaign", "network", "action"), WORD),
    "partition": "UInt32",
}

_DECLARED = (
    Table("migrations", {"name": "String", "applied_at": SECOND}, ("name",), "ReplacingMergeTree"),
    Table(
        "goal_attribution",
        {**_ATTRIBUTION_KEY, **_ATTRIBUTED, "version": "UInt64"},
        tuple(_ATTRIBUTION_KEY),
        REPLACING,
        "toYYYYMM(window_start)",
    ),
    Table(
        "goal_restatements",
        {**_ATTRIBUTION_KEY, "cause": WORD, **_ATTRIBUTED, "version": "UInt64"},
        (*_ATTRIBUTION_KEY, "cause"),
        REPLACING,
        "toYYYYMM(window_start)",
    ),
    Table(
        "conversions",
        {
            "goal": WORD,
            "conversion_id": "String",
            "occurred_at": MILLISECOND,
            "first_reported_at": SECOND,
            "updated_at": SECOND,
            "value": MONEY,
            "value_known": "UInt8",
            "reversed_value": MONEY,
            "currency": WORD,
            "customer": WORD,
            "reason": WORD,
            "user": "UInt64",
            "touch_at": f"Array({MILLISECOND})",
            "touch_campaign": "Array(String)",
            "touch_network": "Array(String)",
            "touch_action": "Array(String)",
            "credit": "Map(String, Array(Decimal(9, 6)))",
            "status": WORD,
            "version": "UInt64",
        },
        ("goal", "conversion_id"),
        REPLACING,
    ),
    Table(
        "engagement_counts",
        {**_ENGAGEMENT_KEY, "events": "UInt64", "version": "UInt64"},
        tuple(_ENGAGEMENT_KEY),
        REPLACING,
        "toYYYYMM(window_start)",
    ),
    Table(
        "engagement_users",
        {"day": "Date", "campaign": WORD, "network": WORD, "users": USERS},
        ("day", "campaign", "network"),
        "AggregatingMergeTree",
    ),
    Table("campaign_users", {"campaign": WORD, "users": USERS}, ("campaign",), "AggregatingMergeTree"),
    # What is inserted here is folded into engagement_users by a materialized view; nothing is kept.
    Table("engagement_seen", {"day": "Date", "campaign": WORD, "network": WORD, "user": "UInt64"}, (), "Null"),
    Table(
        "path_transitions",
        {
            "goal": WORD,
            "day": "Date",
            "origin": WORD,
            "partition": "UInt32",
            **dict.fromkeys(("source", "target"), "Array(String)"),
            **dict.fromkeys(("converted", "ended"), "Array(UInt64)"),
            "version": "UInt64",
        },
        ("goal", "day", "origin", "partition"),
        REPLACING,
    ),
    Table(
        "removal_effects",
        {
            "goal": WORD,
            "computed_at": SECOND,
            "campaign": WORD,
            "currency": WORD,
            "removal_effect": "Decimal(9, 6)",
            "conversions": SUM,
            "value": SUM,
        },
        ("goal", "computed_at", "campaign", "currency"),
        "ReplacingMergeTree",
    ),
    Table(
        "costs",
        {
            "id": "String",
            "campaign": WORD,
            "day": "Date",
            "kind": WORD,
            **dict.fromkeys(("amount", "rate"), MONEY),
            "currency": WORD,
            "version": "UInt64",
        },
        ("id",),
        REPLACING,
    ),
    Table(
        "rates",
        {
            "source": WORD,
            "day": "Date",
            **dict.fromkeys(("currency", "base"), WORD),
            **dict.fromkeys(("amount", "worth"), MONEY),
            **_GONE,
        },
        ("source", "currency", "day"),
        REPLACING_OR_REMOVED,
    ),
    Table(
        "goals",
        {
            "id": "String",
            "name": "String",
            "event": "String",
            "where": "String",
            "unit": "String",
            "target": "Nullable(Decimal(18, 6))",
            "by": "Nullable(Date32)",
            "value": "Nullable(Decimal(18, 6))",
            "windows": "String",
            "currency": WORD,
            "counts_for_return": "UInt8",
            **_GONE,
        },
        ("id",),
        REPLACING_OR_REMOVED,
    ),
    Table(
        "campaigns",
        {
            "id": "String",
            "name": "String",
            "means": "String",
            "aliases": "Array(String)",
            "called": "Array(String)",
            "coupons": "Array(String)",
            "start": "Nullable(Date32)",
            "end": "Nullable(Date32)",
            **_GONE,
        },
        ("id",),
        REPLACING_OR_REMOVED,
    ),
    Table(
        "holdouts",
        {
            "id": "String",
            "share": "Nullable(Decimal(18, 6))",
            "salt": "String",
            **_GONE,
        },
        ("id",),
        REPLACING_OR_REMOVED,
    ),
    Table(
        "settings",
        {"id": "String", "value": "String", "removed": "UInt8", "version": "UInt64"},
        ("id",),
        REPLACING_OR_REMOVED,
    ),
    Table(
        "holdout_users",
        {
            "campaign": WORD,
            "salt": WORD,
            "user": "UInt64",
            "day": "Date",
            **dict.fromkeys(("held", "engaged", "exposed"), "UInt8"),
        },
        ("campaign", "salt", "user", "day", "held", "engaged", "exposed"),
        "ReplacingMergeTree",
    ),
    Table(
        "measured_lift",
        {
            **dict.fromkeys(("campaign", "goal", "model", "status"), WORD),
            **dict.fromkeys(("incremental", "incremental_low", "incremental_high"), "Nullable(Float64)"),
            "attributed": "Float64",
            "version": "UInt64",
        },
        ("campaign", "goal", "model"),
        REPLACING,
    ),
    Table("audiences", {"audience": WORD, "user": "UInt64", **_GONE}, ("audience", "user"), REPLACING_OR_REMOVED),
    Table(
        "engagement_audience",
        {"day": "Date", **dict.fromkeys(("campaign", "network", "audience"), WORD), "user": "UInt64", **_GONE},
        ("day", "campaign", "network", "audience", "user"),
        REPLACING_OR_REMOVED,
    ),
    Table(
        "conversion_audience",
        {"goal": WORD, "conversion_id": "String", "audience": WORD, "user": "UInt64", **_GONE},
        ("goal", "conversion_id", "audience"),
        REPLACING_OR_REMOVED,
    ),
    Table("token_links", {"token": "UInt64", "user": "UInt64"}, ("token", "user"), "ReplacingMergeTree"),
    Table(
        "alerts",
        {
            "goal": WORD,
            "since": SECOND,
            "detected_at": SECOND,
            "expected": MONEY,
            "seen": MONEY,
            "cause": "String",
            "campaigns": "Array(String)",
            "networks": "Array(String)",
            "version": "UInt64",
        },
        ("goal", "since"),
        REPLACING,
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _DECLARED})
