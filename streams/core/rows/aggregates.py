"""Aggregates: the figures of each hour in which they were reported, as rows with absolute values."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.attribution.conversion import Conversion
from streams.core.columns.arrays import I64, U32
from streams.core.columns.column import Coded, Column, Columns
from streams.core.columns.dictionary import Dictionary, coded, distinct
from streams.core.columns.keyed_sums import KeyedSums, WholeNumbers, WideSums
from streams.core.journeys.kinds import TouchKinds
from streams.core.parsing.units import MINUTE
from streams.core.rows.contributions import CELL_BITS, UNATTRIBUTED, AggregateKey, contributions
from streams.core.rows.credit import Credit

Pair = tuple[Conversion, Conversion | None]  # a statement, and the one that it takes the place of
REPLAYED = -1  # in place of an hour: every row is reported in the hour of its own minute


class Hour(NamedTuple):
    """What was reported in one hour."""

    goals: WideSums  # by minute and cell: conversions, value, reversed conversions, reversed value
    engagement: KeyedSums  # by minute and kind: events
    restated: WideSums  # as `goals`, of the differences that restatements made, with a cause in the cell


class Aggregates:
    """The sums of one partition, by the hour (since the epoch) of the report, or REPLAYED."""

    def __init__(self, kinds: TouchKinds, origin: str, partition: int) -> None:
        self._kinds, self._origin, self._partition = kinds, origin, partition
        self._cells: Dictionary[AggregateKey] = Dictionary()
        self._hours: dict[int, Hour] = {}
        self._latest = REPLAYED

    def _hour(self, hour: int) -> Hour:
        self._latest = hour
        return self._hours.setdefault(hour, Hour(WideSums(4), KeyedSums(1), WideSums(4)))

    def engaged(self, hour: int, time: I64, kind: U32) -> None:
        """Count events that were taken in."""
        if len(time):
            keys = (time // MINUTE << CELL_BITS) | self._kinds.written_of[kind]
            self._hour(hour).engagement.add(keys, np.ones((len(keys), 1), np.int64))

    def stated(self, hour: int, pairs: Sequence[Pair]) -> list[Credit]:
        """Each statement takes the place of the other of its pair, where there is one. What they are given credit for,
        for their rows."""
        hours, by_cause = self._hour(hour), dict[str, list[Pair]]()
        for new, old in pairs:
            by_cause.setdefault(new.cause if old else "", []).append((new, old))
        credit = []
        for cause, some in by_cause.items():
            sums = {"": hours.goals, cause: hours.restated} if cause else {"": hours.goals}
            credit.append(self._add([new for new, _ in some], sums, 1))
            self._add([old for _, old in some if old], sums, -1)
        return credit

    def _add(self, statements: Sequence[Conversion], sums: Mapping[str, WideSums], sign: int) -> Credit:
        """Add them to those sums, by the cause in their cells."""
        parts, credit = contributions(statements, self._kinds, self._cells, list(sums))
        for part in parts:
            for tally, keys in zip(sums.values(), part.keys, strict=True):
                tally.add(keys, part.amounts * sign)
        return credit

    def changes(self, version: int) -> dict[str, Columns]:
        """Rows of goal_attribution, goal_restatements and engagement_counts for what changed since the last call."""
        goals = _taken({hour: sums.goals for hour, sums in self._hours.items()}, 4)
        restated = _taken({hour: sums.restated for hour, sums in self._hours.items()}, 4)
        engagement = _taken({hour: sums.engagement for hour, sums in self._hours.items()}, 1)
        self._hours = {hour: sums for hour, sums in self._hours.items() if hour == self._latest}
        rows = {
            "goal_attribution": self._goal_rows(goals, version),
            "goal_restatements": self._goal_rows(restated, version, "cause"),
            "engagement_counts": self._event_rows(engagement, version),
        }
        return {table: columns for table, columns in rows.items() if columns}

    def forget_cells(self) -> tuple[I64, I64]:
        """Forget the cells that no hour has anything in; the codes of kinds and of means that the others name."""
        hours = self._hours.values()
        cells = _codes([tally.keys for hour in hours for tally in (hour.goals, hour.restated)])
        self._cells.keep(cells, _NO_CELL)
        means = {self._cells.words[cell].means for cell in cells.tolist()} - {UNATTRIBUTED}
        return _codes([hour.engagement.keys for hour in hours]), np.array(sorted(means), np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of all sums."""
        return sum(tally.nbytes for hour in self._hours.values() for tally in hour)

    @property
    def cells(self) -> Dictionary[AggregateKey]:
        """The cells that something is added up in."""
        return self._cells

    def _goal_rows(self, taken: "_Changed", version: int, *more: str) -> Columns:
        """`more` are words of the cell that the table has beside those of goal_attribution."""
        if not len(taken.minute):
            return {}
        codes, at = distinct(taken.code)
        cells = [self._cells.words[code] for code in codes.tolist()]
        columns = self._common(taken, version)
        for name in ("goal", "model", "customer", "reason", "currency", *more):
            columns[name] = coded([getattr(cell, name) for cell in cells], at)
        means = [("", "") if c.means == UNATTRIBUTED else self._kinds.means.words[c.means] for c in cells]
        columns["campaign"], columns["network"] = (coded([m[i] for m in means], at) for i in (0, 1))
        for i, name in enumerate(("conversions", "value", "reversed_conversions", "reversed_value")):
            columns[name] = taken.sums[:, i]
        return columns

    def _event_rows(self, taken: "_Changed", version: int) -> Columns:
        if not len(taken.minute):
            return {}
        codes, at = distinct(taken.code)
        kinds = [self._kinds.words[code] for code in codes.tolist()]
        columns = self._common(taken, version)
        for i, name in enumerate(("campaign", "network", "action")):
            columns[name] = coded([kind[i] for kind in kinds], at)
        columns["events"] = taken.sums[:, 0]
        return columns

    def _common(self, taken: "_Changed", version: int) -> dict[str, Column]:
        n = len(taken.minute)
        return {
            "window_start": taken.minute * 60,
            "reported_at": taken.hour * 3600,
            "origin": Coded(np.zeros(n, np.int64), [self._origin]),
            "partition": np.full(n, self._partition),
            "version": np.full(n, version, np.uint64),
        }


_NO_CELL = AggregateKey("", "", "", "", "", UNATTRIBUTED)


def _codes(keys: Sequence[I64]) -> I64:
    """The distinct codes in those keys."""
    return np.unique(np.concatenate([np.zeros(0, np.int64), *keys]) & ((1 << CELL_BITS) - 1))


class _Changed(NamedTuple):
    """Changed aggregates: per row the hour of the report, the minute, the code of a cell or kind, and the sums."""

    hour: I64
    minute: I64
    code: I64
    sums: WholeNumbers


def _taken(hours: Mapping[int, KeyedSums | WideSums], width: int) -> _Changed:
    parts = [(hour, *tally.take_changed()) for hour, tally in hours.items()]
    keys = np.concatenate([np.zeros(0, np.int64), *(keys for _, keys, _ in parts)])
    sums = np.concatenate([np.zeros((0, width), np.int64), *(sums for _, _, sums in parts)])
    minute = keys >> CELL_BITS
    hour = np.repeat([hour for hour, _, _ in parts], [len(keys) for _, keys, _ in parts]) if parts else keys
    return _Changed(np.where(hour == REPLAYED, minute // 60, hour), minute, keys & ((1 << CELL_BITS) - 1), sums)
