"""Simulated records into Kafka, keyed and partitioned as producers should do it."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from streams.brokers import BrokerError
from streams.simulate.envelopes import Simulated

PATIENCE = 60.0  # s without an acknowledgement
_QUEUE = 10_000  # records on their way


def send(bootstrap: str, records: Iterable[Simulated]) -> None:
    """Send records in their order; returns once the brokers (`host:port`, several with `;`) have all of them.

    Raises BrokerError where they cannot be reached, or refuse a record.
    """
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    settings = {"partitioner": "murmur2_random", "linger.ms": 50, "message.timeout.ms": int(PATIENCE * 1000)}
    producer = Producer(settings | {"bootstrap.servers": bootstrap.replace(";", ","), "log_level": 0})
    for record in records:
        producer.produce(record.topic, record.value, record.key or None, on_delivery=delivered)
        while len(producer) >= _QUEUE and not failed:
            producer.poll(0.1)
        if failed:
            break
    producer.flush(PATIENCE)
    if failed or len(producer):
        why = failed[0].str() if failed else "no answer"
        raise BrokerError(f"the Kafka broker at {bootstrap} did not take the events: {why}; is BROKER_URL right?")
