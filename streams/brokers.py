"""How a command reaches the broker: short time limits, and errors that say what to do."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

Client = TypeVar("Client")

BOOTSTRAP_MS = 5_000
REQUEST_MS = 15_000
SILENCE_S = 20.0

# kafka-python logs each attempt to connect; what matters reaches the caller as an exception.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


class BrokerError(RuntimeError):
    """The broker cannot be reached, or refused; one line says what, where and what to do."""


@contextmanager
def connect(kind: Callable[..., Client], bootstrap: str, **settings: Any) -> Iterator[Client]:
    """Open a kafka-python client of `kind` and close it at the end of the block.

    Args:
        kind: `KafkaAdminClient`, `KafkaConsumer` or `KafkaProducer`.
        bootstrap: `host:port`, several separated by commas or semicolons (as in BROKER_URL).
        settings: of kafka-python, added to the time limits.

    Raises:
        BrokerError: the address is none, nothing answers within `BOOTSTRAP_MS`, or a request in the block failed.
    """
    addresses = re.split("[,;]", bootstrap)
    for address in addresses:
        if not re.fullmatch(r"\S+:\d+", address):
            raise BrokerError(f"{address!r} is not the address of a Kafka broker; it must be host:port")
    limits = {"bootstrap_timeout_ms": BOOTSTRAP_MS, "request_timeout_ms": REQUEST_MS}
    try:
        client: Any = kind(bootstrap_servers=addresses, **limits, **settings)
    except KafkaError as error:
        raise BrokerError(
            f"no Kafka broker answers at {bootstrap} ({error}); start one (make kafka) or set BROKER_URL"
        ) from error
    try:
        yield client
    except KafkaError as error:
        raise BrokerError(f"the Kafka broker at {bootstrap} failed a request: {error}") from error
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
