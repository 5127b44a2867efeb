"""Dead letters: list, show, and replay them. They are only ever read; nothing here changes one.

What "replay is idempotent" promises, by contract sections 1 and 5:

- The figures after replaying any number of times, whole or interrupted, are those after replaying once: an event that
  was counted before is a duplicate by its `messageId`.
- One run sends one copy of each distinct record (source topic, key and bytes). A record that failed, was replayed and
  failed again is two dead letters, and still sent once, so dead letters grow by what fails now and never double.
- A run ends at the dead letters that existed when it began; what fails again meanwhile waits for the next.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from rich.console import Console
from rich.text import Text

from streams.brokers import BrokerError, connect, read_range
from streams.core.dead_letters import Failure, decode_headers

SUFFIX = ".dlq"
IN_FLIGHT = 1_000
SEND_MS = 30_000
SHOWN_BYTES = 10_000
LATEST_MS = 253_402_300_799_000
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
class DeadLetter:
    """One dead letter: where it lies, the original key and bytes, and why it is there.

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
        return self.topic.removesuffix(SUFFIX)


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

    def wants(self, letter: DeadLetter) -> bool:
        """Whether reason and time fit; partition and offsets are not read in the first place."""
        return (
            (self.reason is None or letter.reason == self.reason)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
        )


@dataclass
class Replayed:
    """What a replay did: records sent, letters not sent because the same record was, and those refused, with why."""

    sent: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    refused: list[tuple[DeadLetter, str]] = field(default_factory=list)


