"""The topics as a cluster has them, and making those that are missing."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import aiokafka
from aiokafka import errors
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import AuthorizationError, for_code

from streams.kafka.clients import Address, BrokerError, RightError, aiokafka_settings, brokers_at, connect, refusal
from streams.kafka.topics.spec import DEFAULT_PARTITIONS, Layout, TopicSpec, specification

T = TypeVar("T")
ALREADY_EXISTS = 36
_MADE = ", or set MAALSTROM_DECLARE_TOPICS=0 where somebody else looks after the topics"
HEARD_S = 15.0  # until every broker knows of a new topic
TOLD_S = 3.0  # until what a broker does not tell of a topic is taken for what it may not tell


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


def create(bootstrap: Address, layout: Layout) -> list[Created]:
    """Make the topics that are missing; those that exist are left as they are.

    Raises:
        BrokerError: the broker cannot be reached, or refuses a topic (it says which and why).
    """
    specs = specification(layout)
    with connect(KafkaAdminClient, bootstrap) as admin:
        actual = describe(admin, [spec.name for spec in specs])
        existing = [actual[name].partitions for name in layout.keyed if name in actual]
        wide = layout.partitions or max(existing, default=DEFAULT_PARTITIONS)
        missing = [spec for spec in specs if spec.name not in actual]
        replication = layout.replication or (default_replication(admin) if missing else 1)
        wanted = {spec.name: _request(spec, replication, wide) for spec in missing}
        if wanted:
            _raise_refusals(admin.create_topics(wanted, raise_errors=False)["topics"])
            admin.wait_for_topics(list(wanted))
        made = _described(admin, [spec.name for spec in specs])
    return [Created(spec.name, made[spec.name].partitions, spec.name in wanted) for spec in specs]


def partition_count(bootstrap: Address, topic: str) -> int:
    """Return how many partitions a topic has, as any client may ask, of any broker.

    Raises:
        BrokerError: the broker cannot be reached, or has no such topic.
    """
    name = brokers_at(bootstrap).topic(topic)
    found = asyncio.run(_reached(bootstrap, partial(_partitions, name)))
    if not found:
        raise BrokerError(f"the broker at {bootstrap} has no topic {name}; make it with `maalstrom topics create`")
    return found


async def _partitions(topic: str, producer: aiokafka.AIOKafkaProducer) -> int:
    return len(await producer.partitions_for(topic))


def partition_counts(bootstrap: Address) -> dict[str, int]:
    """Return how many partitions each topic has, as any client may ask.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    return asyncio.run(_reached(bootstrap, _counts))


async def _counts(producer: aiokafka.AIOKafkaProducer) -> dict[str, int]:
    cluster = await producer.client.fetch_all_metadata()
    return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}


async def _reached(bootstrap: Address, ask: Callable[[aiokafka.AIOKafkaProducer], Awaitable[T]]) -> T:
    # aiokafka: kafka-python does not come to terms with the embedded broker.
    producer = aiokafka.AIOKafkaProducer(**aiokafka_settings(bootstrap))
    try:
        await producer.start()
        return await ask(producer)
    except errors.KafkaError as error:
        raise await refusal(brokers_at(bootstrap), error) from error
    finally:
        await producer.stop()


def _described(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, Actual]:
    """All the topics there are of the named ones; of several brokers, each hears of a new topic in its own time."""
    deadline = time.monotonic() + HEARD_S
    while missing := set(names) - (made := describe(admin, names)).keys():
        if time.monotonic() > deadline:
            raise BrokerError(f"the brokers made topic {min(missing)} and do not know of it; are all of them up?")
        time.sleep(0.1)
    return made


def default_replication(admin: KafkaAdminClient) -> int:
    """Return how many replicas the brokers give a topic by themselves."""
    node = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    settings = admin.describe_configs([ConfigResource("broker", node)], config_filter="all")["broker"][node]
    if not settings:
        raise RightError(
            "the broker does not tell this user how many replicas it gives a topic (DescribeConfigs on the cluster)",
            ", or set MAALSTROM_REPLICATION",
        )
    return int(settings["default.replication.factor"]["value"])


def broker_count(admin: KafkaAdminClient) -> int:
    """Return how many brokers the cluster has now."""
    return len(admin.describe_cluster()["brokers"])


def _request(spec: TopicSpec, replication: int, keyed: int) -> dict[str, Any]:
    configs = {
        "cleanup.policy": spec.cleanup,
        "retention.ms": str(spec.retention_ms),
        "max.message.bytes": str(spec.max_bytes),
        "min.insync.replicas": str(max(1, replication - 1)),
        **spec.configs,
    }
    partitions = spec.partitions or keyed
    return {"num_partitions": partitions, "replication_factor": replication, "configs": configs}


def _raise_refusals(answers: Sequence[Mapping[str, Any]]) -> None:
    # Another `create` may run at the same time: a topic that has come to exist is no failure.
    refused = [answer for answer in answers if answer["error_code"] not in (0, ALREADY_EXISTS)]
    if refused:
        kind, name = for_code(refused[0]["error_code"]), refused[0]["name"]
        reason = refused[0].get("error_message") or kind.__name__
        if issubclass(kind, AuthorizationError):
            raise RightError(f"this user may not make topic {name}, which it does not see ({reason})", _MADE)
        raise BrokerError(f"the broker refused to make topic {refused[0]['name']}: {reason}")


def describe(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, Actual]:
    """Return those of the named topics that exist, with every setting in force."""
    existing = sorted(set(admin.list_topics()) & set(names))
    if not existing:
        return {}
    settings, found = _settings(admin, existing), {}
    for topic in admin.describe_topics(existing):
        configs = {name: str(entry["value"]) for name, entry in settings[topic["name"]].items()}
        replicas = min(len(partition["replica_nodes"]) for partition in topic["partitions"])
        found[topic["name"]] = Actual(len(topic["partitions"]), replicas, configs)
    return found


def _settings(admin: KafkaAdminClient, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The settings of each topic. A broker that has not heard of one yet tells none, as to who may not see them."""
    deadline = time.monotonic() + TOLD_S
    while True:
        found = admin.describe_configs([ConfigResource("topic", name) for name in names], config_filter="all")["topic"]
        if not (hidden := [name for name in names if not found[name]]):
            return cast(Mapping[str, Mapping[str, Any]], found)
        if time.monotonic() > deadline:
            raise RightError(f"this user may not see the settings of topic {hidden[0]} (DescribeConfigs)", _MADE)
        time.sleep(0.1)
