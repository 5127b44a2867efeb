"""Records of source partitions come as they were unpacked, in pieces and in order; those of a changelog as before."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.sources.kafka.records import Unread

SOURCE, CHANGELOG = TopicPartition("engagement", 0), TopicPartition("journal-changelog", 0)
VALUES = [b"a", None, b"ccc", b"", b"e"]


class State(SimpleNamespace):
    """What the subscription knows of a partition."""

    def consumed_to(self, position: int) -> None:
        self.position = position


def batch(first: int = 0) -> bytearray:
    """A batch of VALUES as a broker has it, whose first offset is that."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for i, value in enumerate(VALUES):
        builder.append(i, 1000 + i, b"key", value, [("name", b"value")])
    built = bytearray(builder.build())
    built[:8] = first.to_bytes(8, "big")
    return built


def fetched(tp: TopicPartition, state: State, raw: bytes | None = None) -> FetchResult:
    raw = bytes(batch()) if raw is None else raw
    records = PartitionRecords(tp, MemoryRecords(raw), [], state.position, None, None, True, 0)
    assignment = SimpleNamespace(active=True, state_value=lambda _tp: state)
    return FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


def unread() -> Unread:
    return Unread(lambda tp: tp == SOURCE)


def test_records_of_a_source_come_as_they_were_unpacked() -> None:
    held, state = unread(), State(position=0, paused=False)
    held[SOURCE] = fetched(SOURCE, state)
    records = held[SOURCE].getall(9)
    assert not any(isinstance(record, ConsumerRecord) for record in records)
    assert [(r.offset, r.timestamp, r.timestamp_type, r.key, r.value, list(r.headers)) for r in records] == [
        (offset, 1000 + offset, 0, b"key", value, [("name", b"value")]) for offset, value in enumerate(VALUES)
    ]
    assert (state.position, held[SOURCE].has_more()) == (5, False)


def test_they_come_in_pieces_and_in_order_from_the_position_on() -> None:
    held, state = unread(), State(position=1, paused=False)
    held[SOURCE] = fetched(SOURCE, state)
    assert [record.offset for record in held[SOURCE].getall(2)] == [1, 2]
    assert (state.position, held[SOURCE].has_more()) == (3, True)
    assert [record.offset for record in held[SOURCE].getall(2)] == [3, 4]
    assert held[SOURCE].getall(2) == []
    assert (state.position, held[SOURCE].has_more()) == (5, False)


def test_they_come_from_every_batch_and_not_from_one_that_is_for_kafka_itself() -> None:
    for_kafka = batch(5)
    for_kafka[22] |= 1 << 5  # the attributes of a control batch
    for_kafka[17:21] = calc_crc32c(bytes(for_kafka[21:])).to_bytes(4, "big")
    held, state = unread(), State(position=3, paused=False)
    held[SOURCE] = fetched(SOURCE, state, bytes(batch() + for_kafka + batch(20)))
    assert [record.offset for record in held[SOURCE].getall(3)] == [3, 4, 20]
    assert state.position == 21
    assert [record.offset for record in held[SOURCE].getall(9)] == [21, 22, 23, 24]
    assert (state.position, held[SOURCE].has_more()) == (25, False)


def test_none_come_of_a_batch_that_was_damaged() -> None:
    damaged = batch(5)
    damaged[-1] ^= 1
    held, state = unread(), State(position=0, paused=False)
    held[SOURCE] = fetched(SOURCE, state, bytes(batch() + damaged))
    with pytest.raises(CorruptRecordException, match="engagement"):
        held[SOURCE].getall(9)
    assert state.position == 0


def test_none_come_where_the_position_has_moved() -> None:
    held, state = unread(), State(position=0, paused=False)
    held[SOURCE] = fetched(SOURCE, state)
    state.position = 3
    assert held[SOURCE].getall(9) == []
    assert (state.position, held[SOURCE].has_more()) == (3, False)


def test_records_of_a_changelog_and_errors_stay_what_they_are() -> None:
    held, error = unread(), FetchError(error=KeyError(), backoff=0)
    held[CHANGELOG] = fetched(CHANGELOG, State(position=0, paused=False))
    held[SOURCE] = error
    assert all(isinstance(record, ConsumerRecord) for record in held[CHANGELOG].getall(9))
    assert held[SOURCE] is error
