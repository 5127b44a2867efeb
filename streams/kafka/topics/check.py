"""What differs between the cluster's topics and their specification, and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from streams.config.brokers import Security
from streams.core.events.topics import growing
from streams.kafka.clients import Address, brokers_at, connect, read_range
from streams.kafka.topics.cluster import Actual, broker_count, describe, partition_counts
from streams.kafka.topics.spec import (
    HEADERS_BYTES,
    Layout,
    TopicSpec,
    copartitioned,
    specification,
)

SAMPLE = 100
SAFE_REPLICAS = 3  # with two in sync, any one broker may be lost


@dataclass(frozen=True)
class TopicProblem:
    """One difference, and how to mend it; `serious` when figures or records are at risk, `urgent` where that is so
    though no broker is lost: a worker is not ready then."""

    topic: str
    problem: str
    mend: str
    serious: bool = True
    urgent: bool = True


def check(bootstrap: Address, layout: Layout) -> list[TopicProblem]:
    """Compare the cluster's topics with the specification; an empty list means that all is well.

    The partitioner is judged by the newest `SAMPLE` records of each partition.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    actual, findings = _compared(bootstrap, layout)
    with connect(KafkaConsumer, bootstrap) as consumer:
        findings += [finding for name in layout.keyed if name in actual for finding in _check_keys(consumer, name)]
    return findings


def obstacles(bootstrap: Address, layout: Layout) -> list[str]:
    """Return why a worker is not ready with those topics, and how to mend it, a line each.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    _, findings = _compared(bootstrap, layout)
    return [f"{found.topic} {found.problem}; {found.mend}" for found in findings if found.serious and found.urgent]


def uneven(bootstrap: Address, layout: Layout) -> list[str]:
    """Return the same as far as any client may ask: where topics that exist differ in their number of partitions.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    counts = partition_counts(bootstrap)
    return [f"{found.topic} {found.problem}; {found.mend}" for found in _check_counts(layout, counts)]


def _compared(bootstrap: Address, layout: Layout) -> tuple[dict[str, Actual], list[TopicProblem]]:
    specs = specification(layout)
    with connect(KafkaAdminClient, bootstrap) as admin:
        actual, brokers = describe(admin, [spec.name for spec in specs]), broker_count(admin)
    findings = [finding for spec in specs for finding in _check_topic(spec, actual.get(spec.name), bootstrap)]
    findings += _check_counts(layout, {name: topic.partitions for name, topic in actual.items()})
    findings += _check_replication(actual, brokers)
    findings += _check_dead_letter_sizes(layout, actual, bootstrap)
    return actual, findings


def _check_topic(spec: TopicSpec, topic: Actual | None, bootstrap: Address) -> Iterator[TopicProblem]:
    if topic is None:
        yield TopicProblem(spec.name, "is missing", "maalstrom topics create")
        return
    if topic.configs["cleanup.policy"] != spec.cleanup:
        problem = f"has cleanup.policy={topic.configs['cleanup.policy']}, needs {spec.cleanup}"
        yield TopicProblem(spec.name, problem, _set(bootstrap, spec.name, "cleanup.policy", spec.cleanup))
    if spec.cleanup == "delete":
        yield from _check_retention(spec, topic, bootstrap)
    yield from _check_replicas(spec, topic, bootstrap)


def _check_retention(spec: TopicSpec, topic: Actual, bootstrap: Address) -> Iterator[TopicProblem]:
    wanted = math.inf if spec.retention_ms == -1 else spec.retention_ms
    if topic.number("retention.ms") < wanted:
        why = "for ever" if spec.retention_ms == -1 else f"{spec.retention_ms} ms (MAALSTROM_RETENTION)"
        problem = f"keeps records for {topic.configs['retention.ms']} ms, needs {why}"
        yield TopicProblem(spec.name, problem, _set(bootstrap, spec.name, "retention.ms", str(spec.retention_ms)))
    if topic.number("retention.bytes") < math.inf:
        problem = f"drops records beyond {topic.configs['retention.bytes']} bytes a partition, however young"
        yield TopicProblem(spec.name, problem, _set(bootstrap, spec.name, "retention.bytes", "-1"))


