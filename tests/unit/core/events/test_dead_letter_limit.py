import pytest

from streams.core.events.dead_letter_limit import WINDOW, DeadLetterLimit, Limits

BATCH = 100


def stopped_after(limits: Limits, batches: list[tuple[int, int]]) -> int | None:
    """How many batches (records, dead letters) it took."""
    limit = DeadLetterLimit(limits)
    return next((n for n, batch in enumerate(batches, 1) if limit.add(*batch)), None)


def test_a_share_counts_only_over_enough_records() -> None:
    limits = Limits(ratio=0.9, consecutive=0)
    assert stopped_after(limits, [(BATCH, BATCH)] * 20) == WINDOW // BATCH
    assert stopped_after(limits, [(WINDOW - 1, WINDOW - 1)]) is None
    assert stopped_after(limits, [(1, 1)] * WINDOW) == WINDOW


@pytest.mark.parametrize(("dead", "after"), [(90, None), (91, 10)])
def test_the_share_itself_is_allowed(dead: int, after: int | None) -> None:
    assert stopped_after(Limits(ratio=0.9, consecutive=0), [(BATCH, dead)] * 100) == after


def test_only_the_last_records_count() -> None:
    good, bad = [(BATCH, 0)] * 500, [(BATCH, BATCH)] * 20
    assert stopped_after(Limits(ratio=0.9, consecutive=0), good + bad) == 500 + 10
    assert stopped_after(Limits(ratio=0.9, consecutive=0), (bad[:9] + good[:1]) * 50) is None
    assert stopped_after(Limits(ratio=0.9, consecutive=0), [*good, (5000, 4600)]) == 501


def test_a_row_ends_with_any_other_record() -> None:
    limits = Limits(ratio=0, consecutive=300)
    assert stopped_after(limits, [(BATCH, BATCH)] * 10) == 4
    assert stopped_after(limits, [*[(BATCH, BATCH)] * 3, (BATCH, BATCH - 1)] * 10) is None


def test_batches_without_records_change_nothing() -> None:
    assert stopped_after(Limits(), [(0, 0)] * 2000) is None
    assert stopped_after(Limits(ratio=0, consecutive=3), [(2, 2), (0, 0), (2, 2)]) == 3


def test_zero_is_no_limit() -> None:
    assert stopped_after(Limits(ratio=0, consecutive=0), [(WINDOW, WINDOW)] * 100) is None


def test_it_says_what_was_too_much_and_what_sets_it() -> None:
    assert DeadLetterLimit(Limits(0.9, 0)).add(1000, 950) == "950 of the last 1000 records (MAALSTROM_DLQ_RATIO is 0.9)"
    said = DeadLetterLimit(Limits(0, 5)).add(7, 7)
    assert said == "7 records in a row (MAALSTROM_DLQ_CONSECUTIVE is 5)"
