"""When to stop because nearly everything becomes a dead letter: by then a producer or this project is broken."""

from collections import deque
from dataclasses import dataclass

WINDOW = 1000  # records, at least, that the ratio is taken over


@dataclass(frozen=True)
class Limits:
    """The share of dead letters among the last records, and how many in a row, beyond which to stop; 0 = no limit."""

    ratio: float = 0.9
    consecutive: int = 10_000


class DeadLetterLimit:
    """The dead letters of one topic, batch by batch."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._batches: deque[tuple[int, int]] = deque()  # the latest, of WINDOW records or a little more
        self._records = self._dead = self._in_a_row = 0

    def add(self, records: int, dead: int) -> str | None:
        """Note a batch of so many records and the dead letters among them; what is too much, None while nothing is.
        A batch with any other record in it ends a row."""
        if not records:
            return None
        self._in_a_row = self._in_a_row + dead if dead == records else 0
        self._batches.append((records, dead))
        self._records += records
        self._dead += dead
        while self._records - self._batches[0][0] >= WINDOW:
            oldest = self._batches.popleft()
            self._records -= oldest[0]
            self._dead -= oldest[1]
        return self._exceeded()

    def _exceeded(self) -> str | None:
        limits = self._limits
        if limits.ratio and self._records >= WINDOW and self._dead > limits.ratio * self._records:
            return f"{self._dead} of the last {self._records} records (MAALSTROM_DLQ_RATIO is {limits.ratio:g})"
        if limits.consecutive and self._in_a_row > limits.consecutive:
            return f"{self._in_a_row} records in a row (MAALSTROM_DLQ_CONSECUTIVE is {limits.consecutive})"
        return None