def read(bootstrap: str, topics: Sequence[str], wanted: Filter) -> Iterator[DeadLetter]:
    """Yield the dead letters of the given source topics that exist now, by topic, partition and offset.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    with connect(KafkaConsumer, bootstrap) as consumer:
        existing = consumer.topics()
        for topic in (f"{name}{SUFFIX}" for name in topics if f"{name}{SUFFIX}" in existing):
            yield from _read_topic(consumer, topic, wanted)


def _read_topic(consumer: KafkaConsumer, topic: str, wanted: Filter) -> Iterator[DeadLetter]:
    numbers = sorted(consumer.partitions_for_topic(topic) or ())
    parts = [TopicPartition(topic, n) for n in numbers if wanted.partition in (None, n)]
    starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    for part in parts:
        end = ends[part] if wanted.last is None else min(ends[part], wanted.last + 1)
        for record in read_range(consumer, part, max(starts[part], wanted.first), end):
            letter = _letter(record)
            if wanted.wants(letter):
                yield letter


def _letter(record: Any) -> DeadLetter:
    failure = decode_headers(record.headers)
    place = (record.topic, record.partition, record.offset)
    return DeadLetter(*place, record.key, record.value, record.timestamp, failure)


def find(bootstrap: str, topic: str, partition: int, offset: int) -> DeadLetter:
    """Return one dead letter of the source topic `topic`; partition and offset are those of the dead-letter topic.

    Raises:
        BrokerError: there is none, or the broker cannot be reached.
    """
    for letter in read(bootstrap, [topic], Filter(partition=partition, first=offset, last=offset)):
        return letter
    raise BrokerError(
        f"no dead letter at {topic}{SUFFIX}/{partition}/{offset}; maalstrom dlq list shows those there are"
    )


def replay(bootstrap: str, topics: Sequence[str], wanted: Filter) -> Replayed:
    """Send the original key and bytes of the wanted dead letters to their source topics again.

    Each record carries the header `replayed_from`, the place of its dead letter. Idempotent as the module says.

    Raises:
        BrokerError: the broker cannot be reached, or a source topic does not exist.
    """
    done = Replayed()
    topics = _replayable(bootstrap, topics)
    with connect(KafkaProducer, bootstrap, **PRODUCER) as producer:
        try:
            _send_all(producer, _distinct(read(bootstrap, topics, wanted), done), done)
        except KafkaError as error:
            raise BrokerError(
                f"the broker at {bootstrap} failed after {done.sent.total()} records were acknowledged ({error}); "
                "replay again when it is back: nothing is counted twice"
            ) from error
    return done


def _replayable(bootstrap: str, topics: Sequence[str]) -> Sequence[str]:
    with connect(KafkaConsumer, bootstrap) as consumer:
        existing = consumer.topics()
    for topic in topics:
        if f"{topic}{SUFFIX}" in existing and topic not in existing:
            raise BrokerError(f"topic {topic}, to which its dead letters go back, is missing: maalstrom topics create")
    return topics


def _distinct(letters: Iterator[DeadLetter], done: Replayed) -> Iterator[DeadLetter]:
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


def _send_all(producer: KafkaProducer, letters: Iterator[DeadLetter], done: Replayed) -> None:
    pending: deque[tuple[DeadLetter, Any]] = deque()
    for letter in letters:
        if letter.key is None and letter.value is None:
            done.refused.append((letter, "it has neither key nor bytes: there is nothing to replay"))
            continue
        headers = [("replayed_from", letter.place.encode())]
        future = producer.send(letter.source, key=letter.key, value=letter.value, headers=headers)
        pending.append((letter, future))
        if len(pending) > IN_FLIGHT:
            _settle(*pending.popleft(), done)
    while pending:
        _settle(*pending.popleft(), done)


def _settle(letter: DeadLetter, future: Any, done: Replayed) -> None:
    try:
        future.get(timeout=SEND_MS / 1000)
    except KafkaError as error:
        if error.retriable:
            raise
        done.refused.append((letter, str(error)))
    else:
        done.sent[letter.source] += 1


def render_letters(console: Console, letters: Iterable[DeadLetter]) -> None:
    """Print one line for each dead letter as it is read, and at the end how many there are of each reason."""
    reasons: Counter[str] = Counter()
    for letter in letters:
        reasons[letter.reason] += 1
        error = letter.failure.error if letter.failure else "its headers are not those of a dead letter"
        line = f"{letter.place}  {_rfc3339(letter.failed_at)}  {letter.reason}  {_printable(error.encode())}"
        console.print(Text(line), soft_wrap=True)
    console.print(Text(f"{reasons.total()} dead letters{_counts(reasons)}"))


def render_letter(console: Console, letter: DeadLetter) -> None:
    """Print one dead letter with its headers and its bytes, as text as far as they are text."""
    value = letter.value or b""
    rows = {"dead letter": letter.place, "failed at": _rfc3339(letter.failed_at), "reason": letter.reason}
    if letter.failure:
        failure = letter.failure
        rows["error"] = failure.error
        rows["source"] = f"{failure.source_topic}/{failure.source_partition}/{failure.source_offset}"
    rows["key"] = "none" if letter.key is None else _printable(letter.key)
    rows["value"] = "none (a tombstone)" if letter.value is None else f"{len(value)} bytes"
    for name, text in rows.items():
        console.print(Text(f"{name:<12}{_printable(text.encode())}"), soft_wrap=True)
    console.print(Text(_printable(value[:SHOWN_BYTES])), soft_wrap=True)
    if len(value) > SHOWN_BYTES:
        console.print(Text(f"… the first {SHOWN_BYTES} of {len(value)} bytes"))


def render_replayed(console: Console, done: Replayed) -> None:
    """Print what a replay sent, left out and could not send."""
    console.print(Text(f"{done.sent.total()} records sent{_counts(done.sent)}"))
    if done.repeated:
        console.print(Text(f"{done.repeated} dead letters of a record that was sent already were left out"))
    for letter, error in done.refused:
        console.print(Text(f"refused: {letter.place}: {error}", "red"), soft_wrap=True)


def _counts(counter: Counter[str]) -> str:
    return "".join(f"{', ' if n else ': '}{name} {count}" for n, (name, count) in enumerate(counter.most_common()))


def _rfc3339(at: int) -> str:
    at = min(max(at, 0), LATEST_MS)  # a stranger's record can carry any time
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _printable(raw: bytes) -> str:
    # What strangers sent must not steer the terminal.
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
