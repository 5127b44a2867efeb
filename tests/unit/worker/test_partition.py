"""A partition at work: what it journals, merges and drops, and that its next owner has the same figures."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import cramjam
import pytest

from streams.core.events.batch import Batch, Forward
from streams.core.events.watermark import DeadLetter
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import Segment, SegmentKey
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import HOUR, Applied
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import request
from streams.kafka.segment_codec import packed
from streams.worker import compaction, partition, work
from streams.worker.ledgers import proxy
from streams.worker.ledgers.errors import LedgerDroppedError
from streams.worker.ledgers.proxy import LedgerPool, LedgerStatus, applied
from streams.worker.partition import JournalError, Partition
from streams.worker.ports import RevokedError
from streams.worker.watch import defects
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import DAY, NOON, identify, order, refund, touch
from tests.support.tables import Database


class Died(BaseException):
    """The process did."""


class Journal:
    """Segments of one partition, durable at once."""

    def __init__(self) -> None:
        self.kept: dict[SegmentKey, bytes] = {}
        self.left: int | None = None  # writes until the process dies

    async def append(self, _: int, key: SegmentKey, value: bytes) -> None:
        if self.left == 0:
            raise Died
        self.left = None if self.left is None else self.left - 1
        self.kept[key] = value

    async def remove(self, _: int, keys: Sequence[SegmentKey]) -> None:
        for key in keys:
            del self.kept[key]

    async def discard_remains(self, _: int) -> None: ...

    def segments(self, _: int, only: Collection[SegmentKey] | None = None) -> Iterator[tuple[SegmentKey, bytes]]:
        kept = self.kept.items() if only is None else [(key, self.kept[key]) for key in only]
        yield from sorted(kept, key=lambda item: item[0][1:])

    def place(self, partition: int, key: SegmentKey) -> str:
        return f"journal/{partition} offset 17, segment {tuple(key)}"


class Producer:
    """Records that were sent."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def send_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters

    async def forward(self, _: Sequence[Forward]) -> None: ...


