"""A partition and what our own code fails on: a dead letter, no restore each, and nothing that others see."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from streams.core.events.batch import Batch
from streams.core.journal.segment import Segment, SegmentKey
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.kafka.segment_codec import packed
from streams.worker import partition, work
from streams.worker.ledgers.proxy import LedgerStatus, applied
from streams.worker.partition import Partition
from streams.worker.watch import defects
from tests.support.messages import NOON, order, touch
from tests.support.worker.partition_owner import Owner, touches


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
