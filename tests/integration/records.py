"""Every record of a topic, and sending very many of them: through librdkafka, for its speed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

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
    }
    producer = Producer(settings)
    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007
        _produce(producer, record, failed)
    left = producer.flush(60)
    assert not left, f"{left} records were not taken within 60 s"
    assert not failed, f"{len(failed)} records were refused, the first: {failed[0]}"
    return count


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
