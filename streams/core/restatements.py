"""Restatements: why what was stated of a conversion is stated anew."""

from collections.abc import Container, Iterable, Sequence
from enum import IntEnum

from streams.core.statements import Statement

Key = tuple[str, str]  # goal, order id
Mark = tuple[str, str, int]  # goal, order id, and a Cause, or 0 where there is none any more


class Cause(IntEnum):
    """Why a conversion is stated anew, the weakest first.

    A restatement has one cause: the strongest of all that came since its conversion was last looked at. What replaces
    the whole conversion goes before what takes back some of it, and that before what only moves credit. CATALOGUE is
    what is left where no message bears on it: the worker was started with another catalogue.
    """

    CATALOGUE = 0
    LATE_TOUCH = 1
    IDENTITY = 2
    REVERSAL = 3
    CORRECTION = 4
    ERASURE = 5

    @property
    def word(self) -> str:
        """As it stands in statements and rows."""
        return self.name.lower()


class Marks:
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

    def said(self, key: Key) -> None:
        """A statement of that conversion says all about it."""
        self._unsaid.pop(key, None)

    def unsaid(self) -> list[Mark]:
        """What changed since the last call, for the next segment: a restored ledger names the same causes."""
        changed, self._unsaid = self._unsaid, {}
        return [(*key, self._causes.get(key, 0)) for key in changed]

    def fold(self, statements: Iterable[Statement], marks: Iterable[Mark]) -> None:
        """Take in those of a segment."""
        _take_in(self._causes, statements, marks)

    def keep(self, orders: Container[str]) -> None:
        """Drop the marks of all orders but these."""
        self._causes = {key: cause for key, cause in self._causes.items() if cause and key[1] in orders}


def _take_in(causes: dict[Key, int], statements: Iterable[Statement], marks: Iterable[Mark]) -> None:
    for statement in statements:
        causes.pop(statement.key, None)
    causes.update({(goal, order_id): cause for goal, order_id, cause in marks})


def merged_marks(parts: Sequence[tuple[Iterable[Statement], Iterable[Mark]]]) -> list[Mark]:
    """What the statements and marks of segments leave, taken in one after the other."""
    causes: dict[Key, int] = {}
    for statements, marks in parts:
        _take_in(causes, statements, marks)
    return [(*key, cause) for key, cause in causes.items()]
