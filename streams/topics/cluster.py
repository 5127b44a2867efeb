"""The topics as a cluster has them, and making those that are missing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka import errors
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import for_code

from streams.brokers import BrokerError, connect
from streams.topics.spec import DEFAULT_PARTITIONS, KEYED, Layout, TopicSpec, specification

ALREADY_EXISTS = 36


@dataclass(frozen=True)
class Actual:
    """One topic as the cluster has it; `replicas` is that of the partition with the fewest."""

    partitions: int
    replicas: int
    configs: Mapping[str, str]

    def number(self, name: str) -> float:
        """Return a numeric setting; -1, Kafka's "no limit", is infinity."""
        value = int(self.configs[name])
        return math.inf if value == -1 else value


@dataclass(frozen=True)
class Created:
    """A topic after `create`; `new` says whether it was made just now."""

    name: str
    partitions: int
    new: bool


def create(bootstrap: str, layout: Layout) -> list[Created]:
    """Make the topics that are missing; those that exist are left as they are.

    Raises:
        BrokerError: the broker cannot be reached, or refuses a topic (it says which and why).
    """
    specs = specification(layout)
    with connect(KafkaAdminClient, bootstrap) as admin:
        actual = describe(admin, [spec.name for spec in specs])
        existing = [actual[name].partitions for name in KEYED if name in actual]
        keyed = layout.partitions or max(existing, default=DEFAULT_PARTITIONS)
        wanted = {spec.name: _request(spec, layout, keyed) for spec in specs if spec.name not in actual}
        if wanted:
            _raise_refusals(admin.create_topics(wanted, raise_errors=False)["topics"])
            admin.wait_for_topics(list(wanted))
        made = describe(admin, [spec.name for spec in specs])
    return [Created(spec.name, made[spec.name].partitions, spec.name in wanted) for spec in specs]


def partition_count(bootstrap: str, topic: str) -> int:
    """Return how many partitions a topic has, as any client may ask, of any broker.

    Raises:
        BrokerError: the broker cannot be reached, or has no such topic.
    """
    try:
        found = asyncio.run(_partitions(bootstrap, topic))
    except errors.KafkaError as error:
        raise BrokerError(f"no Kafka broker answers at {bootstrap} ({error}); start one or set BROKER_URL") from error
    if not found:
        raise BrokerError(f"the broker at {bootstrap} has no topic {topic}; make it with `maalstrom topics create`")
    return found


async def _partitions(bootstrap: str, topic: str) -> int:
    # aiokafka: kafka-python does not come to terms with the embedded broker.
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap.split(";")) as producer:
        return len(await producer.partitions_for(topic))


def _request(spec: TopicSpec, layout: Layout, keyed: int) -> dict[str, Any]:
    configs = {
        "cleanup.policy": spec.cleanup,
        "retention.ms": str(spec.retention_ms),
        "max.message.bytes": str(spec.max_bytes),
        "min.insync.replicas": str(max(1, layout.replication - 1)),
        **spec.configs,
    }
    partitions = spec.partitions or keyed
    return {"num_partitions": partitions, "replication_factor": layout.replication, "configs": configs}


def _raise_refusals(answers: Sequence[Mapping[str, Any]]) -> None:
    # Another `create` may run at the same time: a topic that has come to exist is no failure.
    refused = [answer for answer in answers if answer["error_code"] not in (0, ALREADY_EXISTS)]
    if refused:
        reason = refused[0].get("error_message") or for_code(refused[0]["error_code"]).__name__
        raise BrokerError(f"the broker refused to make topic {refused[0]['name']}: {reason}")


def describe(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, Actual]:
    """Return those of the named topics that exist, with every setting in force."""
    existing = sorted(set(admin.list_topics()) & set(names))
    if not existing:
        return {}
    settings = admin.describe_configs([ConfigResource("topic", name) for name in existing], config_filter="all")
    found = {}
    for topic in admin.describe_topics(existing):
        configs = {name: str(entry["value"]) for name, entry in settings["topic"][topic["name"]].items()}
        replicas = min(len(partition["replica_nodes"]) for partition in topic["partitions"])
        found[topic["name"]] = Actual(len(topic["partitions"]), replicas, configs)
    return found
