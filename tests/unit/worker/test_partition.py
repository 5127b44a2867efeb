"""A partition at work: what it journals, merges and drops, and that its next owner has the same figures."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import cramjam
import pytest

from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import SegmentKey
from streams.core.parsing.units import HOUR
from streams.core.privacy.requests import request
from streams.worker import compaction
from streams.worker.ledgers import proxy
from streams.worker.ledgers.errors import LedgerDroppedError
from streams.worker.partition import JournalError
from streams.worker.ports import RevokedError
from tests.support.driver import KEY
from tests.support.messages import NOON, identify, order, refund, touch
from tests.support.worker.partition_owner import Died, Owner, touches


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
