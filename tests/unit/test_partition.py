"""A partition at work: what it journals, merges and drops, and that its next owner has the same figures."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import cramjam
import pytest

from streams import partition
from streams.core.admission import Batch, DeadLetter
from streams.core.erasure import request
from streams.core.ledger import HOUR, Applied, Ledger
from streams.core.routing import Forward
from streams.core.rules import Rules
from streams.core.segment import SegmentKey
from streams.core.tokens import Tokens
from streams.ledgers import Ledgers, Standing, applied
from streams.partition import Partition
from tests.driver import CATALOGUE, KEY
from tests.messages import DAY, NOON, identify, order, refund, touch
from tests.tables import Database


class Journal:
    """Segments of one partition, durable at once."""

    def __init__(self) -> None:
        self.kept: dict[SegmentKey, bytes] = {}
        self.left: int | None = None  # writes until the process dies

    async def append(self, _: int, key: SegmentKey, value: bytes) -> None:
        if self.left == 0:
            raise RuntimeError("the process died")
        self.left = None if self.left is None else self.left - 1
        self.kept[key] = value

    async def remove(self, _: int, keys: Sequence[SegmentKey]) -> None:
        for key in keys:
            del self.kept[key]

    def segments(self, _: int) -> list[tuple[SegmentKey, bytes]]:
        return sorted(self.kept.items(), key=lambda item: item[0][1:])


class Outbox:
    """Records that were sent."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters

    async def forward(self, _: Sequence[Forward]) -> None: ...


class Owner:
    """A worker with one partition, its clock in our hands, and the database it writes to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ledgers: Ledgers) -> None:
        self.ledgers = ledgers
        self.now, self.journal, self.outbox, self.database = NOON, Journal(), Outbox(), Database()
        monkeypatch.setattr(partition, "now_ms", lambda: self.now)
        self.restart()

    def restart(self) -> None:
        self.partition = Partition(0, self.ledgers.of(0), KEY, self.journal, self.outbox)
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
def ledgers(request: pytest.FixtureRequest) -> Iterator[Ledgers]:
    kept = Ledgers(Rules(CATALOGUE, KEY, retention=45 * DAY), 1, request.param)
    yield kept
    asyncio.run(kept.close())


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, ledgers: Ledgers) -> Owner:
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
    for i in range(partition.RUN):
        owner.take("engagement", *touches(i, 1))
    taken = owner.snapshot()
    owner.partition.closed = True
    owner.journal.kept.clear()
    owner.write(taken)
    assert not owner.journal.kept


def defective(ledger: Ledger, batch: Batch, now: int) -> tuple[Applied, Standing]:
    """`applied`, with a defect."""
    if any(b"defect" in (value or b"") for value in batch.values):
        raise ZeroDivisionError
    return applied(ledger, batch, now)


def test_what_our_own_code_fails_on_is_a_dead_letter_and_the_rest_is_taken_in(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "applied", defective)
    owner.take("engagement", *touches(0, 3))
    owner.take("engagement", *touches(3, 2), touch("defect", NOON), *touches(5, 2))
    owner.flush()
    assert owner.engagement() == 7
    (letter,) = owner.outbox.letters
    assert (letter.offset, letter.reason, letter.error) == (5, "internal", "ZeroDivisionError: ")
    owner.restart()
    owner.flush()
    assert (owner.partition.offsets["engagement"], owner.engagement()) == (8, 7)


def test_a_partition_that_is_lost_while_a_defect_is_mended_leaves_nothing(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "applied", defective)
    segments, acknowledged = owner.journal.segments, list[bool]()

    def revoked(number: int) -> list[tuple[SegmentKey, bytes]]:
        owner.partition.close()
        return segments(number)

    monkeypatch.setattr(owner.journal, "segments", revoked)
    batch = Batch("engagement", [touch("defect", NOON)], [None], [0])
    assert asyncio.run(owner.partition.take(batch, 0.0, lambda: acknowledged.append(True))) == []
    assert (acknowledged, owner.outbox.letters, owner.journal.kept) == ([], [], {})


def test_what_was_interrupted_is_seen_by_nobody_until_it_is_read_again(owner: Owner) -> None:
    """A worker that ends because of one partition breaks off what it does for the others, and flushes once more."""

    async def breaks_off(*_: object) -> None:
        raise asyncio.CancelledError

    owner.take("engagement", touch("t", NOON - 1, user="u1"))
    append, owner.journal.append = owner.journal.append, breaks_off  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        owner.take("checkout", order("c", NOON, "o", 100, user="u1"))
    owner.journal.append = append  # type: ignore[method-assign]
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
    assert owner.partition.segments <= partition.RUN + 2 + raw // partition.SMALL
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
        with suppress(RuntimeError):
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
