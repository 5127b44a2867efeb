"""How clients are made: the one place that knows where brokers are and how they are spoken to.

kafka-python's clients, which commands use, have short time limits and errors that say what to do.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError

from streams.config.brokers import Address, Brokers, brokers_at
from streams.kafka.access import BrokerError, RightError, UnreachableError, refusal
from streams.kafka.security import for_aiokafka, for_kafka_python, for_librdkafka

__all__ = [
    "Address", "BrokerError", "Brokers", "RightError", "UnreachableError", "aiokafka_settings", "brokers_at", "connect",
    "librdkafka_settings", "read_range", "refusal",
]  # fmt: skip
Client = TypeVar("Client")

BOOTSTRAP_MS = 5_000
REQUEST_MS = 15_000
SILENCE_S = 20.0

# They log each attempt to connect; what matters reaches the caller as an exception.
for _name in ("kafka", "aiokafka"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def aiokafka_settings(address: Address) -> dict[str, Any]:
    """Return what aiokafka's clients need to reach those brokers. Raises SecurityError."""
    brokers = brokers_at(address)
    return {"bootstrap_servers": list(brokers.servers), **for_aiokafka(brokers.security)}


def librdkafka_settings(address: Address) -> dict[str, Any]:
    """Return what confluent-kafka's clients need to reach those brokers. Raises SecurityError."""
    brokers = brokers_at(address)
    return {"bootstrap.servers": ",".join(brokers.servers), **for_librdkafka(brokers.security)}


@contextmanager
def connect(kind: Callable[..., Client], bootstrap: Address, **settings: Any) -> Iterator[Client]:
    """Open a kafka-python client of `kind` and close it at the end of the block.

    Args:
        kind: `KafkaAdminClient`, `KafkaConsumer` or `KafkaProducer`.
        bootstrap: the brokers; text (`host:port`, several with commas or semicolons) are those without security.
        settings: of kafka-python, added to the time limits.

    Raises:
        BrokerError: the address is none, nothing answers within `BOOTSTRAP_MS`, or a request in the block failed.
        SecurityError: a certificate, key or token cannot be used.
    """
    brokers = brokers_at(bootstrap)
    for address in brokers.servers:
        if not re.fullmatch(r"\S+:\d+", address):
            raise BrokerError(f"{address!r} is not the address of a Kafka broker; it must be host:port")
    limits = {"bootstrap_timeout_ms": BOOTSTRAP_MS, "request_timeout_ms": REQUEST_MS}
    secured = for_kafka_python(brokers.security)
    try:
        client: Any = kind(bootstrap_servers=list(brokers.servers), **limits, **secured, **settings)
    except KafkaError as error:
        raise asyncio.run(refusal(brokers, error)) from error
    try:
        yield client
    except AuthorizationError as error:
        raise RightError(f"the Kafka broker at {brokers} does not allow that to this user ({error})") from error
    except KafkaError as error:
        raise BrokerError(f"the Kafka broker at {brokers} failed a request: {error}") from error
    finally:
        client.close()


def read_range(consumer: KafkaConsumer, partition: TopicPartition, begin: int, end: int) -> Iterator[Any]:
    """Yield the records of one partition with an offset in [`begin`, `end`), in order, and stop there.

    Offsets that hold no record (compacted, or markers of transactions) are passed over.

    Raises:
        BrokerError: the broker went silent before `end`.
    """
    consumer.assign([partition])
    consumer.seek(partition, begin)
    heard = time.monotonic()
    position = begin
    while position < end:
        batch = consumer.poll(timeout_ms=500).get(partition, [])
        yield from (record for record in batch if record.offset < end)
        now, reached = time.monotonic(), consumer.position(partition)
        if reached != position:
            heard, position = now, reached
        elif now - heard > SILENCE_S:
            raise BrokerError(
                f"{partition.topic}/{partition.partition} stays at offset {position} of {end}; is its leader up?"
            )
