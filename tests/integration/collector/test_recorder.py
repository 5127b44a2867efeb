"""The recorder against a real broker: what it said was taken is there, once, where Java's producers would put it."""

from __future__ import annotations

import asyncio

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from deploy.kafka.broker import Broker, free_ports
from streams.collector import recorder as recorders
from streams.collector.recorder import NotTakenError, Outgoing, Recorder
from streams.core.columns.murmur2 import partitions_of


def topic_of(broker: Broker, name: str, partitions: int = 4) -> str:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.create_topics([NewTopic(name, partitions, 1)])
    return name


def read(broker: Broker, topic: str) -> list[tuple[int, bytes, bytes, list[tuple[str, bytes]]]]:
    with KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest") as consumer:
        parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        found = []
        while any(consumer.position(part) < ends[part] for part in parts):
            found += [record for records in consumer.poll(500).values() for record in records]
    return [(record.partition, record.key, record.value, record.headers) for record in found]


def test_what_is_taken_is_there_once(kafka: Broker) -> None:
    topic = topic_of(kafka, "recorded")
    records = [Outgoing(b"user-%d" % i, b"value-%d" % i, [("format", b"stripe")]) for i in range(500)]

    async def send() -> None:
        recorder = Recorder(kafka.bootstrap, topic)
        await recorder.start()
        await asyncio.gather(*(recorder.record(records[at : at + 50]) for at in range(0, 500, 50)))
        assert recorder.waiting == (0, 0)
        await recorder.stop()

    asyncio.run(send())
    found = read(kafka, topic)
    assert sorted(value for _, _, value, _ in found) == sorted(record.value for record in records)
    keys = [key for _, key, _, _ in found]
    assert [partition for partition, _, _, _ in found] == partitions_of(keys, 4).tolist()
    assert all(headers == [("format", b"stripe")] for _, _, _, headers in found)


def test_without_kafka_it_refuses_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "PATIENCE", 0.5)

    async def send() -> None:
        recorder = Recorder(f"127.0.0.1:{free_ports(1)[0]}", "recorded")
        await recorder.start()
        with pytest.raises(NotTakenError, match="Kafka did not take it"):
            await recorder.record([Outgoing(b"k", b"v")])
        assert [part for part, _ in recorder.problems()] == ["kafka"]
        assert recorder.waiting == (0, 0)
        await recorder.stop()

    asyncio.run(send())


def test_it_holds_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "PATIENCE", 0.5)
    monkeypatch.setattr(recorders, "MOST_BYTES", 10_000)

    async def send() -> None:
        recorder = Recorder(f"127.0.0.1:{free_ports(1)[0]}", "recorded")
        await recorder.start()
        first = asyncio.create_task(recorder.record([Outgoing(b"k", b"v" * 6_000)]))
        await asyncio.sleep(0)
        with pytest.raises(NotTakenError, match="too much waits"):
            await recorder.record([Outgoing(b"k", b"v" * 6_000)])
        with pytest.raises(NotTakenError, match="Kafka"):
            await first
        await recorder.stop()

    asyncio.run(send())
