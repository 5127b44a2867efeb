"""Dead letters: list, show, and replay them. They are only ever read; nothing here changes one.

What "replay is idempotent" promises:

- The figures after replaying any number of times, whole or interrupted, are those after replaying once: an event that
  was counted before is a duplicate by its `messageId`.
- One run sends one copy of each distinct record (source topic, key and bytes). A record that failed, was replayed and
  failed again is two dead letters, and still sent once, so dead letters grow by what fails now and never double.
- A run ends at the dead letters that existed when it began; what fails again meanwhile waits for the next.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.core.events.dead_letters import Failure, decode_headers
from streams.core.events.topics import DEAD_LETTERS, dead_letters_of
from streams.kafka.clients import Address, BrokerError, RightError, brokers_at, connect, read_range

IN_FLIGHT = 1_000
SEND_MS = 30_000
_MAKE = ", or make the topics: maalstrom topics create"
TOO_LATE = "too_late"
PRODUCER: dict[str, Any] = {
    "acks": "all",
    # kafka-python's idempotent producer fails every later send after one record that the broker refuses.
    "enable_idempotence": False,
    "compression_type": "gzip",
    "max_request_size": 64 << 20,
    "max_block_ms": SEND_MS,
    "delivery_timeout_ms": SEND_MS,
}


@dataclass(frozen=True)
class DeadLetterRecord:
    """One dead letter: where it lies, the original key and bytes, and why it is there. `topic` has no prefix.

    `failure` is None when the headers are not those of a dead letter. `written_at` is in milliseconds since the epoch.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    written_at: int
    failure: Failure | None

    @property
    def place(self) -> str:
        """`topic/partition/offset`, which `show` takes."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def reason(self) -> str:
        """Why it is here; "unknown" without the headers of a dead letter."""
        return self.failure.reason if self.failure else "unknown"

    @property
    def failed_at(self) -> int:
        """When it failed, in milliseconds since the epoch."""
        return self.failure.failed_at if self.failure else self.written_at

    @property
    def source(self) -> str:
        """The topic it belongs to, and is replayed to."""
        return self.topic.removesuffix(DEAD_LETTERS)


@dataclass(frozen=True)
class Filter:
    """Which dead letters are wanted; None means any.

    `since` (inclusive) and `until` (exclusive) compare with the time of failure, in milliseconds since the epoch.
    `first` and `last` (both inclusive) are offsets in the dead-letter topic.
    """

    reason: str | None = None
    since: int | None = None
    until: int | None = None
    partition: int | None = None
    first: int = 0
    last: int | None = None

    def wants(self, letter: DeadLetterRecord) -> bool:
        """Whether reason and time fit; partition and offsets are not read in the first place."""
        return (
            (self.reason is None or letter.reason == self.reason)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
        )


@dataclass
class DlqReplay:
    """What a replay did, or would do: records sent by topic, how many of them were `late`, letters not sent because the
    same record was, and those refused, with why."""

    sent: Counter[str] = field(default_factory=Counter)
    late: int = 0
    repeated: int = 0
    refused: list[tuple[DeadLetterRecord, str]] = field(default_factory=list)


def read(bootstrap: Address, topics: Sequence[str], wanted: Filter) -> Iterator[DeadLetterRecord]:
    """Yield the dead letters of the given source topics that exist now, by topic, partition and offset.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    with connect(KafkaConsumer, bootstrap) as consumer:
        existing, brokers = consumer.topics(), brokers_at(bootstrap)
        names = [brokers.topic(dead_letters_of(name)) for name in topics]
        if not any(name.endswith(DEAD_LETTERS) for name in existing):
            raise RightError(f"there is no topic of dead letters at {brokers} that this user may see", _MAKE)
        for topic in filter(existing.__contains__, names):
            for letter in _read_topic(consumer, topic, wanted):
                yield replace(letter, topic=brokers.plain(topic))


def _read_topic(consumer: KafkaConsumer, topic: str, wanted: Filter) -> Iterator[DeadLetterRecord]:
    numbers = sorted(consumer.partitions_for_topic(topic) or ())
    parts = [TopicPartition(topic, n) for n in numbers if wanted.partition in (None, n)]
    starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    for part in parts:
        end = ends[part] if wanted.last is None else min(ends[part], wanted.last + 1)
        for record in read_range(consumer, part, max(starts[part], wanted.first), end):
            letter = _letter(record)
            if wanted.wants(letter):
                yield letter


