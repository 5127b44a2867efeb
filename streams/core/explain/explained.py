"""A file of records, explained: what each is taken for, one by one and in sum."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.catalogue.model import Catalogue
from streams.core.door.canonical import Event, Ignored, Item
from streams.core.door.context import Reading
from streams.core.door.reader import NO_HEADERS, read
from streams.core.explain.facts import Facts
from streams.core.explain.meaning import Meanings, own

_MOST = 10_000  # different meanings that are kept apart
_OTHER = "(other)"
DUPLICATE = "duplicate: a message with its messageId came before"


class Explained(NamedTuple):
    """What one message is taken for: `meaning`, and what is its `own` in words."""

    line: int
    meaning: str
    own: str

    @property
    def text(self) -> str:
        """A line about it."""
        return f"{self.line}: {self.meaning}{f' [{self.own}]' if self.own else ''}"


@dataclass
class MessageTally:
    """How many messages are taken for the same, and the line of the first."""

    line: int
    messages: int = 0


@dataclass
class Explainer:
    """Explains the records of one file, line by line; keeps the facts, and how often each meaning came."""

    catalogue: Catalogue
    reading: Reading
    facts: Facts = field(default_factory=Facts)
    kinds: dict[str, MessageTally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._meanings, self._seen = Meanings(self.catalogue), set[Hashable]()

    def explain(self, line: int, value: bytes) -> Iterator[Explained]:
        """What each message of a record is taken for."""
        for item in read(value, NO_HEADERS, self.reading):
            found = self._item(line, item)
            meaning = found.meaning if found.meaning in self.kinds or len(self.kinds) < _MOST else _OTHER
            self.kinds.setdefault(meaning, MessageTally(line)).messages += 1
            yield found

    def _item(self, line: int, item: Item) -> Explained:
        mine = ", ".join(filter(None, map(own, item.events)))
        again = [self._again(event) for event in item.events]
        if again and all(again):
            self.facts.outcomes["duplicate"] += 1
            return Explained(line, DUPLICATE, mine)
        self.facts.item(item, self._meanings.campaigns)
        self._count(line, item)
        return Explained(line, self._meanings.of(item), mine)

    def _again(self, event: Event) -> bool:
        """Whether a message of that id and kind, of orders also of one event and key, came before."""
        if isinstance(event, Ignored):
            return False
        message, ids = event.message, tuple(getattr(event, "ids", {}).items())
        kind = getattr(event, "event", getattr(event, "kind", ""))
        key = (type(event), kind, message.routing_key, message.message_id, ids)
        again = key in self._seen
        self._seen.add(key)
        return again

    def _count(self, line: int, item: Item) -> None:
        facts, ignored = self.facts, [event.name for event in item.events if isinstance(event, Ignored)]
        facts.ignored.update(ignored)
        if item.rejected:
            facts.outcomes["dead_letter"] += 1
            facts.reasons[item.rejected.reason] += 1
            facts.first = facts.first or f"{line}: {item.rejected.reason}: {item.rejected.error}"
        else:
            facts.outcomes["ignored" if len(ignored) == len(item.events) else "accepted"] += 1
