"""The ledger against the naive reference, on streams made to meet the contract's edges."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.core.attribution.conversion import Conversion
from streams.core.catalogue.parse import parse
from streams.core.door import sources_toml
from streams.core.events.batch import Batch
from streams.core.journal.coverage import covered
from streams.core.journal.cutting import cut
from streams.core.journal.segment import Segment, SegmentKey, decode, encode, merged, open_since, recoded, valid
from streams.core.journeys.kinds import TouchKinds
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.core.rows.aggregates import Aggregates
from tests.oracle.restatements import Restatements, alike
from tests.support.driver import KEY
from tests.support.judged import check, expected, ids_of, made
from tests.support.site.site_streams import Stream, site_streams
from tests.support.site.site_words import CATALOGUE as TEXT
from tests.support.site.site_words import NOON, SOURCES
from tests.support.tables import Database

CATALOGUE = parse(TEXT)
SITE = sources_toml.parse(SOURCES)
LONG = 10**13  # ms: nothing is ever too late
HOUR = 3_600_000
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Worker:
    """A ledger with its journal and database, driven by hand; it may crash and be restored at any step."""

    def __init__(self) -> None:
        self.journal: list[tuple[SegmentKey, bytes]] = []
        self.database = Database()
        self.outcomes: dict[tuple[str, str, str], int] = {}
        self.epoch = self.sequence = 0
        self.now = NOON + 48 * HOUR
        self.flushed = -1
        self.kinds, self.first = TouchKinds(), dict[tuple[str, str], Conversion]()
        self.start()

    def start(self) -> None:
        """A new owner: everything it knows is in the journal."""
        self.ledger = Ledger(LedgerSettings(CATALOGUE, KEY, retention=LONG, sources=SITE))
        found = {key: decode(value) for key, value in self.journal}
        segments = [(key, found[key]) for key in valid(found)]
        self.journal = [(key, value) for key, value in self.journal if (key, found[key]) in segments]
        assert covered([segment for _, segment in segments]).gap == 0
        self.ledger.restore(segments, self.now)
        self.epoch += 1

    def feed(self, topic: str, offset: int, values: Sequence[bytes]) -> None:
        offsets = range(offset, offset + len(values))
        applied = self.ledger.apply(Batch(topic, values, [None] * len(values), offsets), self.now)
        self.record(applied.segment)
        for outcomes in applied.outcomes:
            for outcome, n in outcomes.counts.items():
                if outcome != "dead_letter":
                    self.count(topic, outcome, "", n)
            for letter in outcomes.dead:
                self.count(topic, "dead_letter", letter.reason, 1)

    def count(self, topic: str, outcome: str, reason: str, n: int) -> None:
        self.outcomes[topic, outcome, reason] = self.outcomes.get((topic, outcome, reason), 0) + n

    def record(self, segment: Segment) -> None:
        for part in cut(segment, 600):
            self.sequence += 1
            part.flushed = self.flushed
            self.journal.append((SegmentKey(self.now // HOUR, self.epoch, self.sequence), encode(part)))

    def flush(self, most: int | None = None, written: bool = True) -> None:
        """Report and write; without `written` the worker dies between the journal and ClickHouse."""
        stated = self.ledger.report(self.now, most)
        new = {now.key for now, before in stated.pairs if before is None}
        self.first |= {s.key: s for s in recoded(stated.segment, self.kinds).statements if s.key in new}
        self.record(stated.segment)
        rows = self.ledger.changes(version=self.epoch << 32 | self.sequence)
        if written:
            self.database.write(rows)
            self.flushed = self.sequence
        else:
            self.start()

    def compact(self, start: int, end: int, dies: bool = False) -> None:
        """Merge neighbouring segments that are written: of one hour, or of hours that are not open. A worker that
        `dies` then leaves them behind."""
        group = self.journal[start:end]
        opened = open_since((key for key, _ in self.journal), self.flushed, self.now // HOUR)
        hours = {key.hour for key, _ in group}
        if group[-1][0].sequence <= self.flushed and (len(hours) == 1 or max(hours) < opened):
            whole = merged([decode(value) for _, value in group], one_hour=len(hours) == 1)
            whole.flushed, whole.since = self.flushed, group[0][0].sequence
            self.journal[start:end] = [*(group[:-1] if dies else ()), (group[-1][0], encode(whole))]
            if dies:
                self.start()

    def lose_open_hour(self) -> None:
        """ClickHouse forgets what was reported in this hour: the next owner writes all of it again."""
        for name in ("goal_attribution", "goal_restatements"):
            rows = self.database.tables[name]
            self.database.tables[name] = {
                k: row for k, row in rows.items() if row["reported_at"] != self.now // HOUR * 3600
            }

    def first_reported(self) -> dict[Any, list[int]]:
        """goal_attribution, had nothing been restated."""
        aggregates, database = Aggregates(self.kinds, "live", 0), Database()
        aggregates.stated(0, [(statement, None) for statement in self.first.values()])
        database.write(aggregates.changes(version=1))
        return database.goal_attribution()


@slow
@given(site_streams(), st.integers(1, 7))
def test_a_replay_equals_the_reference(stream: Stream, size: int) -> None:
    ledger, database = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True, sources=SITE)), Database()
    for topic in dict.fromkeys(name for name, _ in stream):
        values = [value for name, value in stream if name == topic]
        for start in range(0, len(values), size):
            part = values[start : start + size]
            ledger.apply(Batch(topic, part, [None] * len(part), range(start, start + len(part))))
    ledger.report()
    database.write(ledger.changes(version=1))
    result = expected(
        sorted(stream, key=lambda record: list(dict.fromkeys(name for name, _ in stream)).index(record[0]))
    )
    check(database, result)
    letters = ledger.unclaimed()
    assert ids_of(letters, "unknown_order") == result.unknown_orders
    assert ids_of(letters, "currency_mismatch") == result.currency_mismatches


@slow
@given(site_streams())
def test_every_record_is_accounted_for(stream: Stream) -> None:
    worker = Worker()
    for topic, value in stream:
        offset = worker.ledger.offsets.get(topic, 0)
        worker.feed(topic, offset, [value])
    assert worker.outcomes == dict(expected(stream).outcomes)


@slow
@given(site_streams(), st.randoms(use_true_random=False))
def test_any_order_cut_crash_and_merge_gives_the_same(stream: Stream, random: Any) -> None:
    shuffled = [*stream, *random.sample(stream, len(stream) // 3)]
    random.shuffle(shuffled)
    sources = {topic: [v for t, v in shuffled if t == topic] for topic, _ in shuffled}
    worker = Worker()
    for _ in range(200):
        open_ = [topic for topic, values in sources.items() if worker.ledger.offsets.get(topic, 0) < len(values)]
        if not open_:
            break
        topic = random.choice(open_)
        offset = worker.ledger.offsets.get(topic, 0)
        again = max(0, offset - random.randrange(3))  # what was read but not committed comes again
        worker.feed(topic, again, sources[topic][again : offset + random.randrange(1, 6)])
        step = random.randrange(12)
        if step == 0:
            worker.start()
        elif step == 1:
            worker.flush(written=False)
        elif step == 2 and worker.journal[-1][0].sequence > worker.flushed:
            worker.journal.pop()  # never became durable
            worker.start()
        elif step == 3:
            start = random.randrange(len(worker.journal))
            worker.compact(start, start + random.randrange(1, 5), dies=random.random() < 0.5)
        elif step == 4:
            worker.now += HOUR
        elif step < 9:
            worker.flush(most=random.choice((1, 2, None)))
    while worker.ledger.pending:
        worker.flush(most=3)
    worker.now += HOUR  # transitions are counted now and then
    worker.flush()
    result = expected(stream)
    check(worker.database, result)
    letters = worker.ledger.unclaimed()
    assert ids_of(letters, "unknown_order") == result.unknown_orders
    assert ids_of(letters, "currency_mismatch") == result.currency_mismatches
    assert add(worker.first_reported(), worker.database.goal_restatements()) == worker.database.goal_attribution()


def add(first: dict[Any, list[int]], restated: dict[Any, list[int]]) -> dict[Any, list[int]]:
    """First reported, and all differences: what is known now."""
    sums = dict(first)
    for (*cell, _, _), amounts in restated.items():
        sums[tuple(cell)] = [a + b for a, b in zip(sums.get(tuple(cell), [0] * 4), amounts, strict=True)]
    return {cell: amounts for cell, amounts in sums.items() if any(amounts)}


@slow
@given(site_streams(), st.randoms(use_true_random=False))
def test_restatements_and_their_causes_are_those_of_the_reference(stream: Stream, random: Any) -> None:
    worker, reference, arrived = Worker(), Restatements(TEXT, SOURCES, made), list[tuple[str, bytes]]()
    for topic, value in stream:
        worker.feed(topic, worker.ledger.offsets.get(topic, 0), [value])
        arrived.append((topic, value))
        step = random.randrange(8)
        if step == 0:
            worker.start()
        elif step == 1:
            start = random.randrange(len(worker.journal))
            worker.compact(start, start + random.randrange(2, 20), dies=random.random() < 0.5)
        elif step == 2:
            worker.now += HOUR
        elif step < 5:
            worker.flush(written=step == 3)
            reference.report(arrived, worker.now // HOUR * 3600)
    worker.flush()
    reference.report(arrived, worker.now // HOUR * 3600)
    worker.lose_open_hour()
    start = random.choice([i for i, (key, _) in enumerate(worker.journal) if key.hour == worker.now // HOUR])
    worker.compact(start, len(worker.journal), dies=random.random() < 0.5)
    worker.start()
    worker.flush()
    found, wanted = worker.database.goal_restatements(), dict(reference.rows)
    assert worker.database.goal_attribution() == expected(stream).goal_attribution
    assert alike(found, reference.causes) == alike(wanted, reference.causes)
