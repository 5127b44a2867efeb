"""A whole pipeline under test: real broker, real ClickHouse, real workers, and the reference to hold them to.

A test makes a `Rig`, sends records, starts workers, breaks things, and at the end calls `settle`: it waits until
everything is read and the tables equal the reference for what the topics hold, and accounts for every record.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import cramjam

from deploy.kafka.broker import free_ports
from streams.core.catalogue.parse import parse
from streams.core.events.topics import FORWARDED, dead_letters_of, journal_topic
from streams.core.journal import segment
from streams.core.journal.chunks import is_chunk, suffixes
from streams.core.journal.segment import Segment, SegmentKey, valid
from streams.core.parsing.limits import LIMIT
from streams.kafka import dlq
from streams.kafka.topics import Layout, create, lag, partition_of
from streams.simulate import Scenario, catalogue_text, generate
from streams.sinks.clickhouse import client as clickhouse
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record, Stored, send, stored
from tests.integration.support.written import Tables, differences, read_tables, summary, wrongly_restated
from tests.oracle import Result
from tests.support.databases import migrate
from tests.support.judged import Judgement, expected, judged

TOKEN_KEY = "a secret of the tests"
SESSION_S = 6  # until a worker that is silent loses its partitions; the shortest that brokers allow
EVENTS = ("events", "engagement", "checkout", "identity")
DAYS = 30
AHEAD_S = 3600  # how far ahead of now an event may be
_SEGMENT_KEY = struct.Struct(">Iqqq")  # partition, hour, epoch, sequence
_databases = itertools.count(1)

GroupPartition = tuple[str, int, int]


def first_day() -> date:
    """The first day of the simulated period: it is over, and inside the retention."""
    return datetime.now(UTC).date() - timedelta(days=DAYS + 5)


def simulated(events: int, seed: int, **scenario: Any) -> list[Record]:
    """A seeded campaign month, in the order of arrival."""
    month = Scenario(events=events, seed=seed, start=first_day(), days=DAYS, **scenario)
    return [Record(record.topic, record.key.encode(), record.value) for record in generate(month)]


@dataclass(frozen=True)
class Account:
    """Where the records went: read, among them dead letters, and dead letters that were written more than once."""

    records: int
    dead: int
    repeated: int


class Rig:
    """One pipeline on topics of its own (the broker's others are gone) and a database of its own."""

    def __init__(
        self,
        bootstrap: str,
        server: str,
        folder: Path,
        partitions: int = 2,
        replication: int = 1,
        token_key: str = TOKEN_KEY,
    ) -> None:
        """`server` is the DSN of a ClickHouse server, without a database."""
        self.bootstrap = bootstrap
        self.folder = folder
        self.database = f"rig_{next(_databases)}"
        # A group of its own: members of an earlier test that died may still hold theirs.
        self.layout = Layout(app_id=self.database, partitions=partitions, replication=replication)
        self.dsn, self.token_key = f"{server}/{self.database}", token_key
        self.catalogue_text = catalogue_text(first_day(), DAYS)
        self.catalogue = parse(self.catalogue_text)
        self.workers: list[Worker] = []

    def __enter__(self) -> Self:
        (self.folder / "catalogue.toml").write_text(self.catalogue_text, "utf-8")
        create(self.bootstrap, self.layout)
        with clickhouse.connect(self.dsn) as client:
            migrate(client)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.end()

    def worker(self, clickhouse_port: int | None = None, **env: str) -> Worker:
        """Make a worker, not started, with an empty disk of its own.

        `clickhouse_port` is that of a proxy before ClickHouse; `env` is added to its environment.
        """
        name = f"worker-{len(self.workers) + 1}"
        settings = {
            "BROKER_URL": f"kafka://{self.bootstrap}",
            "MAALSTROM_CLICKHOUSE": self._through(clickhouse_port),
            "MAALSTROM_CATALOGUE": str(self.folder / "catalogue.toml"),
            "MAALSTROM_TOKEN_KEY": self.token_key,
            "MAALSTROM_APP_ID": self.layout.app_id,
            "MAALSTROM_DATADIR": str(self.folder / name),
            "MAALSTROM_FLUSH_SECONDS": "0.2",
            "BROKER_SESSION_TIMEOUT": f"{SESSION_S}",
            "BROKER_HEARTBEAT_INTERVAL": "1",
            **env,
        }
        worker = Worker(self.folder / f"{name}.log", free_ports(1)[0], settings)
        self.workers.append(worker)
        return worker

    def _through(self, port: int | None) -> str:
        if port is None:
            return self.dsn
        parts = urlsplit(self.dsn)
        return parts._replace(netloc=f"127.0.0.1:{port}").geturl()

    def send(self, records: Iterable[Record], **how: str) -> int:
        """Send records; `how` is that of `records.send`."""
        return send(self.bootstrap, records, **how)

    def behind(self, topics: Sequence[str] = (*EVENTS, FORWARDED)) -> int:
        """Records of those topics that the group has still to commit."""
        return sum(row.lag for row in lag(self.bootstrap, self.layout.app_id, topics))

    def void_segments(self) -> int:
        """Segments in the journal's topic, as far as it is not compacted, that were written too late to count."""
        found: defaultdict[int, dict[SegmentKey, Segment]] = defaultdict(dict)
        for record in stored(self.bootstrap, journal_topic(self.layout.app_id)):
            if record.key and record.value and not is_chunk(record.key) and not suffixes(record.value):
                key = SegmentKey(*_SEGMENT_KEY.unpack(record.key)[1:])
                found[record.partition][key] = segment.decode(bytes(cramjam.zstd.decompress(record.value)))
                found[record.partition][key].since = -1  # what was merged did count
        return sum(len(segments) - len(valid(segments)) for segments in found.values())

    def tables(self) -> Tables:
        """What is in ClickHouse now, past any proxy."""
        with clickhouse.connect(self.dsn) as client:
            return read_tables(client)

    def wrongly_restated(self, again: int = 0) -> list[str]:
        """Where restatements do not lead from what was first reported to what is known now; so many first reports may
        be of partitions that did not know of each other."""
        with clickhouse.connect(self.dsn) as client:
            return wrongly_restated(client, again)

    def _reported_again(self, records: Iterable[Stored]) -> int:
        """How many orders at the most are first reported once more, since another partition has a buyer of theirs."""
        homes: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for record in records:
            if record.topic != "checkout" or self._reason(record):
                continue
            for name, order_id, token in self._judged(record).completed:
                home = partition_of((token or order_id).encode(), self.layout.partitions or 1)
                homes[name, order_id].add(home)
        return sum(len(each) - 1 for each in homes.values())

    def records(self) -> list[Stored]:
        """Every event that the topics hold."""
        return [record for topic in EVENTS for record in stored(self.bootstrap, topic)]

    def expected(self, records: Iterable[Stored]) -> Result:
        """The reference's tables for these records."""
        usable = [(record.topic, record.value) for record in records if not self._reason(record)]
        return expected(usable, self.catalogue_text)

    def _reason(self, record: Stored) -> str:
        """Why the record must be a dead letter, or ''; what the reference, which has no clock and sees no key, cannot
        know included."""
        if record.value is not None and len(record.value) + len(record.key or b"") > LIMIT:
            return "oversized"
        judgement = self._judged(record)
        ahead = judgement.latest > (time.time() + AHEAD_S) * 1000
        return judgement.reason or ("malformed" if ahead else "")

    def _judged(self, record: Stored) -> Judgement:
        return judged(record.topic, record.value, self.catalogue_text)

    def settle(self, timeout: float = 120) -> Account:
        """Wait until all is read, equals the reference and stays so; then account for every record.

        Nothing may be sent meanwhile. Fails the test, with the differences and what the workers said last, when that
        is not so after `timeout` seconds.
        """
        records = self.records()
        wanted, again = self.expected(records), self._reported_again(records)
        deadline = time.monotonic() + timeout
        self._until(lambda: self._problems(wanted, again), deadline)
        # A zombie or a late flush would show up now.
        time.sleep(1)
        problems = self._problems(wanted, again)
        assert not problems, "it was equal and is no longer: " + problems
        return self.account(records)

    def _problems(self, wanted: Result, again: int) -> str:
        if behind := self.behind():
            return f"{behind} records are not committed"
        lines = differences(self.tables(), wanted, self.token_key.encode()) + self.wrongly_restated(again)
        return summary(lines) if lines else ""

    def _until(self, problems: Callable[[], str], deadline: float) -> None:
        while found := problems():
            if time.monotonic() > deadline:
                said = "\n".join(f"--- {worker.log.name}:\n{worker.tail()}" for worker in self.workers)
                raise AssertionError(f"{found}\n{said}")
            time.sleep(0.25)

    def account(self, records: Iterable[Stored]) -> Account:
        """Hold every record to its fate: a dead letter with its reason, key and bytes, or none (invariant I7)."""
        count = 0
        wanted: dict[GroupPartition, tuple[str, bytes | None, bytes | None]] = {}
        for count, record in enumerate(records, 1):  # noqa: B007
            if reason := self._reason(record):
                wanted[record[:3]] = (reason, *_sendable(record.key, record.value))
        letters = list(dlq.read(self.bootstrap, EVENTS, dlq.Filter()))
        found = {_source(letter): (letter.reason, *_sendable(letter.key, letter.value)) for letter in letters}
        wrong = [place for place in wanted.keys() | found.keys() if wanted.get(place) != found.get(place)]
        assert not wrong, f"{len(wrong)} records are not accounted for: {sorted(wrong)[:5]}"
        return Account(count, len(wanted), len(letters) - len(found))


def _sendable(key: bytes | None, value: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Key and value as a dead letter has them: Python's clients refuse a record with neither."""
    return key, b"" if key is value is None else value


def _source(letter: dlq.DeadLetterRecord) -> GroupPartition:
    failure = letter.failure
    assert failure is not None, f"{letter.place} has not the headers of a dead letter"
    assert dead_letters_of(failure.source_topic) == letter.topic, f"{letter.place} is in the wrong topic"
    return failure.source_topic, failure.source_partition, failure.source_offset
