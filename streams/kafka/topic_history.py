"""What topics hold up to a point, read once and in order, as no consumer of a group: the records of a replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.config import Brokers
from streams.core.events.batch import Batch, OffsetRange, telling
from streams.core.parsing.units import MINUTE
from streams.kafka.clients import Address, BrokerError, brokers_at, connect, read_range
from streams.kafka.topics import PartitionLag, lag

MOST = 8192  # records of a batch
_FETCH: dict[str, Any] = {
    "max_poll_records": MOST,
    "max_partition_fetch_bytes": 8 << 20,
    "auto_offset_reset": "none",  # what was deleted meanwhile must not be passed over
}


def ranges(bootstrap: Address, group: str, topics: Sequence[str], read_only: bool) -> list[OffsetRange]:
    """What those topics hold now, in their order; `read_only` = up to where the consumer group has read.

    Raises BrokerError where the broker cannot be reached, or has none of the topics.
    """
    rows, plain = lag(bootstrap, group, topics), brokers_at(bootstrap).plain
    if not rows:
        names = ", ".join(map(brokers_at(bootstrap).topic, topics))
        raise BrokerError(
            f"the broker at {bootstrap} has none of the topics {names}; MAALSTROM_TOPIC_PREFIX says what goes before "
            "their names"
        )
    found = [OffsetRange(plain(r.topic), r.partition, r.start, _end(r) if read_only else r.end) for r in rows]
    return sorted(found, key=lambda each: (topics.index(each.topic), each.partition))


def exists(bootstrap: Address, topic: str) -> bool:
    """Whether there is such a topic, by its plain name. Raises BrokerError."""
    with connect(KafkaConsumer, bootstrap) as consumer:
        return brokers_at(bootstrap).topic(topic) in consumer.topics()


def _end(row: PartitionLag) -> int:
    return max(row.start, min(row.end, row.committed or 0))


class TopicReader:
    """Reads ranges of topics, with a client that `opened` made."""

    def __init__(self, consumer: KafkaConsumer, brokers: Brokers) -> None:
        self._consumer, self._brokers = consumer, brokers

    def batches(self, wanted: OffsetRange) -> Iterator[tuple[Batch, list[int]]]:
        """The records of that range, many at a time, each lot with the timestamps (ms) of its records.

        Raises BrokerError where the broker fails, or has deleted the first of them.
        """
        part = TopicPartition(self._brokers.topic(wanted.topic), wanted.partition)
        start = self._consumer.beginning_offsets([part])[part]
        if wanted.begin < min(start, wanted.end):
            raise BrokerError(
                f"{part.topic}/{part.partition} begins at offset {start} now, {wanted.begin} was to be read: its "
                "oldest records were deleted meanwhile; begin the replay anew (--anew)"
            )
        records = read_range(self._consumer, part, wanted.begin, wanted.end)
        while lot := list(islice(records, MOST)):
            yield _batch(wanted, lot), [record.timestamp for record in lot]

    def in_turns(self, found: Sequence[OffsetRange], last: str) -> list[OffsetRange]:
        """The ranges in pieces, so that each record of the topic `last` comes, to the minute, after what the other
        topics had got before it, and before what they got since. Raises BrokerError."""
        asked = (each for each in found if each.topic == last)
        times = sorted(at for each in asked for _, arrived in self.batches(each) for at in arrived)
        pieces, begins = list[OffsetRange](), [each.begin for each in found]
        for at in {at // MINUTE: at for at in times}.values():
            ends = [self._before(each, at + (each.topic == last)) for each in found]
            pieces += _pieces(found, begins, ends)
            begins = [max(pair) for pair in zip(begins, ends, strict=True)]
        return pieces + _pieces(found, begins, [each.end for each in found])

    def _before(self, each: OffsetRange, at: int) -> int:
        """Up to where the records of that range had come before that time (ms)."""
        part = TopicPartition(self._brokers.topic(each.topic), each.partition)
        first = self._consumer.offsets_for_times({part: at})[part]  # asked for several, it leaves out unknown topics
        return max(each.begin, min(each.end, first.offset if first else each.end))


def _pieces(found: Sequence[OffsetRange], begins: Sequence[int], ends: Sequence[int]) -> list[OffsetRange]:
    pieces = zip(found, begins, ends, strict=True)
    return [each._replace(begin=begin, end=end) for each, begin, end in pieces if end > begin]


@contextmanager
def opened(bootstrap: Address) -> Iterator[TopicReader]:
    """What the topics at that broker hold. Raises BrokerError."""
    with connect(KafkaConsumer, bootstrap, **_FETCH) as consumer:
        yield TopicReader(consumer, brokers_at(bootstrap))


def _batch(wanted: OffsetRange, records: Sequence[Any]) -> Batch:
    offsets = [record.offset for record in records]
    headers = [telling(record.headers) for record in records]
    columns = ([record.value for record in records], [record.key for record in records], offsets)
    return Batch(wanted.topic, *columns, wanted.partition, headers=headers if any(headers) else ())