class Owner:
    """A worker with one partition, its clock in our hands, and the database it writes to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ledgers: LedgerPool) -> None:
        self.ledgers = ledgers
        self.now, self.journal, self.producer, self.database = NOON, Journal(), Producer(), Database()
        monkeypatch.setattr(partition, "now_ms", lambda: self.now)
        self.restart()

    def restart(self) -> None:
        self.partition = Partition(0, self.ledgers.of(0), self.journal, self.producer)
        asyncio.run(self.partition.restore())

    def take(self, topic: str, *values: bytes) -> None:
        offset = self.partition.offsets.get(topic, 0)
        batch = Batch(topic, values, [None] * len(values), range(offset, offset + len(values)))
        asyncio.run(self.partition.take(batch, 0.0, lambda: None))

    def snapshot(self) -> Any:
        return asyncio.run(self.partition.snapshot())

    def write(self, taken: Any) -> None:
        if taken:
            self.database.write(taken.rows)
            self.partition.written(taken.sequence)
        asyncio.run(self.partition.tidy())

    def flush(self) -> None:
        self.write(self.snapshot())

    def engagement(self) -> int:
        return sum(self.database.engagement_counts().values())


@pytest.fixture(scope="module", params=[0, 1], ids=["here", "elsewhere"])
def ledgers(request: pytest.FixtureRequest) -> Iterator[LedgerPool]:
    kept = LedgerPool(LedgerSettings(CATALOGUE, KEY, retention=45 * DAY), 1, request.param)
    yield kept
    asyncio.run(kept.close())


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, ledgers: LedgerPool) -> Owner:
    return Owner(monkeypatch, ledgers)


def touches(first: int, count: int, form: str = "t{}") -> list[bytes]:
    return [touch(form.format(i), NOON, user=f"u{i % 50}") for i in range(first, first + count)]


def test_small_segments_are_merged_and_the_next_owner_has_the_same(owner: Owner) -> None:
    for i in range(200):
        owner.take("engagement", *touches(i, 1))
        owner.flush()
    assert owner.partition.segments < 64
    owner.restart()
    owner.flush()
    assert owner.engagement() == owner.partition.standing.size[0] == 200


def test_a_partition_that_was_lost_while_rows_were_written_is_not_tidied(owner: Owner) -> None:
    for i in range(compaction.RUN):
        owner.take("engagement", *touches(i, 1))
    taken = owner.snapshot()
    owner.partition.close()
    owner.journal.kept.clear()
    owner.write(taken)
    assert not owner.journal.kept


def defective(ledger: Ledger, batch: Batch, now: int, hour: int) -> tuple[Applied, LedgerStatus]:
    """`applied`, with a defect."""
    if any(b"defect" in (value or b"") for value in batch.values):
        raise ZeroDivisionError
    return applied(ledger, batch, now, hour)


def test_what_our_own_code_fails_on_is_a_dead_letter_and_the_rest_is_taken_in(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "applied", defective)
    owner.take("engagement", *touches(0, 3))
    owner.take("engagement", *touches(3, 2), touch("defect", NOON), *touches(5, 2))
    owner.flush()
    assert owner.engagement() == 7
    (letter,) = owner.producer.letters
    assert (letter.offset, letter.reason, letter.error) == (5, "internal", "ZeroDivisionError: ")
    owner.restart()
    owner.flush()
    assert (owner.partition.offsets["engagement"], owner.engagement()) == (8, 7)


def only_together(ledger: Ledger, batch: Batch, now: int, hour: int) -> tuple[Applied, LedgerStatus]:
    """`applied`, with a defect that shows where the ledger knows something."""
    if ledger.size[0] and any(b"defect" in (value or b"") for value in batch.values):
        raise ZeroDivisionError
    return applied(ledger, batch, now, hour)


@pytest.mark.parametrize("defective", [defective, only_together])
def test_defects_cost_no_restore_each(owner: Owner, monkeypatch: pytest.MonkeyPatch, defective: Any) -> None:
    """60 records that our own code fails on: the state is made anew once, or where it is needed to find them, once in
    a while."""
    restores, waits = 0, list[float]()
    restore = Partition.restore

    async def counted(partition: Partition) -> None:
        nonlocal restores
        restores += 1
        await restore(partition)

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        monkeypatch.setattr(defects.Defects, "wait", 0.0)

    monkeypatch.setattr(Partition, "restore", counted)
    monkeypatch.setattr(asyncio, "sleep", wait)
    monkeypatch.setattr(work, "applied", defective)
    owner.take("engagement", *touches(0, 3))
    records = [touch(f"defect-{i}", NOON) for i in range(3 if defective is only_together else 60)]
    for i, record in enumerate(records):
        owner.take("engagement", *touches(10 + 2 * i, 1), record, *touches(11 + 2 * i, 1))
    owner.flush()
    assert owner.engagement() == 3 + 2 * len(records)
    assert [letter.reason for letter in owner.producer.letters] == ["internal"] * len(records)
    assert (restores, bool(waits)) == ((1, False) if defective is not only_together else (3 * len(records), True))


def test_what_cannot_be_journalled_is_a_dead_letter(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpackable(segment: Segment) -> tuple[bytes, int]:
        if any(b"t-bad" in text.encode() for _, _, text in segment.texts):
            raise OverflowError("an integer of 70 bits")
        return packed(segment)

    monkeypatch.setattr(partition, "packed", unpackable)
    monkeypatch.setattr(defects, "APART", 0.0)
    owner.take("engagement", *touches(0, 1), touch("t-bad" + "-" * 40, NOON), *touches(1, 1))
    owner.flush()
    assert (owner.engagement(), [letter.offset for letter in owner.producer.letters]) == (2, [1])


def test_a_partition_that_is_lost_while_a_defect_is_mended_leaves_nothing(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "applied", defective)
    segments, acknowledged = owner.journal.segments, list[bool]()

    def revoked(number: int) -> Iterator[tuple[SegmentKey, bytes]]:
        owner.partition.close()
        return segments(number)

    monkeypatch.setattr(owner.journal, "segments", revoked)
    batch = Batch("engagement", [touch("defect", NOON)], [None], [0])
    assert asyncio.run(owner.partition.take(batch, 0.0, lambda: acknowledged.append(True))) == []
    assert (acknowledged, owner.producer.letters, owner.journal.kept) == ([], [], {})


def test_a_journal_is_restored_the_same_in_however_many_parts(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(5):
        owner.take("engagement", *touches(i, 1))
    owner.take("checkout", order("o", NOON, "o-1", total=10, user="u1"))
    owner.flush()
    restored = list[tuple[object, ...]]()
    for part in (10**9, 1):
        monkeypatch.setattr(proxy, "PART", part)
        owner.restart()
        has = owner.partition
        assert has.standing.size[0] == 5
        restored.append((has.standing, has.segments, has.offsets, has.newest, has.gap))
    assert restored[0] == restored[1]


def test_a_partition_that_is_lost_while_its_journal_is_read_is_closed(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.take("engagement", *touches(0, 1))
    segments = owner.journal.segments

    def revoked(number: int) -> Iterator[tuple[SegmentKey, bytes]]:
        yield from segments(number)
        raise RevokedError

    monkeypatch.setattr(owner.journal, "segments", revoked)
    with pytest.raises(LedgerDroppedError):
        owner.restart()
    assert owner.partition.closed


def test_what_was_interrupted_is_seen_by_nobody_until_it_is_read_again(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that ends because of one partition breaks off what it does for the others, and flushes once more."""

    async def breaks_off(*_: object) -> None:
        raise asyncio.CancelledError

    owner.take("engagement", touch("t", NOON - 1, user="u1"))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(owner.journal, "append", breaks_off)
        with pytest.raises(asyncio.CancelledError):
            owner.take("checkout", order("c", NOON, "o", 100, user="u1"))
    assert owner.snapshot() is None
    owner.restart()
    owner.take("checkout", order("c", NOON, "o", 100, user="u1"))
    owner.flush()
    assert {amounts[0] for amounts in owner.database.goal_attribution().values()} == {1_000_000}


