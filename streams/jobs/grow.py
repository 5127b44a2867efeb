"""More partitions, with nothing lost: `maalstrom topics grow`, while no worker runs.

What is known of a key lies in one ledger, under hashes that tell nobody where it would hash to among more partitions.
So keys go on living where they hash to among as many partitions as there were when the journal began, their homes;
records in all others are sent on there, as those in a wrong partition always are. That is for the journal to say: each
of its partitions gets a marker, a segment that has nothing else, before any topic gets more partitions, and each new
one before anybody reads what is in it. Every step may be done again.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from streams import failpoints
from streams.core.events.topics import journal_topic
from streams.core.journal.chunks import KEY_BYTES, ChunkError, whole
from streams.core.journal.segment import Segment, SegmentError, SegmentKey
from streams.kafka import topics
from streams.kafka.clients import Address, BrokerError, connect, read_range
from streams.kafka.members import none_running
from streams.kafka.segment_codec import packed, unpacked
from streams.kafka.topics import Layout

HOUR_S = 3600
PATIENCE_S = 30.0  # until brokers know of partitions that were added
_KEY = struct.Struct(">Iqqq")  # as in worker/journal.py


class Grown(NamedTuple):
    """A topic's partitions before and now."""

    topic: str
    before: int
    now: int


class _Newest(NamedTuple):
    """The newest segment in one partition of the journal."""

    key: SegmentKey
    segment: Segment


def grow(bootstrap: Address, layout: Layout, partitions: int) -> tuple[list[Grown], int]:
    """Give all topics that are keyed so many partitions; what was done, and in the first how many of them keys live.

    Raises:
        BrokerError: the broker cannot be reached, or it cannot be done; the text says why and what to do.
    """
    counts = _counts(bootstrap, layout, partitions)
    journal = journal_topic(layout.app_id)
    newest = _newest(bootstrap, journal, counts[journal])
    homes = _homes(newest, counts[journal])
    begun = any(newest.values())
    with connect(KafkaAdminClient, bootstrap) as admin:
        _mark(bootstrap, journal, newest if begun else {}, partitions, homes)
        _raise(admin, journal, counts[journal], partitions)
        added = dict.fromkeys(range(counts[journal], partitions))
        _mark(bootstrap, journal, added if begun else {}, partitions, homes)
        for topic, before in counts.items():
            _raise(admin, topic, before, partitions)
    return [Grown(topic, before, partitions) for topic, before in counts.items()], homes if begun else partitions


def hand_over(bootstrap: Address, layout: Layout) -> int:
    """Tell the workers, while none runs, that what they know is in the database already, as a replay has written it:
    they have nothing of it to write, and report from now on in an hour in which they never did. How many partitions
    were told, those that knew it included. May be done again.

    Raises:
        BrokerError: the broker cannot be reached, or the journal cannot be read; the text says why and what to do.
    """
    journal = journal_topic(layout.app_id)
    with connect(KafkaConsumer, bootstrap) as consumer:
        partitions = len(consumer.partitions_for_topic(journal) or ())
    found = {number: last for number, last in _newest(bootstrap, journal, partitions).items() if last}
    hour = int(time.time()) // HOUR_S
    with connect(KafkaProducer, bootstrap, acks="all", enable_idempotence=True) as producer:
        for number, last in found.items():
            if last.segment.flushed == last.key.sequence - 1 and last.key.hour > hour:
                continue  # it is such a marker
            key, marker = _marker(last, max(hour, last.key.hour) + 1)
            marker.flushed, marker.token_key = last.key.sequence, last.segment.token_key
            marker.partitions, marker.homes = last.segment.partitions, last.segment.homes
            _send(producer, journal, number, key, marker)
    return len(found)


