"""The history of counts that expectations are learnt from: by quarter-hour, for the days that are remembered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.forecast import QUARTER, QUARTERS, Forecast, fit, quarter_of_week, trimmed

DAY = 1440  # minutes
MEMORY = 42  # days

_USUAL_SHARE = 0.977  # that the least 99 % of sums of squares with QUARTER - 1 degrees of freedom have of them all


@dataclass
class History:
    """Of n goals, from `first_day` on (days since the epoch), arrays (n, days, 96): what was counted, the sum of the
    squares of the minutes' counts, in how many minutes they are known, and whether that was during an alarm, so that
    nothing is to be learnt from it."""

    first_day: int
    counts: F64
    squares: F64
    minutes: NDArray[np.int8]
    alarmed: Mask

    @classmethod
    def of(cls, first: int, counts: F64, known: Mask) -> "History":
        """The history of counts by minute (n, minutes) since the minute `first`, of which some are not known."""
        n, before = len(counts), first % DAY
        shape = (n, max(-(-(before + counts.shape[1]) // DAY), 1), QUARTERS, QUARTER)
        around = ((0, 0), (before, int(np.prod(shape[1:])) - before - counts.shape[1]))
        seen, squares, minutes = (
            np.pad(values.astype(np.float64), around).reshape(shape).sum(3)
            for values in (counts * known, counts**2 * known, known)
        )
        history = cls(first // DAY, seen, squares, minutes.astype(np.int8), np.zeros(shape[:3], np.bool_))
        history._forget(max(shape[1] - MEMORY, 0))
        return history

    def add(self, minute: int, counts: F64, known: Mask, alarmed: Mask) -> None:
        """Add the counts (n,) of a minute, in order, where they are known, and whether an alarm is on."""
        day, quarter = minute // DAY - self.first_day, minute % DAY // QUARTER
        if day == self.counts.shape[1]:
            self._begin_day()
            day = self.counts.shape[1] - 1
        self.counts[:, day, quarter] += counts * known
        self.squares[:, day, quarter] += counts**2 * known
        self.minutes[:, day, quarter] += known
        self.alarmed[:, day, quarter] |= alarmed

    def _begin_day(self) -> None:
        day = ((0, 0), (0, 1), (0, 0))
        self.counts, self.squares = np.pad(self.counts, day), np.pad(self.squares, day)
        self.minutes, self.alarmed = np.pad(self.minutes, day), np.pad(self.alarmed, day)
        self._forget(max(self.counts.shape[1] - MEMORY, 0))

    def _forget(self, days: int) -> None:
        self.first_day += days
        self.counts, self.squares = self.counts[:, days:], self.squares[:, days:]
        self.minutes, self.alarmed = self.minutes[:, days:], self.alarmed[:, days:]

    def mark(self, goal: int, since: int, until: int, alarmed: bool) -> None:
        """Say of all from one minute to another, both included, whether it was during an alarm of the goal."""
        start, end = (max(minute // QUARTER - self.first_day * QUARTERS, 0) for minute in (since, until))
        self.alarmed[goal].reshape(-1)[start : end + 1] = alarmed

    @property
    def begun(self) -> Mask:
        """Of which goals (n,) any minute is known."""
        return np.asarray((self.minutes > 0).any((1, 2)))

    def begin(self, goal: int) -> int:
        """The first minute, to the quarter-hour, in which counts of the goal are known; of the history if none is."""
        return (self.first_day * QUARTERS + int((self.minutes[goal] > 0).argmax())) * QUARTER

    def _usual(self) -> Mask:
        return np.asarray((self.minutes == QUARTER) & ~self.alarmed)

    def forecast(self) -> Forecast:
        """What is to be expected after this."""
        return fit(self.counts, self.minutes == QUARTER, self.alarmed, self.dispersion(), self.first_day)

    def dispersion(self) -> F64:
        """Variance over mean of the count of a minute (n,), at least 1, from how counts vary within quarter-hours."""
        n, usual = len(self.counts), self._usual()
        deviations = (self.squares - self.counts**2 / QUARTER) * usual
        squares = trimmed(deviations.reshape(n, -1), usual.sum((1, 2)), _USUAL_SHARE) * QUARTER / (QUARTER - 1)
        return np.asarray(np.maximum(squares / np.maximum((self.counts * usual).sum((1, 2)), 1), 1))

    def recent_exposure(self, shape: F64, minute: int) -> F64:
        """What the shape (n, 672) adds up to (n,) over what is to be learnt from of the day before the minute."""
        quarters = np.arange(minute // QUARTER - QUARTERS, minute // QUARTER)
        at = quarters - self.first_day * QUARTERS
        known = self._usual().reshape(len(shape), -1)[:, np.clip(at, 0, None)] & (at >= 0)
        cells = [quarter_of_week(int(quarter) * QUARTER) for quarter in quarters]
        return np.asarray((shape[:, cells] * known).sum(1))
