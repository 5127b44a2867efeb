"""The tables of the database and the columns that are written to them: the only place that names columns.

A row is never an object here. What is written is columns, one sequence per name, in the form that the
column's declared ClickHouse type needs:

| ClickHouse type | column |
|---|---|
| `UInt8`, `UInt32`, `UInt64` | integer array |
| `Decimal(18, 6)`, `Decimal(9, 6)` | int64 array of millionths |
| `DateTime('UTC')` | int64 array of seconds since the epoch |
| `DateTime64(3, 'UTC')` | int64 array of milliseconds since the epoch |
| `Date`, `Date32` | int64 array of days since the epoch |
| `String`, `LowCardinality(String)` | list of str, or `Coded` |
| `Array(T)` | `Ragged` with values in the form of `T` |
| `Map(String, Array(T))` | dict of `Ragged`, one for each key, all with the same number of rows |
| `Nullable(T)` | list of int or None, in the unit of `T` |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Coded:
    """`n` strings, few of them distinct: row `i` is `words[codes[i]]`."""

    codes: NDArray[np.integer[Any]]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ragged:
    """`n` sequences of any length: row `i` is `values[offsets[i]:offsets[i + 1]]`; `offsets` are `n + 1`, from 0."""

    offsets: NDArray[np.int64]
    values: Column


Column: TypeAlias = (
    "NDArray[np.integer[Any]] | Sequence[str] | Sequence[int | None] | Coded | Ragged | Mapping[str, Ragged]"
)
Columns: TypeAlias = Mapping[str, Column]
Rows: TypeAlias = Mapping[str, Columns]


def row_count(columns: Columns) -> int:
    """The number of rows in `columns`. Raises ValueError when there is no column or they are not equally long."""
    counts = {name: _length(column) for name, column in columns.items() if not _is_empty_map(column)}
    if len(set(counts.values())) != 1:
        raise ValueError(f"columns must be equally long, they are: {counts}")
    return next(iter(counts.values()))


def _is_empty_map(column: Column) -> bool:
    """A map without keys fits any number of rows."""
    return isinstance(column, Mapping) and not column


def _length(column: Column) -> int:
    if isinstance(column, Coded):
        return len(column.codes)
    if isinstance(column, Ragged):
        return len(column.offsets) - 1
    if isinstance(column, Mapping):
        return row_count(column)
    return len(column)


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
SECOND = "DateTime('UTC')"
MILLISECOND = "DateTime64(3, 'UTC')"
USERS = "AggregateFunction(uniqCombined64, UInt64)"
REPLACING = "ReplacingMergeTree(version)"
# A row of the catalogue that is gone stays as a deleted version: FINAL leaves it out.
REPLACING_OR_REMOVED = "ReplacingMergeTree(version, removed)"

_ATTRIBUTION_KEY = {
    "window_start": SECOND,
    "reported_at": SECOND,
    "origin": WORD,
    **dict.fromkeys(("goal", "model", "campaign", "network", "customer", "reason", "currency"), WORD),
    "partition": "UInt32",
}

_ATTRIBUTED = dict.fromkeys(("conversions", "value", "reversed_conversions", "reversed_value"), MONEY)

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
            "conversions": MONEY,
            "value": MONEY,
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
            "amount": MONEY,
            "rate": MONEY,
            "currency": WORD,
            "version": "UInt64",
        },
        ("id",),
        REPLACING,
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
            "removed": "UInt8",
            "version": "UInt64",
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
            "coupons": "Array(String)",
            "start": "Nullable(Date32)",
            "end": "Nullable(Date32)",
            "removed": "UInt8",
            "version": "UInt64",
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
            "removed": "UInt8",
            "version": "UInt64",
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
