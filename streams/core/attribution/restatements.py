"""Restatements: why what was stated of a conversion is stated anew."""

from collections.abc import Container, Iterable, Sequence

from streams.core.attribution.conversion import Conversion
from streams.core.orders.cause import Cause

Key = tuple[str, str]  # goal, order id
PendingCause = tuple[str, str, int]  # goal, order id, and a Cause, or 0 where there is none any more


class PendingCauses:
    """The cause, for each stated conversion that waits to be looked at; and which of them no segment says yet."""

    def __init__(self) -> None:
        self._causes: dict[Key, int] = {}
        self._unsaid: dict[Key, None] = {}

    def add(self, key: Key, cause: Cause) -> None:
        """Something happened to that conversion."""
        if cause > self._causes.get(key, 0):
            self._causes[key] = cause
            self._unsaid[key] = None

    def take(self, key: Key) -> Cause:
        """The cause of that conversion, which is looked at now."""
        cause = self._causes.pop(key, 0)
        if cause:
            self._unsaid[key] = None
        return Cause(cause)

    def journaled(self, key: Key) -> None:
        """A statement of that conversion says all about it."""
        self._unsaid.pop(key, None)

    def unjournaled(self) -> list[PendingCause]:
        """What changed since the last call, for the next segment: a restored ledger names the same causes."""
        changed, self._unsaid = self._unsaid, {}
        return [(*key, self._causes.get(key, 0)) for key in changed]

    def fold(self, statements: Iterable[Conversion], marks: Iterable[PendingCause]) -> None:
        """Take in those of a segment."""
        _take_in(self._causes, statements, marks)

    def keep(self, orders: Container[str]) -> None:
        """Drop the marks of all orders but these."""
        self._causes = {key: cause for key, cause in self._causes.items() if cause and key[1] in orders}


def _take_in(causes: dict[Key, int], statements: Iterable[Conversion], marks: Iterable[PendingCause]) -> None:
    for statement in statements:
        causes.pop(statement.key, None)
    causes.update({(goal, order_id): cause for goal, order_id, cause in marks})


def merged_marks(parts: Sequence[tuple[Iterable[Conversion], Iterable[PendingCause]]]) -> list[PendingCause]:
    """What the statements and marks of segments leave, taken in one after the other."""
    causes: dict[Key, int] = {}
    for statements, marks in parts:
        _take_in(causes, statements, marks)
    return [(*key, cause) for key, cause in causes.items()]