def _counts(bootstrap: Address, layout: Layout, partitions: int) -> dict[str, int]:
    """How many partitions those topics have, what is read first the last. Raises BrokerError."""
    names = topics.copartitioned(layout)
    with connect(KafkaAdminClient, bootstrap) as admin:
        missing = sorted(set(names) - set(admin.list_topics()))
        if missing:
            raise BrokerError(f"topic {missing[0]} is missing; make it with `maalstrom topics create` first")
        none_running(admin, layout.app_id)
        counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(names))}
    most = max(counts.values())
    if most > partitions:
        raise BrokerError(f"there are {most} partitions already, and Kafka takes none away; grow to {most} or more")
    return {name: counts[name] for name in reversed(names)}


def _newest(bootstrap: Address, journal: str, partitions: int) -> dict[int, _Newest | None]:
    """The newest segment of each partition; None where there is none."""
    with connect(KafkaConsumer, bootstrap) as consumer:
        parts = [TopicPartition(journal, number) for number in range(partitions)]
        starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        return {p.partition: _last(read_range(consumer, p, starts[p], ends[p])) for p in parts}


def _last(records: Iterable[Any]) -> _Newest | None:
    """The newest of the segments that are in force, which says what the others do. Raises BrokerError."""
    values: dict[bytes, bytes] = {}
    for record in records:
        values.pop(record.key, None)
        if record.key and record.value:
            values[record.key] = record.value
    raws = {SegmentKey(*_KEY.unpack(raw)[1:]): raw for raw in values if len(raw) == KEY_BYTES}
    if not raws:
        return None
    key = max(raws, key=lambda key: (key.epoch, key.sequence))
    raw = raws[key]
    try:
        segment, _ = unpacked(whole(values[raw], lambda suffix: values.get(raw + suffix)))
    except (ChunkError, SegmentError) as error:
        raise BrokerError(f"the newest segment of the journal, {tuple(key)}, cannot be read: {error}") from None
    return _Newest(key._replace(hour=max(each.hour for each in raws)), segment)


def _homes(newest: dict[int, _Newest | None], counted: int) -> int:
    """In the first how many partitions keys live. Raises BrokerError where the journal does not say one thing."""
    said = {each.segment.homes for each in newest.values() if each} - {0}
    if len(said) > 1:
        raise BrokerError(f"the journal says that keys live in the first {sorted(said)} partitions, which cannot be")
    return min(said or {counted})


def _mark(bootstrap: Address, journal: str, newest: dict[int, _Newest | None], partitions: int, homes: int) -> None:
    """Have each of those partitions of the journal say it."""
    keys = {each.segment.token_key for each in newest.values() if each}
    with connect(KafkaProducer, bootstrap, acks="all", enable_idempotence=True) as producer:
        for number, last in newest.items():
            if last and last.segment.partitions == partitions:
                continue
            key, marker = _marker(last, max(int(time.time()) // HOUR_S, last.key.hour if last else 0))
            marker.token_key, marker.partitions, marker.homes = max(keys, default=0), partitions, homes
            _send(producer, journal, number, key, marker)


def _marker(last: _Newest | None, hour: int) -> tuple[SegmentKey, Segment]:
    """A segment that has nothing, of an epoch of its own after the last one, in that hour."""
    epoch = max(int(time.time()), last.key.epoch + 1 if last else 0)
    sequence = last.key.sequence if last else -1
    return SegmentKey(hour, epoch, sequence + 1), Segment(after={epoch: sequence})


def _send(producer: KafkaProducer, journal: str, number: int, key: SegmentKey, marker: Segment) -> None:
    producer.send(journal, packed(marker)[0], _KEY.pack(number, *key), partition=number).get(timeout=30)
    failpoints.passing("marked")


def _raise(admin: KafkaAdminClient, topic: str, before: int, partitions: int) -> None:
    if before < partitions and _count(admin, topic) < partitions:
        admin.create_partitions({topic: partitions})
    _until(lambda: _count(admin, topic) == partitions, topic)
    failpoints.passing("grown")


def _count(admin: KafkaAdminClient, topic: str) -> int:
    (found,) = admin.describe_topics([topic])
    return len(found["partitions"])


def _until(done: Callable[[], bool], topic: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise BrokerError(f"topic {topic} has not got its partitions within {PATIENCE_S:.0f} s; run this again")
        time.sleep(0.1)
