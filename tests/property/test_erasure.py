"""Erasure against the naive reference: whatever crashes, who was erased is in no state and no journal."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.events.topics import ERASURES
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import decode, encode, open_since
from streams.core.privacy.requests import apart, request, rewritten, thinned
from tests.conftest import tried
from tests.oracle import Result
from tests.property.test_ledger import CATALOGUE, HOUR, Worker, slow
from tests.support.cluster import PARTITIONS, Cluster
from tests.support.driver import KEY
from tests.support.judged import check, expected
from tests.support.site.site_streams import Stream, site_streams
from tests.support.site.site_words import SOURCES

TOKENS = Tokens(KEY)
PEOPLE = ("u", "v", "w", "x", "y")


class Eraser(Worker):
    """A worker that erases, and follows erasures in its journal."""

    def take(self, topic: str, value: bytes) -> None:
        value = request(TOKENS.hash(value.decode())) if topic == ERASURES else value
        self.feed(topic, self.ledger.offsets.get(topic, 0), [value])

    def follow(self, steps: int) -> None:
        """Write so many of the segments anew that are to be; then the worker dies, or there is no more to do."""
        if self.ledger.pending:
            return
        journal = [(key, decode(value)) for key, value in self.journal]
        opened = open_since((key for key, _ in self.journal), self.flushed, self.now // HOUR)
        due = [*rewritten(journal, self.flushed, self.now // HOUR)] or thinned(journal, opened)
        for key, segment in due[:steps]:
            at = [k for k, _ in self.journal].index(key)
            segment.flushed = self.flushed
            self.journal[at] = key, encode(segment)
        if steps < len(due):
            self.start()

    def compact(self, start: int, end: int, dies: bool = False) -> None:
        if not any(decode(value).erased for _, value in self.journal):
            super().compact(start, end, dies)

    def settle(self) -> None:
        while self.ledger.pending:
            self.flush(most=3)
        self.now += HOUR  # transitions are counted now and then, and hours close
        self.flush()
        self.follow(1000)
        self.now += HOUR
        self.flush()
        self.follow(1000)


def traces(journal: list[tuple[Any, bytes]], *tokens: str) -> list[str]:
    """Those of the tokens that the bytes of a segment have, as a column or as a number."""
    hashes = {token: TOKENS.hash(token) for token in tokens}
    return [
        token
        for token, number in hashes.items()
        for _, value in journal
        if number.to_bytes(8, "little") in value or number.to_bytes(8, "big") in value
    ]


def totals(result: Result) -> dict[tuple[Any, ...], list[int]]:
    """What `goal_attribution` adds up to by goal and model."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for (_, goal, model, *_), amounts in result.goal_attribution.items():
        sums = found.setdefault((goal, model), [0, 0, 0, 0])
        sums[:] = [a + b for a, b in zip(sums, amounts, strict=True)]
    return {key: amounts for key, amounts in found.items() if any(amounts)}


