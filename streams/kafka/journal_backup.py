"""A copy of the journal in a file, and back: what workers know, and how far they have read, while none of them runs.

The file is MessagePack, one object after the other: a head, every record of the topic by partition, and a foot with
their number and digest, so that a file that was cut short is told from a whole one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import NoError

from streams.core.events.topics import COSTS, journal_topic
from streams.kafka import topics
from streams.kafka.clients import Address, BrokerError, brokers_at, connect, read_range
from streams.kafka.members import none_running
from streams.kafka.topics import Layout

VERSION = 1
_MOST_WAITING = 1000  # records that are sent and not yet acknowledged
_LENGTH = 4  # bytes before each object


class Head(msgspec.Struct, forbid_unknown_fields=True):
    """What a file begins with: the group, its journal's partitions, and the offsets that the group had committed."""

    version: int
    app_id: str
    partitions: int
    offsets: dict[str, dict[int, int]]


class Entry(msgspec.Struct, array_like=True):
    """A record of the journal."""

    partition: int
    key: bytes
    value: bytes | None
    timestamp: int


class Foot(msgspec.Struct):
    """What a file ends with."""

    records: int
    digest: bytes


@dataclass(frozen=True)
class Copied:
    """What was written: to a file, or from one to Kafka."""

    records: int
    bytes: int


class BackupError(ValueError):
    """A file is no whole backup, or does not fit what is there; the text says which and what to do."""


def save(bootstrap: Address, layout: Layout, path: Path) -> Copied:
    """Write the journal to a new file. Raises BrokerError, BackupError, FileExistsError."""
    journal = journal_topic(layout.app_id)
    _check_alone(bootstrap, layout.app_id)
    with connect(KafkaConsumer, bootstrap) as consumer, path.open("xb") as file:
        parts = _parts(consumer, journal)
        written = _Written(file)
        written.put(Head(VERSION, layout.app_id, len(parts), _committed(bootstrap, layout)))
        starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        for part in parts:
            for record in read_range(consumer, part, starts[part], ends[part]):
                written.put(Entry(part.partition, record.key, record.value, record.timestamp))
        return written.end()


def load(bootstrap: Address, layout: Layout, path: Path) -> Copied:
    """Write what that file holds into an empty journal, and set the group's offsets.

    Raises BrokerError, BackupError.
    """
    head, foot = _checked(path)
    journal = journal_topic(layout.app_id)
    if head.app_id != layout.app_id:
        raise BackupError(f"{path} is of group {head.app_id}; set MAALSTROM_APP_ID to that, it is {layout.app_id}")
    _check_alone(bootstrap, layout.app_id)
    topics.create(bootstrap, layout)
    _check_room(bootstrap, journal, head, path)
    _check_offsets(bootstrap, head)
    _send(bootstrap, journal, _entries(path))
    _forget_since(bootstrap, layout, head)
    _commit(bootstrap, head)
    return Copied(foot.records, path.stat().st_size)


class _Written:
    def __init__(self, file: Any) -> None:
        self._file, self._digest, self._records, self._bytes = file, hashlib.sha256(), -1, 0

    def put(self, each: msgspec.Struct) -> None:
        raw = msgspec.msgpack.encode(each)
        self._file.write(len(raw).to_bytes(_LENGTH, "big") + raw)
        self._digest.update(raw)
        self._records += 1
        self._bytes += len(raw) + _LENGTH

    def end(self) -> Copied:
        records = self._records
        self.put(Foot(records, self._digest.digest()))
        return Copied(records, self._bytes)


def _raws(path: Path) -> Iterator[bytes]:
    """Raises BackupError where an object is cut short."""
    with path.open("rb") as file:
        while length := file.read(_LENGTH):
            raw = file.read(int.from_bytes(length, "big"))
            if len(length) < _LENGTH or len(raw) < int.from_bytes(length, "big"):
                raise BackupError(f"{path} ends in the middle of a record; take another backup")
            yield raw


def _checked(path: Path) -> tuple[Head, Foot]:
    """The head and the foot of a whole file. Raises BackupError."""
    digest, last, first, count = hashlib.sha256(), b"", b"", 0
    for raw in _raws(path):
        digest.update(last)
        first, last, count = first or raw, raw, count + 1
    try:
        head, foot = msgspec.msgpack.decode(first, type=Head), msgspec.msgpack.decode(last, type=Foot)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise BackupError(f"{path} is no whole backup of a journal; take another one") from None
    if (foot.records, foot.digest) != (count - 2, digest.digest()):
        raise BackupError(f"{path} was changed since it was written; take another backup")
    if head.version > VERSION:
        raise BackupError(f"{path} is of a later version of maalstrom; restore it with that version")
    return head, foot


