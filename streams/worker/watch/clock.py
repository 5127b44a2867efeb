"""What the host's clock says: whether it jumps, and which hour is reported in."""

import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from streams.core.journal.hours import Span, hour_of_reports
from streams.core.parsing.units import HOUR

log = structlog.get_logger(__name__)
LARGEST_STEP = 60.0  # s that a clock may be set by without a word


class ClockWatch:
    """Compares the clock with the time that has passed; `clock` and `passed` give both in seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, passed: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._passed = clock, passed
        self._offset = clock() - passed()

    def jumped(self) -> float:
        """By how many seconds the clock was set since the last call; 0 where that is little."""
        before, self._offset = self._offset, self._clock() - self._passed()
        step = self._offset - before
        return step if abs(step) > LARGEST_STEP else 0.0


class ReportHours:
    """Which hour a partition reports in. Says so where the clock and the journal disagree."""

    def __init__(self, partition: int) -> None:
        self._partition, self._looked = partition, 0

    def next(self, now: int, current: int, spans: Iterable[Span], newest: Mapping[str, int]) -> int:
        """The hour that `hour_of_reports` gives, which is asked once for each hour that the clock says."""
        says = now // HOUR
        if says in (current, self._looked):
            return current
        self._looked, hour = says, hour_of_reports(now, current, list(spans), newest)
        self.tell(now, current, hour)
        return hour

    def tell(self, now: int, last: int, hour: int) -> None:
        """Say so where the clock is behind the `last` hour that was reported in; `hour` is the next one."""
        says = now // HOUR
        if says < last:
            log.warning(
                "the clock is behind the hour of the last reports: it was ahead then, or is behind now; see that it is "
                "right",
                partition=self._partition,
                behind_hours=last - says,
                reports_hours_ahead=hour - says,
            )
