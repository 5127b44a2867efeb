"""What an agent gets: the records that one fetch brought of one partition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import cast

from aiokafka.structs import ConsumerRecord
from faust.types import TP

from streams.core.offsets import OffsetTracker

_value_size = attrgetter("serialized_value_size")


class Batch:
    """Records of one partition in the order of their offsets, which may have gaps; never empty."""

    __slots__ = ("offsets", "partition", "records", "topic")

    def __init__(self, tp: TP, records: Sequence[ConsumerRecord], offsets: OffsetTracker) -> None:
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        #: aiokafka's records: offset, key, value, timestamp (milliseconds), headers.
        self.records = records
        #: The partition's offsets in this assignment: `offsets.committed >= batch.next_offset` once it is committed.
        self.offsets = offsets

    @property
    def next_offset(self) -> int:
        """The offset to commit when this batch is done."""
        return cast(int, self.records[-1].offset) + 1


def cut(records: Sequence[ConsumerRecord], limit: int) -> Iterator[tuple[Sequence[ConsumerRecord], int]]:
    """Consecutive slices of the records and their bytes: at most `limit` each, unless one record alone is larger."""
    total = sum(map(_value_size, records))
    if total <= limit:
        yield records, total
        return
    start = size = 0
    for index, length in enumerate(map(_value_size, records)):
        if index > start and size + length > limit:
            yield records[start:index], size
            start, size = index, 0
        size += length
    yield records[start:], size