def _entries(path: Path) -> Iterator[Entry]:
    raws = _raws(path)
    next(raws)
    last = next(raws)
    for raw in raws:
        yield msgspec.msgpack.decode(last, type=Entry)
        last = raw


def _check_alone(bootstrap: Address, group: str) -> None:
    """Raises BrokerError where a worker runs."""
    with connect(KafkaAdminClient, bootstrap) as admin:
        none_running(admin, group)


def _parts(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise BrokerError(f"there is no journal: topic {topic} is missing; is MAALSTROM_APP_ID right?")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _committed(bootstrap: Address, layout: Layout) -> dict[str, dict[int, int]]:
    journal = journal_topic(layout.app_id)
    names = [*(name for name in topics.copartitioned(layout) if name != journal), COSTS]
    found: dict[str, dict[int, int]] = {}
    for row in topics.lag(bootstrap, layout.app_id, [brokers_at(bootstrap).plain(name) for name in names]):
        if row.committed is not None:
            found.setdefault(row.topic, {})[row.partition] = row.committed
    return found


def _check_room(bootstrap: Address, journal: str, head: Head, path: Path) -> None:
    with connect(KafkaConsumer, bootstrap) as consumer:
        parts = _parts(consumer, journal)
        if len(parts) != head.partitions:
            raise BackupError(
                f"{path} is of {head.partitions} partitions, and {journal} has {len(parts)}; make it anew"
            )
        if any(consumer.end_offsets(parts).values()):
            raise BackupError(f"{journal} holds a journal already; delete that topic first if it is to be replaced")


def _check_offsets(bootstrap: Address, head: Head) -> None:
    """Raises BackupError where topics end before what was read of them: then they are others, and would be skipped."""
    with connect(KafkaConsumer, bootstrap) as consumer:
        parts = [TopicPartition(topic, number) for topic, numbers in head.offsets.items() for number in numbers]
        ends: Mapping[TopicPartition, int] = consumer.end_offsets(parts) if parts else {}
    for part, end in ends.items():
        if (read := head.offsets[part.topic][part.partition]) > end:
            raise BackupError(
                f"{part.topic}/{part.partition} ends at {end}, and was read to {read} when the backup was made: its "
                "records are not those of then, and new ones would be skipped. Restore the topics too, or begin "
                "without a journal and replay the events"
            )


def _send(bootstrap: Address, journal: str, entries: Iterable[Entry]) -> None:
    with connect(KafkaProducer, bootstrap, acks="all", enable_idempotence=True, max_request_size=8 << 20) as producer:
        waiting: list[Any] = []
        for entry in entries:
            sent = {"partition": entry.partition, "timestamp_ms": entry.timestamp}
            waiting.append(producer.send(journal, entry.value, entry.key, **sent))
            if len(waiting) >= _MOST_WAITING:
                _all_acknowledged(waiting)
        _all_acknowledged(waiting)


def _all_acknowledged(waiting: list[Any]) -> None:
    for future in waiting:
        future.get(timeout=60)
    waiting.clear()


def _forget_since(bootstrap: Address, layout: Layout, head: Head) -> None:
    """What was read first since the backup was made is read again: the group forgets how far it was."""
    found = _committed(bootstrap, layout)
    since = [
        TopicPartition(topic, number)
        for topic, numbers in found.items()
        for number in numbers.keys() - head.offsets.get(topic, {}).keys()
    ]
    with connect(KafkaAdminClient, bootstrap) as admin:
        for place, answer in admin.delete_group_offsets(layout.app_id, since).items():
            if answer is not NoError:
                raise BrokerError(
                    f"the group {layout.app_id} still says how far it has read {place.topic}/{place.partition}, of "
                    f"which {journal_topic(layout.app_id)} knows nothing ({answer.__name__}); delete that offset with "
                    "kafka-consumer-groups --delete-offsets, and start the workers then"
                )


def _commit(bootstrap: Address, head: Head) -> None:
    offsets = {
        TopicPartition(topic, number): OffsetAndMetadata(offset, "", -1)
        for topic, numbers in head.offsets.items()
        for number, offset in numbers.items()
    }
    if offsets:
        with connect(KafkaConsumer, bootstrap, group_id=head.app_id, enable_auto_commit=False) as consumer:
            consumer.commit(offsets)
