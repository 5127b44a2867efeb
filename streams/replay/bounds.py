"""The period whose figures a replay writes; what bears on it from before and after is read all the same."""

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import Mask
from streams.core.columns.column import Column, Columns, Rows, row_count
from streams.core.columns.selection import selected

DAY, MINUTE = 86_400, 60  # s
_WINDOWS = ("goal_attribution", "engagement_counts")  # in whose windows a replay's rows begin and end


class Bounds(NamedTuple):
    """From the minute `since` up to the minute `until`, which is not in it, in seconds; None = no bound."""

    since: int | None = None
    until: int | None = None

    @property
    def open(self) -> bool:
        """Whether it is all time."""
        return self == (None, None)

    def within(self, rows: Rows) -> Rows:
        """The rows of those minutes; of tables by the day, of the days that those minutes touch."""
        if self.open:
            return rows
        kept = {table: selected(columns, mask) for table, columns in rows.items() for mask in [self._mask(columns)]}
        return {table: columns for table, columns in kept.items() if columns}

    def _mask(self, columns: Columns) -> Mask:
        name = next((name for name in ("window_start", "occurred_at", "day") if name in columns), None)
        if name is None:  # who is who has no time
            return np.ones(row_count(columns), bool)
        since, until = self.since or 0, 1 << 40 if self.until is None else self.until
        if name == "day":
            since, until = since // DAY, -(-until // DAY)
        scale = 1000 if name == "occurred_at" else 1
        at = _numbers(columns[name])
        return np.asarray((at >= since * scale) & (at < until * scale))

    def ends(self, rows: Rows) -> tuple[int, int] | None:
        """The first and the last minute, in ms: its own, and where it has none those of the rows; None without any."""
        found = [_numbers(rows[table]["window_start"]) for table in _WINDOWS if table in rows]
        starts = [int(each(at)) for at in found for each in (np.min, np.max)]
        first = self.since if self.since is not None else min(starts, default=self.until)
        last = self.until - MINUTE if self.until is not None else max(starts, default=self.since)
        return None if first is None or last is None else (first * 1000, max(first, last) * 1000)


def _numbers(column: Column) -> NDArray[Any]:
    return np.asarray(cast(Any, column))
