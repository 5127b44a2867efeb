"""What differs between the cluster's topics and their specification, and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from streams.brokers import connect, read_range
from streams.topics.cluster import Actual, describe
from streams.topics.spec import (
    FORWARDED,
    HEADERS_BYTES,
    KEYED,
    SOURCES,
    Layout,
    TopicSpec,
    dead_letters_of,
    specification,
)

SAMPLE = 100


@dataclass(frozen=True)
class Finding:
    """One difference, and how to mend it; `serious` when figures or records are at risk."""

    topic: str
    problem: str
    mend: str
    serious: bool = True


def check(bootstrap: str, layout: Layout) -> list[Finding]:
    """Compare the cluster's topics with the specification; an empty list means that all is well.

    The partitioner is judged by the newest `SAMPLE` records of each partition.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    specs = specification(layout)
    with connect(KafkaAdminClient, bootstrap) as admin:
        actual = describe(admin, [spec.name for spec in specs])
    findings = [finding for spec in specs for finding in _check_topic(spec, actual.get(spec.name), bootstrap)]
    findings += _check_counts(specs, actual)
    findings += _check_dead_letter_sizes(actual, bootstrap)
    with connect(KafkaConsumer, bootstrap) as consumer:
        findings += [finding for name in KEYED if name in actual for finding in _check_keys(consumer, name)]
    return findings


def _check_topic(spec: TopicSpec, topic: Actual | None, bootstrap: str) -> Iterator[Finding]:
    if topic is None:
        yield Finding(spec.name, "is missing", "maalstrom topics create")
        return
    if topic.configs["cleanup.policy"] != spec.cleanup:
        problem = f"has cleanup.policy={topic.configs['cleanup.policy']}, needs {spec.cleanup}"
        yield Finding(spec.name, problem, _set(bootstrap, spec.name, "cleanup.policy", spec.cleanup))
    if spec.cleanup == "delete":
        yield from _check_retention(spec, topic, bootstrap)
    yield from _check_replicas(spec, topic, bootstrap)


def _check_retention(spec: TopicSpec, topic: Actual, bootstrap: str) -> Iterator[Finding]:
    wanted = math.inf if spec.retention_ms == -1 else spec.retention_ms
    if topic.number("retention.ms") < wanted:
        why = "for ever" if spec.retention_ms == -1 else f"{spec.retention_ms} ms (MAALSTROM_RETENTION)"
        problem = f"keeps records for {topic.configs['retention.ms']} ms, needs {why}"
        yield Finding(spec.name, problem, _set(bootstrap, spec.name, "retention.ms", str(spec.retention_ms)))
    if topic.number("retention.bytes") < math.inf:
        problem = f"drops records beyond {topic.configs['retention.bytes']} bytes a partition, however young"
        yield Finding(spec.name, problem, _set(bootstrap, spec.name, "retention.bytes", "-1"))


def _check_replicas(spec: TopicSpec, topic: Actual, bootstrap: str) -> Iterator[Finding]:
    needed = topic.number("min.insync.replicas")
    mend = _set(bootstrap, spec.name, "min.insync.replicas", str(max(1, topic.replicas - 1)))
    if needed > topic.replicas:
        problem = f"wants {needed:.0f} replicas for a write and has {topic.replicas}: every write is refused"
        yield Finding(spec.name, problem, mend)
    elif needed == 1 and topic.replicas > 2:
        problem = f"acknowledges a write on 1 of {topic.replicas} replicas: it can be lost with that broker"
        yield Finding(spec.name, problem, mend)


def _set(bootstrap: str, topic: str, name: str, value: str) -> str:
    entity = f"--alter --entity-type topics --entity-name {topic}"
    return f"kafka-configs.sh --bootstrap-server {bootstrap} {entity} --add-config {name}={value}"


def _check_counts(specs: Sequence[TopicSpec], actual: Mapping[str, Actual]) -> Iterator[Finding]:
    letters = {dead_letters_of(name) for name in (*SOURCES, FORWARDED)}
    names = [s.name for s in specs if s.partitions is None and s.name not in letters and s.name in actual]
    counts = {name: actual[name].partitions for name in names}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in counts.items())
        most = max(counts.values())
        mend = (
            f"delete those with fewer than {most} partitions while they are empty, then maalstrom topics create; "
            "once they hold records, add partitions (kafka-topics.sh --alter --partitions) and start under a new "
            "app id, because keys then belong to other partitions"
        )
        short = [name for name, count in counts.items() if count < most]
        yield Finding(", ".join(short), f"partition counts must be equal: {listed}", mend)


def _check_dead_letter_sizes(actual: Mapping[str, Actual], bootstrap: str) -> Iterator[Finding]:
    for source, letters in ((name, dead_letters_of(name)) for name in SOURCES):
        if source not in actual or letters not in actual:
            continue
        widest, limit = (int(actual[name].configs["max.message.bytes"]) for name in (source, letters))
        if limit < widest + HEADERS_BYTES:
            problem = f"takes {limit} bytes a record, but {source} takes {widest}, to which a dead letter adds headers"
            mend = _set(bootstrap, letters, "max.message.bytes", str(widest + (1 << 20)))
            yield Finding(letters, problem, mend)


def _check_keys(consumer: KafkaConsumer, topic: str) -> Iterator[Finding]:
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
        yield Finding(topic, problem, mend, serious=False)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that the default partitioner of Java and kafka-python gives `key` (murmur2)."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