def _check_replicas(spec: TopicSpec, topic: Actual, bootstrap: Address) -> Iterator[TopicProblem]:
    needed = topic.number("min.insync.replicas")
    mend = _set(bootstrap, spec.name, "min.insync.replicas", str(max(1, topic.replicas - 1)))
    if needed > topic.replicas:
        problem = f"wants {needed:.0f} replicas for a write and has {topic.replicas}: every write is refused"
        yield TopicProblem(spec.name, problem, mend)
    elif needed == 1 and topic.replicas > 2:
        problem = f"acknowledges a write on 1 of {topic.replicas} replicas: it can be lost with that broker"
        yield TopicProblem(spec.name, problem, mend, urgent=False)


def _check_replication(actual: Mapping[str, Actual], brokers: int) -> Iterator[TopicProblem]:
    few = sorted(f"{name} ({topic.replicas})" for name, topic in actual.items() if topic.replicas < SAFE_REPLICAS)
    if few and brokers >= SAFE_REPLICAS:
        problem = (
            f"have fewer than {SAFE_REPLICAS} replicas on {brokers} brokers: one broker lost can stop or lose them"
        )
        mend = (
            f"kafka-reassign-partitions.sh with {SAFE_REPLICAS} replicas a partition, then min.insync.replicas="
            f"{SAFE_REPLICAS - 1}; for topics made from now on MAALSTROM_REPLICATION={SAFE_REPLICAS}"
        )
        yield TopicProblem(", ".join(few), problem, mend, urgent=False)


def _set(bootstrap: Address, topic: str, name: str, value: str) -> str:
    entity = f"--alter --entity-type topics --entity-name {topic}"
    secured = "--command-config FILE " if brokers_at(bootstrap).security != Security() else ""
    return f"kafka-configs.sh --bootstrap-server {bootstrap} {secured}{entity} --add-config {name}={value}"


def _check_counts(layout: Layout, actual: Mapping[str, int]) -> Iterator[TopicProblem]:
    """`actual` says how many partitions the topics that exist have."""
    names = [name for name in copartitioned(layout) if name in actual]
    counts = {name: actual[name] for name in names}
    if len(set(counts.values())) > 1:
        listed, most = ", ".join(f"{name} has {count}" for name, count in counts.items()), max(counts.values())
        mend = f"{growing(most)}: until then, added ones are not read"
        short = [name for name, count in counts.items() if count < most]
        yield TopicProblem(", ".join(short), f"partition counts must be equal: {listed}", mend)


def _check_dead_letter_sizes(
    layout: Layout, actual: Mapping[str, Actual], bootstrap: Address
) -> Iterator[TopicProblem]:
    for source, letters in layout.letters.items():
        if source not in actual or letters not in actual:
            continue
        widest, limit = (int(actual[name].configs["max.message.bytes"]) for name in (source, letters))
        if limit < widest + HEADERS_BYTES:
            problem = f"takes {limit} bytes a record, but {source} takes {widest}, to which a dead letter adds headers"
            mend = _set(bootstrap, letters, "max.message.bytes", str(widest + (1 << 20)))
            yield TopicProblem(letters, problem, mend)


def _check_keys(consumer: KafkaConsumer, topic: str) -> Iterator[TopicProblem]:
    parts = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    sampled = strays = unkeyed = 0
    for part in parts:
        for record in read_range(consumer, part, max(starts[part], ends[part] - SAMPLE), ends[part]):
            sampled += 1
            unkeyed += record.key is None
            strays += record.key is not None and partition_of(record.key, len(parts)) != part.partition
    if strays or unkeyed:
        problem = f"of {sampled} newest records {strays} are not in the partition of their key, {unkeyed} have no key"
        mend = (
            "figures stay right, only slower; let producers key by user token and partition as Java does "
            "(librdkafka: partitioner=murmur2_random)"
        )
        yield TopicProblem(topic, problem, mend, serious=False)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that the default partitioner of Java and kafka-python gives `key` (murmur2)."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