@pytest.mark.parametrize("form", ["t{}", "ajs-next-1793534400000-45c0ff53-dfe1-4fe2-998c-{:012d}"])
def test_segments_are_merged_however_large_they_are(owner: Owner, form: str) -> None:
    for i in range(60):
        owner.take("engagement", *touches(300 * i, 300, form))
        owner.flush()
    raw = sum(kept.size for kept in owner.partition._kept.values())
    assert owner.partition.segments <= compaction.RUN + 2 + raw // compaction.SMALL
    owner.restart()
    assert owner.partition.standing.size[0] == 300 * 60


def test_hours_are_merged_only_when_all_of_them_is_written(owner: Owner) -> None:
    """At the turn of an hour, one batch of the old hour and one of the new are not written yet."""
    for i in range(40):
        owner.take("engagement", *touches(i, 1))
        if i % 20 == 19:
            owner.flush()
            owner.now += HOUR
    owner.now -= HOUR
    owner.take("engagement", *touches(40, 1))
    taken = owner.snapshot()
    owner.take("engagement", *touches(41, 1))
    owner.now += HOUR
    owner.take("engagement", *touches(42, 1))
    owner.write(taken)
    owner.restart()
    owner.flush()
    assert owner.engagement() == 43


def test_an_idle_owner_does_not_forget_what_is_written(owner: Owner) -> None:
    for hour in range(2):
        for i in range(40):
            owner.take("engagement", *touches(40 * hour + i, 1))
        owner.flush()
        owner.now += HOUR
    owner.flush()
    owner.now += HOUR
    for _ in range(3):
        owner.restart()
        owner.flush()
    assert owner.engagement() == 80
    rows = owner.database.tables["engagement_counts"].values()
    assert sorted(row["events"] for row in rows) == [40, 40]


def restated(owner: Owner) -> set[str]:
    return {key[-1] for key in owner.database.goal_restatements()}


