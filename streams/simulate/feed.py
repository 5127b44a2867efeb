"""Simulated records into Kafka, keyed and partitioned as producers should do it."""

import asyncio
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.kafka.clients import Address, BrokerError, brokers_at, librdkafka_settings, refusal
from streams.simulate.envelopes import Simulated

REACH = 10.0  # s until a broker must have answered
PATIENCE = 60.0  # s without an acknowledgement
_QUEUE = 10_000  # records on their way


def send(bootstrap: Address, records: Iterable[Simulated]) -> None:
    """Send records in their order; returns once the brokers have all of them.

    Raises BrokerError where they cannot be reached, or refuse a record.
    """
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    settings = {"partitioner": "murmur2_random", "linger.ms": 50, "message.timeout.ms": int(PATIENCE * 1000)}
    producer = Producer({**settings, **librdkafka_settings(bootstrap), "log_level": 0})
    _reach(producer, bootstrap)
    named = brokers_at(bootstrap).topic
    for record in records:
        producer.produce(named(record.topic), record.value, record.key or None, on_delivery=delivered)
        while len(producer) >= _QUEUE and not failed:
            producer.poll(0.1)
        if failed:
            break
    producer.flush(PATIENCE)
    if failed or len(producer):
        why = failed[0].str() if failed else "no answer"
        raise BrokerError(f"the Kafka broker at {bootstrap} did not take the events: {why}; is BROKER_URL right?")


def _reach(producer: Producer, bootstrap: Address) -> None:
    """Find out whether brokers let one in before anything is sent: librdkafka would try on. Raises BrokerError."""
    try:
        producer.list_topics(timeout=REACH)
    except KafkaException as error:
        raise asyncio.run(refusal(brokers_at(bootstrap), error)) from error
