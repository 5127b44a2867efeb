"""Batches: cut by bytes, whole and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.kafka.batch import MAX_BATCH_BYTES, RecordBatch, cut
from streams.sources.kafka.offset_tracker import OffsetTracker


@dataclass
class Record:
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 0
    timestamp_type: int = 0
    headers: Sequence[tuple[str, bytes | None]] = ()


def records(sizes: list[int]) -> list[Record]:
    """Records with values of those sizes, -1 for none at all."""
    return [Record(offset, None if size < 0 else bytes(size)) for offset, size in enumerate(sizes)]


def test_the_next_offset_is_one_more_than_the_last() -> None:
    batch = RecordBatch(TP("engagement", 3), [Record(7, b"a"), Record(12, b"b")], 2, OffsetTracker(7), 9)
    assert (batch.topic, batch.partition, batch.next_offset) == ("engagement", 3, 13)


def test_it_grows_until_it_is_taken() -> None:
    offsets = OffsetTracker(7)
    batch = RecordBatch(TP("engagement", 3), [Record(7, b"a")], 1, offsets, 9)
    batch.grow([Record(8, b"aa"), Record(12, b"bbb")], 5)
    assert ([record.offset for record in batch.take()], batch.next_offset) == ([7, 8, 12], 13)
    assert (offsets.pending, offsets.pending_bytes, batch.may_grow(1)) == (1, 6, False)
    offsets.acknowledge(batch.next_offset)
    assert (offsets.acknowledged, offsets.pending_bytes) == (13, 0)


def test_it_grows_to_so_many_records_and_bytes() -> None:
    batch = RecordBatch(TP("engagement", 3), records([1, 1]), MAX_BATCH_BYTES - 2, OffsetTracker(0), most=4)
    assert (batch.may_grow(2, 2), batch.may_grow(2, 3), batch.may_grow(3, 2)) == (True, False, False)


def test_a_record_beyond_the_limit_is_a_slice_of_its_own() -> None:
    parts = list(cut(records([1, 99, 1, 1]), limit=2))
    assert [[record.offset for record in part] for part, _ in parts] == [[0], [1], [2, 3]]


@given(sizes=st.lists(st.integers(-1, 30), min_size=1, max_size=40), limit=st.integers(1, 60))
def test_slices_are_complete_in_order_and_below_the_limit(sizes: list[int], limit: int) -> None:
    parts = list(cut(records(sizes), limit))
    assert [record.offset for part, _ in parts for record in part] == list(range(len(sizes)))
    for part, size in parts:
        assert part
        assert size == sum(len(record.value or b"") for record in part)
        assert size <= limit or len(part) == 1
