"""Records of source partitions come as they were unpacked, in pieces and in order; those of a changelog as before."""

from __future__ import annotations

from types import SimpleNamespace

from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.transport.records import Unread

SOURCE, CHANGELOG = TopicPartition("engagement", 0), TopicPartition("journal-changelog", 0)
VALUES = [b"a", None, b"ccc", b"", b"e"]


class State(SimpleNamespace):
    """What the subscription knows of a partition."""

    def consumed_to(self, position: int) -> None:
        self.position = position


def fetched(tp: TopicPartition, state: State) -> FetchResult:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset, value in enumerate(VALUES):
        builder.append(offset, 1000 + offset, b"key", value, [("name", b"value")])
    records = PartitionRecords(tp, MemoryRecords(bytes(builder.build())), [], state.position, None, None, True, 0)
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
