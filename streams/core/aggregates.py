"""Aggregates: the figures of each hour in which they were reported, as rows with absolute values."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.codes import Codes, Kinds
from streams.core.figures import CELL_BITS, MINUTE, UNATTRIBUTED, Cell, figures
from streams.core.rows import Coded, Column, Columns
from streams.core.runs import I64, U32
from streams.core.statements import Statement
from streams.core.tally import Tally

Pair = tuple[Statement, Statement | None]  # a statement, and the one that it takes the place of
REPLAYED = -1  # in place of an hour: every row is reported in the hour of its own minute


class Hour(NamedTuple):
    """What was reported in one hour."""

    goals: Tally  # by minute and cell: conversions, value, reversed conversions, reversed value
    engagement: Tally  # by minute and kind: events
    restated: Tally  # as `goals`, of the differences that restatements made, with a cause in the cell


class Aggregates:
    """The tallies of one partition, by the hour (since the epoch) of the report, or REPLAYED."""

    def __init__(self, kinds: Kinds, origin: str, partition: int) -> None:
        self._kinds, self._origin, self._partition = kinds, origin, partition
        self._cells: Codes[Cell] = Codes()
        self._hours: dict[int, Hour] = {}

    def _hour(self, hour: int) -> Hour:
        return self._hours.setdefault(hour, Hour(Tally(4), Tally(1), Tally(4)))

    def engaged(self, hour: int, time: I64, kind: U32) -> None:
        """Those events were taken in."""
        if len(time):
            keys = (time // MINUTE << CELL_BITS) | kind.astype(np.int64)
            self._hour(hour).engagement.add(keys, np.ones((len(keys), 1), np.int64))

    def stated(self, hour: int, pairs: Sequence[Pair]) -> None:
        """Each statement takes the place of the other of its pair, where there is one."""
        hours, by_cause = self._hour(hour), dict[str, list[Pair]]()
        for new, old in pairs:
            by_cause.setdefault(new.cause if old else "", []).append((new, old))
        for cause, some in by_cause.items():
            self._add({"": hours.goals, cause: hours.restated} if cause else {"": hours.goals}, some)

    def _add(self, tallies: Mapping[str, Tally], pairs: Sequence[Pair]) -> None:
        """To those tallies, by the cause in their cells."""
        new, old = [new for new, _ in pairs], [old for _, old in pairs if old]
        for statements, sign in ((new, 1), (old, -1)):
            for part in figures(statements, self._kinds, self._cells, list(tallies)):
                for tally, keys in zip(tallies.values(), part.keys, strict=True):
                    tally.add(keys, part.amounts * sign)

    def changes(self, version: int) -> dict[str, Columns]:
        """Rows of goal_attribution, goal_restatements and engagement_counts for what changed since the last call."""
        goals = _taken({hour: tallies.goals for hour, tallies in self._hours.items()}, 4)
        restated = _taken({hour: tallies.restated for hour, tallies in self._hours.items()}, 4)
        engagement = _taken({hour: tallies.engagement for hour, tallies in self._hours.items()}, 1)
        latest = max(self._hours, default=REPLAYED)
        self._hours = {hour: tallies for hour, tallies in self._hours.items() if hour == latest}
        rows = {
            "goal_attribution": self._goal_rows(goals, version),
            "goal_restatements": self._goal_rows(restated, version, "cause"),
            "engagement_counts": self._event_rows(engagement, version),
        }
        return {table: columns for table, columns in rows.items() if columns}

    def _goal_rows(self, taken: "_Taken", version: int, *more: str) -> Columns:
        """`more` are words of the cell that the table has beside those of goal_attribution."""
        if not len(taken.minute):
            return {}
        distinct, at = np.unique(taken.code, return_inverse=True)
        cells = [self._cells.words[code] for code in distinct.tolist()]
        columns = self._common(taken, version)
        for name in ("goal", "model", "customer", "reason", "currency", *more):
            columns[name] = coded([getattr(cell, name) for cell in cells], at)
        means = [("", "") if c.means == UNATTRIBUTED else self._kinds.means.words[c.means] for c in cells]
        columns["campaign"], columns["network"] = (coded([m[i] for m in means], at) for i in (0, 1))
        for i, name in enumerate(("conversions", "value", "reversed_conversions", "reversed_value")):
            columns[name] = taken.sums[:, i]
        return columns

    def _event_rows(self, taken: "_Taken", version: int) -> Columns:
        if not len(taken.minute):
            return {}
        distinct, at = np.unique(taken.code, return_inverse=True)
        kinds = [self._kinds.words[code] for code in distinct.tolist()]
        columns = self._common(taken, version)
        for i, name in enumerate(("campaign", "network", "action")):
            columns[name] = coded([kind[i] for kind in kinds], at)
        columns["events"] = taken.sums[:, 0]
        return columns

    def _common(self, taken: "_Taken", version: int) -> dict[str, Column]:
        n = len(taken.minute)
        return {
            "window_start": taken.minute * 60,
            "reported_at": taken.hour * 3600,
            "origin": Coded(np.zeros(n, np.int64), [self._origin]),
            "partition": np.full(n, self._partition),
            "version": np.full(n, version, np.uint64),
        }


class _Taken(NamedTuple):
    """Changed aggregates: per row the hour of the report, the minute, the code of a cell or kind, and the sums."""

    hour: I64
    minute: I64
    code: I64
    sums: I64


def _taken(tallies: Mapping[int, Tally], width: int) -> _Taken:
    parts = [(hour, *tally.take_changed()) for hour, tally in tallies.items()]
    keys = np.concatenate([np.zeros(0, np.int64), *(keys for _, keys, _ in parts)])
    sums = np.concatenate([np.zeros((0, width), np.int64), *(sums for _, _, sums in parts)])
    minute = keys >> CELL_BITS
    hour = np.repeat([hour for hour, _, _ in parts], [len(keys) for _, keys, _ in parts]) if parts else keys
    return _Taken(np.where(hour == REPLAYED, minute // 60, hour), minute, keys & ((1 << CELL_BITS) - 1), sums)


def coded(words: Sequence[str], at: I64) -> Coded:
    """The column whose row `i` is `words[at[i]]`, each distinct word stored once."""
    distinct = Codes[str]()
    return Coded(distinct.codes(words)[at], distinct.words)
