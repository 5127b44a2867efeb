"""Source records as aiokafka unpacks them. The object of eleven fields that it makes of each would take as long as the
record's work."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Protocol

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition


class Record(Protocol):
    """What there is of a record; `timestamp` in ms."""

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int: ...

    @property
    def timestamp_type(self) -> int: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Unread(OrderedDict[TopicPartition, Any]):
    """What a fetcher holds of each partition. Of those that `is_source` says yes to, it hands out the records as they
    were unpacked."""

    def __init__(self, is_source: Callable[[TopicPartition], bool]) -> None:
        super().__init__()
        self._is_source = is_source

    def __setitem__(self, tp: TopicPartition, held: Any) -> None:
        if isinstance(held, FetchResult) and self._is_source(tp):
            held._partition_records._consumer_record = _as_it_is
            if held._partition_records._isolation_level != READ_COMMITTED:
                held._partition_records._records_iterator = _unpacked(held._partition_records)
            held.getall = partial(_all, held)
        super().__setitem__(tp, held)


def _as_it_is(_tp: TopicPartition, record: Record) -> Record:
    return record


def _unpacked(held: PartitionRecords) -> Iterator[Record]:
    """What `PartitionRecords._unpack_records` does where nothing is aborted, without a step in Python for each
    record."""
    while held._records.has_next():
        batch = held._records.next_batch()
        if held._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {held._tp}")
        records = [] if batch.is_control_batch else list(batch)
        if records and records[0].offset < held.next_fetch_offset:
            records = [record for record in records if record.offset >= held.next_fetch_offset]
        yield from records
        held.next_fetch_offset = batch.next_offset


def _all(held: FetchResult, most: int) -> list[Record]:
    """What `FetchResult.getall` does, without two calls in Python for each record."""
    if not held.check_assignment(held._topic_partition) or not held.has_more():
        return []
    records: list[Record] = list(islice(held._partition_records._records_iterator, most))
    if len(records) == most:
        held._partition_records.next_fetch_offset = records[-1].offset + 1
    held._update_position()
    if len(records) < most:
        held._partition_records = None
    return records
