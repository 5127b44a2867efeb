"""A worker with one partition, its clock in a test's hands, and a journal in memory that it may die over."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest

from streams.core.events.batch import Batch, Forward
from streams.core.events.watermark import DeadLetter
from streams.core.journal.segment import SegmentKey
from streams.worker import partition
from streams.worker.ledgers.proxy import LedgerPool
from streams.worker.partition import Partition
from tests.support.messages import NOON, touch
from tests.support.tables import Database


class Died(BaseException):
    """The process did."""


class Journal:
    """Segments of one partition, durable at once."""

    def __init__(self) -> None:
        self.kept: dict[SegmentKey, bytes] = {}
        self.left: int | None = None  # writes until the process dies

    async def append(self, _: int, key: SegmentKey, value: bytes) -> None:
        if self.left == 0:
            raise Died
        self.left = None if self.left is None else self.left - 1
        self.kept[key] = value

    async def remove(self, _: int, keys: Sequence[SegmentKey]) -> None:
        for key in keys:
            del self.kept[key]

    async def discard_remains(self, _: int) -> None: ...

    def segments(self, _: int, only: Collection[SegmentKey] | None = None) -> Iterator[tuple[SegmentKey, bytes]]:
        kept = self.kept.items() if only is None else [(key, self.kept[key]) for key in only]
        yield from sorted(kept, key=lambda item: item[0][1:])

    def place(self, partition: int, key: SegmentKey) -> str:
        return f"journal/{partition} offset 17, segment {tuple(key)}"


class Producer:
    """Records that were sent."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def send_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters

    async def forward(self, _: Sequence[Forward]) -> None: ...


class Owner:
    """A worker with one partition, its clock in our hands, and the database it writes to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ledgers: LedgerPool) -> None:
        self.ledgers = ledgers
        self.now, self.journal, self.producer, self.database = NOON, Journal(), Producer(), Database()
        monkeypatch.setattr(partition, "now_ms", lambda: self.now)
        self.restart()

    def restart(self) -> None:
        self.partition = Partition(0, self.ledgers.of(0), self.journal, self.producer)
        asyncio.run(self.partition.restore())

    def take(self, topic: str, *values: bytes) -> None:
        offset = self.partition.offsets.get(topic, 0)
        batch = Batch(topic, values, [None] * len(values), range(offset, offset + len(values)))
        asyncio.run(self.partition.take(batch, 0.0, lambda: None))

    def snapshot(self) -> Any:
        return asyncio.run(self.partition.snapshot())

    def write(self, taken: Any) -> None:
        if taken:
            self.database.write(taken.rows)
            self.partition.written(taken.sequence)
        asyncio.run(self.partition.compact())

    def flush(self) -> None:
        self.write(self.snapshot())

    def engagement(self) -> int:
        return sum(self.database.engagement_counts().values())


def touches(first: int, count: int, form: str = "t{}") -> list[bytes]:
    return [touch(form.format(i), NOON, user=f"u{i % 50}") for i in range(first, first + count)]
