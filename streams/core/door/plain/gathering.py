"""Gathering what the messages of a batch are, in the order in which they arrived."""

from collections import Counter
from collections.abc import Sequence

from streams.core.door.canonical import Event, Fault, Ignored, Item, Rejected, Touch
from streams.core.door.plain.batch import NO_TOUCHES, DecodedBatch, Kind, Touches, TouchRows, merged
from streams.core.door.plain.touches import Kinds


class Gathering:
    """What is found in a batch: `plain` touches, read at once, and items, added record by record."""

    def __init__(self, values: Sequence[bytes | None], kinds: Kinds) -> None:
        self._values, self._kinds = values, kinds
        self.touches: Touches = NO_TOUCHES
        self.plain: list[Touches] = []
        self.events: list[tuple[int, Event]] = []
        self.ignored: Counter[str] = Counter()
        self._rows = TouchRows([], [], [])
        self._rejected: list[tuple[int, Rejected]] = []
        self._faults: Counter[Fault] = Counter()
        self._placeholders = 0
        self._bodies: dict[int, list[Item]] = {}

    def add(self, at: int, items: list[Item]) -> None:
        """Add what the record at that place is."""
        if len(items) == 1 and items[0].raw == (self._values[at] or b""):
            self._add(at, items[0])
        else:
            self._bodies[at] = items

    def _add(self, at: int, item: Item) -> None:
        if item.rejected is not None:
            self._rejected.append((at, item.rejected))
        for event in item.events:
            self._take(at, event)
        self._faults.update(item.faults)
        self._placeholders += item.placeholders

    def _take(self, at: int, event: Event) -> None:
        if isinstance(event, Touch):
            self._rows.at.append(at)
            self._rows.messages.append(event.message)
            self._rows.kind.append(self._kinds.code(Kind(event.action, event.words)))
        elif isinstance(event, Ignored):
            self.ignored[event.name] += 1
        else:
            self.events.append((at, event))

    def batch(self) -> DecodedBatch:
        """Everything that was found; bodies with several messages make each of them a message of the batch."""
        raws, records = self._laid_out()
        self.events.sort(key=lambda found: found[0])
        self._rejected.sort(key=lambda found: found[0])
        return DecodedBatch(
            raws=raws,
            records=records,
            touches=merged(self.touches._replace(kinds=self._kinds.kinds), self._rows),
            events=self.events,
            rejected=self._rejected,
            ignored=self.ignored,
            faults=self._faults,
            placeholders=self._placeholders,
        )

    def _laid_out(self) -> tuple[Sequence[bytes | None], Sequence[int] | None]:
        if not self._bodies:
            return self._values, None
        raws: list[bytes | None] = []
        records: list[int] = []
        starts: list[int] = []
        for at, value in enumerate(self._values):
            starts.append(len(raws))
            found = [item.raw for item in self._bodies[at]] if at in self._bodies else [value]
            raws += found
            records += [at] * len(found)
        self._move(starts)
        return raws, records

    def _move(self, starts: list[int]) -> None:
        """Give every message its place among the messages of the batch, and add those of bodies."""
        self.touches = self.touches._replace(at=[starts[at] for at in self.touches.at])
        self._rows = self._rows._replace(at=[starts[at] for at in self._rows.at])
        self.events = [(starts[at], event) for at, event in self.events]
        self._rejected = [(starts[at], rejected) for at, rejected in self._rejected]
        for at, items in self._bodies.items():
            for i, item in enumerate(items):
                self._add(starts[at] + i, item)
