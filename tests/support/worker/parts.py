"""The parts around a worker, in memory: a journal, a producer and a consumer group that are always there."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from streams.core.catalogue.parse import parse
from streams.core.events.continuity import Available
from streams.core.journal.segment import SegmentKey
from streams.core.ledger.settings import LedgerSettings

GOAL = '[[goal]]\nid = "g"\nname = "G"\nevent = "Order Completed"\nunit = "orders"\nvalue = 1\n'
RULES = LedgerSettings(parse(f'base_currency = "NOK"\n{GOAL}'), b"sixteen letters!", retention=10**13)


class Journal(dict[SegmentKey, bytes]):
    """A journal of one partition that is always there."""

    async def append(self, partition: int, key: SegmentKey, value: bytes) -> None:
        self[key] = value

    async def remove(self, partition: int, keys: Sequence[SegmentKey]) -> None:
        for key in keys:
            self.pop(key, None)

    async def discard_remains(self, partition: int) -> None: ...

    def segments(
        self, partition: int, only: Collection[SegmentKey] | None = None
    ) -> Iterator[tuple[SegmentKey, bytes]]:
        yield from sorted(item for item in self.items() if only is None or item[0] in only)

    def place(self, partition: int, key: SegmentKey) -> str:
        return f"partition {partition}, segment {tuple(key)}"


class Producer:
    """Nothing leaves."""

    async def send_dead_letters(self, letters: Sequence[Any]) -> None:
        assert not letters

    async def forward(self, forwards: Sequence[Any]) -> None:
        assert not forwards


class Group:
    """A group whose partitions are always there."""

    name = "group"

    def topic(self, name: str) -> str:
        return name

    async def commit(self) -> bool:
        return True

    def lag(self) -> dict[tuple[str, int], int]:
        return {}

    async def available(self, topics: Iterable[str], partition: int) -> dict[str, Available]:
        return dict.fromkeys(topics, Available(0, 100, 0))

    def stop(self, reason: str) -> None:
        raise AssertionError(reason)