def test_the_next_owner_restates_for_the_same_cause(owner: Owner) -> None:
    """Also where the last one looked again, found nothing new and left no statement that would say so."""
    owner.take("engagement", touch("a", NOON - 1, user="u1"))
    owner.take("checkout", order("c", NOON, "o", 100, user="u1"))
    owner.flush()
    owner.take("identity", identify("i", NOON, "nobody", "u1"))
    owner.flush()
    owner.restart()
    owner.take("engagement", touch("late", NOON, "paper", user="u1"))
    owner.restart()
    owner.flush()
    assert restated(owner) == {"late_touch"}


def test_restatements_of_the_open_hour_are_as_they_were_through_merges_and_restarts(owner: Owner) -> None:
    owner.take("checkout", order("c", NOON, "o", 100, user="u1"))
    for i in range(120):
        owner.take("engagement", touch(f"t{i}", NOON - 120 + i, f"campaign-{i % 3}", user="u1"))
        if i % 40 == 20:
            owner.take("checkout", refund(f"r{i}", NOON, "o", total=1))
        owner.flush()
    wanted = owner.database.goal_restatements()
    assert restated(owner) == {"late_touch", "reversal"}
    owner.database.tables["goal_restatements"] = {}
    owner.restart()
    owner.flush()
    assert owner.database.goal_restatements() == wanted


def test_an_order_counts_once_through_merges_and_restarts(owner: Owner) -> None:
    owner.take("checkout", order("c", NOON, "o", 100, user="u1"))
    for i in range(120):
        owner.take("engagement", touch(f"t{i}", NOON - 120 + i, f"campaign-{i % 3}", user="u1"))
        owner.flush()
        if i % 25 == 24:
            owner.now += HOUR
            owner.restart()
    owner.flush()
    last = {k: v for k, v in owner.database.goal_attribution().items() if k[2] == "last" and v[0]}
    assert [(key[3], amounts[0]) for key, amounts in last.items()] == [("campaign-2", 1_000_000)]


def test_who_is_erased_leaves_the_journal_wherever_the_worker_dies(owner: Owner) -> None:
    def erase() -> None:
        owner.take("engagement", *touches(0, 40), touch("t-u", NOON - HOUR, user="u"))
        owner.take("checkout", order("o", NOON, "o", user="u"))
        owner.flush()
        owner.take("erasures", request(Tokens(KEY).hash("u")))
        owner.flush()

    for writes in count():
        owner.journal.kept.clear()
        owner.restart()
        owner.journal.left = writes
        with suppress(Died):
            erase()
            break
        owner.journal.left = None
        owner.restart()
        owner.take("erasures", request(Tokens(KEY).hash("u")))
        for _ in range(2):
            owner.now += HOUR
            owner.flush()
        assert not traces(owner)
    assert not traces(owner)
    assert [row["reason"] for row in owner.database.tables["conversions"].values()] == ["erased"]


def traces(owner: Owner) -> list[SegmentKey]:
    """The segments that have the hash of `u`."""
    number = Tokens(KEY).hash("u")
    forms = number.to_bytes(8, "little"), number.to_bytes(8, "big")
    raws = {key: bytes(cramjam.zstd.decompress(value)) for key, value in owner.journal.kept.items()}
    return [key for key, raw in raws.items() if any(form in raw for form in forms)]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"garbage", r"it is no segment of maalstrom .*\. The state would be wrong, so nothing was done\. If somebody"),
        (bytes(cramjam.zstd.compress(b"ms\x01nothing")), r"it is damaged, or not ours .*\. The state would be wrong"),
        (bytes(cramjam.zstd.compress(b"ms\x07\x90")), r"a newer maalstrom wrote it \(form 7, .*\): start that one$"),
    ],
)
def test_a_segment_that_cannot_be_read_is_refused_with_its_place(owner: Owner, value: bytes, why: str) -> None:
    owner.take("engagement", *touches(0, 3))
    owner.journal.kept[SegmentKey(498853, 1, 0)] = value
    with pytest.raises(JournalError, match=r"^journal/0 offset 17, segment \(498853, 1, 0\): " + why):
        owner.restart()