def with_erasures(stream: Stream, random: Random) -> Stream:
    """The stream in any order with some of it again, and people who want to be forgotten in between."""
    mixed = [*stream, *random.sample(stream, len(stream) // 3)]
    mixed += [(ERASURES, random.choice(PEOPLE).encode()) for _ in range(random.randrange(1, 4))]
    random.shuffle(mixed)
    return mixed


@settings(slow, max_examples=tried(60))
@given(site_streams(), st.randoms(use_true_random=False))
def test_who_is_erased_is_nobody_wherever_the_worker_dies(stream: Stream, random: Random) -> None:
    worker, taken = Eraser(), with_erasures(stream, random)
    for topic, value in taken:
        worker.take(topic, value)
        step = random.randrange(10)
        if step == 0:
            worker.start()
        elif step == 1:
            worker.flush(written=False)
        elif step == 2:
            start = random.randrange(len(worker.journal))
            worker.compact(start, start + random.randrange(1, 5))
        elif step == 3:
            worker.now += HOUR
        elif step < 7:
            worker.flush(most=random.choice((1, 2, None)))
            worker.follow(random.randrange(4))
    worker.settle()
    result = expected(taken)
    check(worker.database, result)
    assert totals(result) == totals(expected([record for record in taken if record[0] != ERASURES]))
    worker.start()
    worker.settle()
    check(worker.database, result)


@settings(slow, max_examples=tried(40))
@given(site_streams(), st.sampled_from(PEOPLE), st.randoms(use_true_random=False))
def test_no_trace_is_left_in_the_journal(stream: Stream, person: str, random: Random) -> None:
    worker = Eraser()
    for topic, value in stream:
        worker.take(topic, value)
        if random.random() < 0.2:
            worker.flush(written=random.random() < 0.5)
    worker.take(ERASURES, person.encode())
    if random.random() < 0.5:
        worker.start()
    worker.settle()
    assert traces(worker.journal, person) == []
    worker.start()
    worker.settle()
    assert traces(worker.journal, person) == []
    check(worker.database, expected([*stream, (ERASURES, person.encode())]))
    rows = worker.database.tables["conversions"].values()
    assert TOKENS.hash(person) not in {row["user"] for row in rows}


class Partitions(Cluster):
    """Partitions that erase."""

    def step(self, topic: str, number: int, size: int, durable: bool = True) -> None:
        """As many of the records as are of one sort, with requests to forget or without."""
        part = next(apart(self.batch(topic, number, size)))
        super().step(topic, number, len(part.values), durable)

    def run(self, random: Random) -> None:
        while pending := self.pending():
            self.step(*random.choice(pending), random.randrange(1, 9), durable=random.randrange(7) < 6)
            if random.randrange(5) == 4:
                random.choice((self.flush, self.publish))()
        self.settle()

    def erase(self, person: str, random: Random) -> None:
        """Somebody asks, wherever the person's token lives."""
        self.logs[ERASURES, random.randrange(PARTITIONS)].append((None, request(TOKENS.hash(person)), None))

    def follow(self) -> None:
        """Write the journals anew."""
        for number, journal in self.journals.items():
            assert not self.ledgers[number].pending
            parts = [(key, decode(value)) for key, value in journal]
            for _, part in parts:
                part.flushed = len(parts) - 1
            settled = dict(rewritten(parts, len(parts), self.now // HOUR))
            parts = [(key, settled.get(key, part)) for key, part in parts]
            thin = dict(thinned(parts, self.now // HOUR + 1))
            self.journals[number] = [(key, encode(thin.get(key, part))) for key, part in parts]
        self.now += HOUR


@settings(slow, max_examples=tried(15))
@given(site_streams(), st.sampled_from(PEOPLE), st.randoms(use_true_random=False))
def test_all_partitions_forget(stream: Stream, person: str, random: Random) -> None:
    cluster = Partitions(CATALOGUE, sources=SOURCES)
    for topic, value in stream:
        cluster.send(topic, random.randrange(PARTITIONS), value)
    early = random.random() < 0.5
    if early:  # while what is known of the person is still on its way between partitions
        for _ in range(random.randrange(40)):
            if pending := cluster.pending():
                cluster.step(*random.choice(pending), random.randrange(1, 9))
        cluster.erase(person, random)
    cluster.run(random)
    cluster.erase(person, random)
    cluster.run(random)
    cluster.flush(HOUR)
    for number in cluster.ledgers if random.random() < 0.5 else ():
        cluster.ledgers[number] = cluster.restored(number)
    cluster.flush(HOUR)
    if not early:
        check(cluster.database, expected([*stream, (ERASURES, person.encode())], sources=SOURCES))
    cluster.follow()
    for number, journal in cluster.journals.items():
        assert traces(journal, person) == []
        cluster.ledgers[number] = cluster.restored(number)
    cluster.flush(HOUR)
    if not early:
        check(cluster.database, expected([*stream, (ERASURES, person.encode())], sources=SOURCES))
    assert all(traces(journal, person) == [] for journal in cluster.journals.values())