def _letter(record: Any) -> DeadLetterRecord:
    failure = decode_headers(record.headers)
    place = (record.topic, record.partition, record.offset)
    return DeadLetterRecord(*place, record.key, record.value, record.timestamp, failure)


def find(bootstrap: Address, topic: str, partition: int, offset: int) -> DeadLetterRecord:
    """Return one dead letter of the source topic `topic`; partition and offset are those of the dead-letter topic.

    Raises:
        BrokerError: there is none, or the broker cannot be reached.
    """
    for letter in read(bootstrap, [topic], Filter(partition=partition, first=offset, last=offset)):
        return letter
    raise BrokerError(
        f"no dead letter at {topic}{DEAD_LETTERS}/{partition}/{offset}; maalstrom dlq list shows those there are"
    )


def replay(bootstrap: Address, topics: Sequence[str], wanted: Filter) -> DlqReplay:
    """Send the original key and bytes of the wanted dead letters to their source topics again.

    Each record carries the header `replayed_from`, the place of its dead letter. Idempotent as the module says.

    Raises:
        BrokerError: the broker cannot be reached, or a source topic does not exist.
    """
    done = DlqReplay()
    topics = _replayable(bootstrap, topics)
    with connect(KafkaProducer, bootstrap, **PRODUCER) as producer:
        try:
            _send_all(producer, brokers_at(bootstrap).topic, _distinct(read(bootstrap, topics, wanted), done), done)
        except KafkaError as error:
            raise BrokerError(
                f"the broker at {bootstrap} failed after {done.sent.total()} records were acknowledged ({error}); "
                "replay again when it is back: nothing is counted twice"
            ) from error
    return done


def would_replay(bootstrap: Address, topics: Sequence[str], wanted: Filter) -> DlqReplay:
    """What `replay` would do now; nothing is sent.

    Raises:
        BrokerError: the broker cannot be reached, or a source topic does not exist.
    """
    done = DlqReplay()
    for letter in _sendable(_distinct(read(bootstrap, _replayable(bootstrap, topics), wanted), done), done):
        _count(letter, done)
    return done


def _replayable(bootstrap: Address, topics: Sequence[str]) -> Sequence[str]:
    with connect(KafkaConsumer, bootstrap) as consumer:
        existing = consumer.topics()
    for topic in map(brokers_at(bootstrap).topic, topics):
        if dead_letters_of(topic) in existing and topic not in existing:
            raise BrokerError(f"topic {topic}, to which its dead letters go back, is missing: maalstrom topics create")
    return topics


def _distinct(letters: Iterator[DeadLetterRecord], done: DlqReplay) -> Iterator[DeadLetterRecord]:
    seen: set[bytes] = set()
    for letter in letters:
        # Lengths before contents, so that no two records read alike.
        parts = (letter.source.encode(), letter.key, letter.value)
        framed = b"".join(b"-" if part is None else b"%d:%b" % (len(part), part) for part in parts)
        digest = hashlib.blake2b(framed, digest_size=16).digest()
        if digest in seen:
            done.repeated += 1
            continue
        seen.add(digest)
        yield letter


def _send_all(
    producer: KafkaProducer, named: Callable[[str], str], letters: Iterator[DeadLetterRecord], done: DlqReplay
) -> None:
    pending: deque[tuple[DeadLetterRecord, Any]] = deque()
    for letter in _sendable(letters, done):
        headers = [("replayed_from", letter.place.encode())]
        future = producer.send(named(letter.source), key=letter.key, value=letter.value, headers=headers)
        pending.append((letter, future))
        if len(pending) > IN_FLIGHT:
            _settle(*pending.popleft(), done)
    while pending:
        _settle(*pending.popleft(), done)


def _sendable(letters: Iterator[DeadLetterRecord], done: DlqReplay) -> Iterator[DeadLetterRecord]:
    for letter in letters:
        if letter.key is None and letter.value is None:
            done.refused.append((letter, "it has neither key nor bytes: there is nothing to replay"))
        else:
            yield letter


def _count(letter: DeadLetterRecord, done: DlqReplay) -> None:
    done.sent[letter.source] += 1
    done.late += letter.reason == TOO_LATE


def _settle(letter: DeadLetterRecord, future: Any, done: DlqReplay) -> None:
    try:
        future.get(timeout=SEND_MS / 1000)
    except KafkaError as error:
        if error.retriable:
            raise
        done.refused.append((letter, str(error)))
    else:
        _count(letter, done)
