"""The start of a worker: it waits for a broker, and says what it is going to do."""

import asyncio
import hashlib
import socket
from importlib.metadata import version

import structlog

from streams import config
from streams.core.events.topics import SOURCES
from streams.jobs.topic_watch import TopicWatch
from streams.kafka import topics
from streams.kafka.clients import BrokerError, UnreachableError
from streams.sinks.clickhouse.dsn import shown
from streams.telemetry import waiting
from streams.telemetry.readiness import Readiness
from streams.telemetry.web_guard import AllowedHosts

log = structlog.get_logger(__name__)


def until_a_broker_answers(
    chosen: config.Settings, layout: topics.Layout, listening: socket.socket, hosts: AllowedHosts
) -> None:
    """Make the topics where they are to be made; alive and not ready while no broker answers. Raises BrokerError where
    one refuses."""
    refused: list[BrokerError] = []

    def reach() -> list[str]:
        try:
            if chosen.declare_topics:
                topics.create(chosen.bootstrap, layout)
            else:
                topics.partition_counts(chosen.bootstrap)
        except UnreachableError as error:
            return [f"{error}; waiting for it"]
        except BrokerError as error:
            refused.append(error)
        return []

    reaching = TopicWatch(reach)
    if asyncio.run(reaching.once()):
        waiting.wait(listening, reaching.mended, Readiness(reaching.problems).problems, hosts)
    if refused:
        raise refused[0]


def say_what_starts(chosen: config.Settings, partitions: int) -> None:
    """Log a line with all that figures depend on, and one for each variable that is misspelt."""
    for line in config.unknown_variables():
        log.warning(line)
    brokers = chosen.bootstrap
    log.info(
        "starting",
        version=version("maalstrom"),
        group=chosen.group,
        brokers=str(brokers),
        security=brokers.security.protocol,
        topics=[brokers.topic(name) for name in SOURCES],
        partitions=partitions,
        database=shown(chosen.clickhouse),
        catalogue=str(chosen.catalogue),
        catalogue_hash=hashlib.sha256(chosen.catalogue.read_bytes()).hexdigest()[:12],
        retention=chosen.retention,
    )
