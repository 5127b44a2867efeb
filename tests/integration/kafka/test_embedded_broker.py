"""The embedded broker: topics with the partitions asked for, records and offsets over the real protocol."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.embedded.broker import EmbeddedBroker


def test_topics_have_the_partitions_that_were_asked_for() -> None:
    with EmbeddedBroker({"engagement": 3}) as broker:
        broker.create_topic("checkout", 7)
        assert broker.bootstrap.startswith("127.0.0.1:")
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 3})
        topics = producer.list_topics(timeout=10).topics
        assert {name: len(topic.partitions) for name, topic in topics.items()} == {"engagement": 3, "checkout": 7}


def test_what_is_produced_can_be_consumed_and_committed() -> None:
    with EmbeddedBroker({"engagement": 1}) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 3})
        producer.produce("engagement", b"value", b"key", headers=[("reason", b"why")])
        assert producer.flush(10) == 0
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g", "log_level": 3})
        consumer.assign([TopicPartition("engagement", 0, 0)])
        record = consumer.poll(10)
        assert (record.key(), record.value(), record.headers()) == (b"key", b"value", [("reason", b"why")])
        consumer.commit(record, asynchronous=False)
        assert consumer.committed([TopicPartition("engagement", 0)], timeout=10)[0].offset == 1
        consumer.close()


def test_a_topic_that_cannot_be_is_refused() -> None:
    with EmbeddedBroker({"engagement": 1}) as broker:
        with pytest.raises(RuntimeError, match="exists"):
            broker.create_topic("engagement", 1)
        with pytest.raises(ValueError, match="one partition or more"):
            broker.create_topic("checkout", 0)


def test_a_broker_that_is_not_running_says_so() -> None:
    broker = EmbeddedBroker()
    with pytest.raises(RuntimeError, match="not running"):
        _ = broker.bootstrap
    broker.stop()
