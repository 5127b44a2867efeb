"""What a worker needs of Kafka: a journal, where to send records, and a consumer group."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.core.events.batch import Forward
from streams.core.events.watermark import DeadLetter
from streams.core.journal.segment import SegmentKey
from streams.kafka import source_offsets


class RevokedError(Exception):
    """The journal of a partition went to somebody else while it was read."""


class Store(Protocol):
    """What a partition needs of the journal."""

    async def append(self, partition: int, key: SegmentKey, value: bytes) -> None: ...

    async def remove(self, partition: int, keys: Sequence[SegmentKey]) -> None: ...

    async def discard_remains(self, partition: int) -> None: ...

    def segments(
        self, partition: int, only: Collection[SegmentKey] | None = None
    ) -> Iterator[tuple[SegmentKey, bytes]]: ...

    def place(self, partition: int, key: SegmentKey) -> str: ...


class Producer(Protocol):
    """Where a partition sends records; both return once the broker has acknowledged all of them."""

    async def send_dead_letters(self, letters: Sequence[DeadLetter]) -> None: ...

    async def forward(self, forwards: Sequence[Forward]) -> None: ...


class WorkerGroup(source_offsets.SourceGroup, Protocol):
    """What a worker needs of its consumer group."""

    async def commit(self) -> bool: ...

    def lag(self) -> Mapping[tuple[str, int], int]: ...

    def stop(self, reason: str) -> None: ...


class Kafka(NamedTuple):
    """Kafka as a worker sees it."""

    store: Store
    producer: Producer
    group: WorkerGroup
