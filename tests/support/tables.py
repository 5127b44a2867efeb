"""The final tables that a ledger's rows amount to, as plain dicts in the form of tests/oracle."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from streams.core.columns.column import Coded, Columns, Ragged

Key = tuple[Any, ...]
_CELL = ("window_start", "goal", "model", "campaign", "network", "customer", "reason", "currency")
_AMOUNTS = ("conversions", "value", "reversed_conversions", "reversed_value")


def values(column: Any) -> list[Any]:
    """A column as one plain Python value a row."""
    if isinstance(column, Coded):
        return [column.words[code] for code in column.codes.tolist()]
    if isinstance(column, Ragged):
        flat, edges = values(column.values), column.offsets.tolist()
        return [flat[start:end] for start, end in pairwise(edges)]
    if isinstance(column, Mapping):
        by_key = {key: values(part) for key, part in column.items()}
        return [dict(zip(by_key, row, strict=True)) for row in zip(*by_key.values(), strict=True)]
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def rows(columns: Columns) -> list[dict[str, Any]]:
    """One dict a row."""
    plain = {name: values(column) for name, column in columns.items()}
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


class Database:
    """ReplacingMergeTree in small: of the rows with one key, the one with the largest version counts."""

    KEYS: ClassVar = {
        "goal_attribution": (*_CELL, "reported_at", "origin", "partition"),
        "goal_restatements": (*_CELL, "reported_at", "origin", "partition", "cause"),
        "conversions": ("goal", "conversion_id"),
        "engagement_counts": ("window_start", "reported_at", "origin", "campaign", "network", "action", "partition"),
        "path_transitions": ("goal", "day", "origin", "partition"),
        "engagement_audience": ("day", "campaign", "network", "audience", "user"),
        "conversion_audience": ("goal", "conversion_id", "audience"),
    }

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, dict[str, Any]]] = {name: {} for name in self.KEYS}

    def write(self, written: Mapping[str, Columns]) -> None:
        for name, key in self.KEYS.items():
            for row in rows(written.get(name, {})) if name in written else ():
                standing = self.tables[name].get(tuple(row[k] for k in key))
                if standing is None or row["version"] >= standing["version"]:
                    self.tables[name][tuple(row[k] for k in key)] = row

    def goal_attribution(self) -> dict[Key, list[int]]:
        sums = _summed(self.tables["goal_attribution"].values(), _CELL, _AMOUNTS)
        return {key: amounts for key, amounts in sums.items() if any(amounts)}

    def goal_restatements(self) -> dict[Key, list[int]]:
        """By cell, hour of the report and cause, the differences that are not zero."""
        key = (*_CELL, "reported_at", "cause")
        sums = _summed(self.tables["goal_restatements"].values(), key, _AMOUNTS)
        return {key: amounts for key, amounts in sums.items() if any(amounts)}

    def engagement_counts(self) -> dict[Key, int]:
        key = ("window_start", "campaign", "network", "action")
        return {k: n for k, (n,) in _summed(self.tables["engagement_counts"].values(), key, ("events",)).items() if n}

    def path_transitions(self) -> dict[Key, list[int]]:
        sums: dict[Key, list[int]] = {}
        for row in self.tables["path_transitions"].values():
            steps = zip(*(row[name] for name in ("source", "target", "converted", "ended")), strict=True)
            for source, target, *counts in steps:
                standing = sums.setdefault((row["goal"], row["day"], source, target), [0, 0])
                standing[:] = [a + b for a, b in zip(standing, counts, strict=True)]
        return sums

    def conversions(self) -> dict[Key, dict[str, Any]]:
        aside = {"goal", "conversion_id", "version", "first_reported_at", "updated_at"}
        return {k: {n: v for n, v in row.items() if n not in aside} for k, row in self.tables["conversions"].items()}


def _summed(rows_: Iterable[Mapping[str, Any]], key: tuple[str, ...], names: tuple[str, ...]) -> dict[Key, list[int]]:
    sums: dict[Key, list[int]] = {}
    for row in rows_:
        standing = sums.setdefault(tuple(row[k] for k in key), [0] * len(names))
        standing[:] = [a + row[n] for a, n in zip(standing, names, strict=True)]
    return sums
