"""Every record of a topic, and sending very many of them: through librdkafka, for its speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

JAVA_PARTITIONER = "murmur2_random"


class Record(NamedTuple):
    """One record to send; `partition` None leaves the choice to the partitioner."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None


class Stored(NamedTuple):
    """One record as the broker has it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


def send(
    bootstrap: str, records: Iterable[Record], partitioner: str = JAVA_PARTITIONER, compression: str = "none"
) -> int:
    """Send all of them, acknowledged by the broker when this returns; returns how many there were.

    Other partitioners of librdkafka, such as `consistent_random`, put keys elsewhere than Java does.
    """
    failed: list[KafkaError] = []
    settings: dict[str, str | int] = {
        "bootstrap.servers": bootstrap,
        "partitioner": partitioner,
        "compression.type": compression,
        "message.max.bytes": 8 << 20,
        "linger.ms": 5,
        "log_level": 2,  # what fails is told of each record
    }
    producer = Producer(settings)
    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007
        _produce(producer, record, failed)
    left = producer.flush(60)
    assert not left, f"{left} records were not taken within 60 s"
    assert not failed, f"{len(failed)} records were refused, the first: {failed[0]}"
    return count


class Feed(threading.Thread):
    """Sends records in the background, evenly over about so many seconds; leaving the block waits for the last one."""

    def __init__(self, bootstrap: str, records: Sequence[Record], seconds: float) -> None:
        super().__init__(daemon=True)
        self._address = bootstrap
        self._records = records
        self._pause = seconds / 50
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.join()
        if error is None and self._failure is not None:
            raise self._failure

    def run(self) -> None:
        """Send; what goes wrong is raised where the block ends."""
        try:
            size = -(-len(self._records) // 50)
            for start in range(0, len(self._records), size):
                send(self._address, self._records[start : start + size])
                time.sleep(self._pause)
        except BaseException as failure:
            self._failure = failure


def _produce(producer: Producer, record: Record, failed: list[KafkaError]) -> None:
    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    place = {} if record.partition is None else {"partition": record.partition}
    while True:
        try:
            producer.produce(record.topic, record.value, record.key, on_delivery=delivered, **place)
            producer.poll(0)
            return
        except BufferError:
            producer.poll(0.1)


def stored(bootstrap: str, topic: str) -> Iterator[Stored]:
    """Yield every record that is in the topic now, partition by partition in the order of offsets."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        for number in sorted(consumer.list_topics(topic, timeout=20).topics[topic].partitions):
            yield from _partition(consumer, TopicPartition(topic, number))
    finally:
        consumer.close()


def _partition(consumer: Consumer, partition: TopicPartition) -> Iterator[Stored]:
    start, end = consumer.get_watermark_offsets(partition, timeout=20)
    consumer.assign([TopicPartition(partition.topic, partition.partition, start)])
    heard = time.monotonic()
    while start < end:
        for message in consumer.consume(10_000, timeout=0.1):
            if (error := message.error()) is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                return
            start, heard = message.offset() + 1, time.monotonic()
            yield Stored(partition.topic, partition.partition, message.offset(), message.key(), message.value())
        assert time.monotonic() - heard < 20, f"{partition.topic}/{partition.partition} is silent at {start} of {end}"


def leader(bootstrap: str, topic: str) -> int:
    """The id of the broker that leads partition 0 of the topic."""
    found = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(topic, timeout=30)
    return int(found.topics[topic].partitions[0].leader)
