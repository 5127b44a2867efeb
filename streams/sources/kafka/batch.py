"""What an agent gets: the records of one partition that were fetched since it took the batch before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faust.types import TP

from streams.sources.kafka.offset_tracker import OffsetTracker
from streams.sources.kafka.records import Record

#: A batch has at most this many bytes of values, unless one record alone is larger.
MAX_BATCH_BYTES = 8 * 1024 * 1024
#: A fetch and a batch have at most this many records, unless Faust's `broker_max_poll_records` says otherwise.
MAX_BATCH_RECORDS = 8192


class RecordBatch:
    """Records of one partition in the order of their offsets, which may have gaps; never empty. It grows until it is
    taken."""

    __slots__ = ("_most", "_records", "_size", "_taken", "offsets", "partition", "topic")

    def __init__(self, tp: TP, records: Sequence[Record], size: int, offsets: OffsetTracker, most: int) -> None:
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        #: The partition's offsets in this assignment: `offsets.committed >= batch.next_offset` once it is committed.
        self.offsets = offsets
        self._records, self._size, self._taken, self._most = records, size, False, most
        offsets.add(self.next_offset, size)

    def take(self) -> Sequence[Record]:
        """The records of the batch. No more are added from now on."""
        self._taken = True
        return self._records

    def may_grow(self, records: int, size: int = 0) -> bool:
        """Whether it is not taken yet, and so many more records and bytes keep it below the limits."""
        return not self._taken and len(self._records) + records <= self._most and self._size + size <= MAX_BATCH_BYTES

    def grow(self, records: Sequence[Record], size: int) -> None:
        """Add the records that follow, of `size` bytes."""
        self._records = [*self._records, *records]
        self._size += size
        self.offsets.extend(self.next_offset, size)

    @property
    def last(self) -> Record:
        """The last record of the batch."""
        return self._records[-1]

    @property
    def next_offset(self) -> int:
        """The offset to commit when this batch is done."""
        return self.last.offset + 1


def cut(records: Sequence[Record], limit: int) -> Iterator[tuple[Sequence[Record], int]]:
    """Consecutive slices of the records and their bytes: at most `limit` each, unless one record alone is larger."""
    total = sum([len(record.value or b"") for record in records])
    if total <= limit:
        yield records, total
        return
    start = size = 0
    for index, record in enumerate(records):
        length = len(record.value or b"")
        if index > start and size + length > limit:
            yield records[start:index], size
            start, size = index, 0
        size += length
    yield records[start:], size
