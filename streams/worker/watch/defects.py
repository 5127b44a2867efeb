"""Defects: when a ledger that our own code failed in is made anew, and when to give up."""

import time
from collections.abc import Iterator, Mapping

from streams.core.events.batch import Batch

APART = 60.0  # s between two times that a ledger is made anew for a defect
MOST = 10  # of them in a row


class DefectsError(Exception):
    """Our own code fails again and again; the text says where, why, and what to do."""


class Defects:
    """The defects of one partition. While its ledger is `tainted`, nothing may be asked of it."""

    def __init__(self) -> None:
        self.tainted = False
        self._mended = self._found = float("-inf")
        self._in_a_row = 0

    def found(self, where: str, defect: Exception) -> None:
        """Our own code failed there. Raises DefectsError when that is too often."""
        self.tainted, self._found = True, time.monotonic()
        self._in_a_row += 1
        if self._in_a_row > MOST:
            raise DefectsError(
                f"our own code failed {self._in_a_row} times in a row in {where}, at last with {described(defect)}; "
                "nothing is lost: report it with the traceback above, and start a version that has it mended"
            )

    def passed(self) -> None:
        """Records were taken in without any."""
        self._in_a_row = 0

    @property
    def careful(self) -> bool:
        """Whether there was one so lately that the next records are tried out first."""
        return time.monotonic() - self._found < APART

    @property
    def wait(self) -> float:
        """Seconds until the ledger may be made anew."""
        return self._mended + APART - time.monotonic()

    def mended(self) -> None:
        """The ledger is made anew."""
        self.tainted, self._mended = False, time.monotonic()


def described(defect: Exception) -> str:
    """A defect as the error of a dead letter."""
    return f"{type(defect).__name__}: {defect}"


def parted(batch: Batch, failing: Mapping[int, str]) -> Iterator[tuple[Batch, str]]:
    """The batch in parts, in order: each record that our code is known to fail on with why; the others with ''."""
    start = 0
    for at in sorted(failing):
        if at > start:
            yield batch.part(start, at), ""
        yield batch.part(at, at + 1), failing[at]
        start = at + 1
    if start < len(batch.values) or not batch.values:
        yield batch.part(start), ""
