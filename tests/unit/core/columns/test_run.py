"""Runs: arrays sorted by message key, with the rows of each user listed beside, whatever is merged into them."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.message_ids import Keys
from streams.core.columns.run import (
    EPOCH_BITS,
    KeyedRows,
    Run,
    concatenated,
    contains,
    first_of_each,
    key_order,
    none,
    rows_of,
    rows_of_users,
    slices,
    sorted_run,
    times,
)

EPOCH = 417  # of the year 2026
START = EPOCH << EPOCH_BITS
Row = tuple[int, int, int, int, int, int]  # user, time, kind, high, low, form
ROW = st.tuples(
    *(st.integers(0, 4), st.integers(START, START + 9), st.integers(0, 3)),
    *(st.integers(0, 3), st.integers(0, 2**64 - 1) | st.integers(0, 3), st.integers(0, 2)),
)


def touches(rows: Sequence[Row]) -> KeyedRows:
    user, time, kind, high, low, form = zip(*rows, strict=True) if rows else ((),) * 6
    keys = Keys(np.array(high, np.uint64), np.array(low, np.uint64), np.array(form, np.uint8))
    return KeyedRows(np.array(user, np.uint64), np.array(time, np.int64), np.array(kind, np.uint32), keys)


def rows(batch: KeyedRows) -> list[Row]:
    return list(zip(*(column.tolist() for column in (*batch[:3], *batch.keys)), strict=True))


def run(given_rows: Sequence[Row]) -> Run:
    batch = touches(given_rows)
    return sorted_run(batch.take(key_order(batch.keys)), EPOCH)


@given(st.lists(ROW))
def test_a_run_gives_back_its_rows_in_the_order_of_their_keys(given_rows: list[Row]) -> None:
    found = rows(rows_of(run(given_rows)))
    assert sorted(found) == sorted(given_rows)
    assert [row[4] for row in found] == sorted(row[4] for row in given_rows)


@given(st.lists(ROW), st.lists(ROW))
def test_a_run_contains_the_keys_it_was_given_and_no_others(inside: list[Row], asked: list[Row]) -> None:
    keys = touches([*inside, *asked]).keys
    order = key_order(keys)
    known = {(row[3], row[4]) for row in inside}
    wanted = [(int(keys.high[i]), int(keys.low[i])) in known for i in order]
    assert contains(run(inside), keys.low[order], keys.high[order]).tolist() == wanted


@given(st.lists(ROW))
def test_the_first_of_each_key_is_the_one_that_came_first(given_rows: list[Row]) -> None:
    keys = touches(given_rows).keys
    order = key_order(keys)
    ordered = keys.take(order)
    assert ordered.low.tolist() == sorted(keys.low.tolist())
    first: dict[tuple[int, int], int] = {}
    for i, row in enumerate(given_rows):
        first.setdefault((row[3], row[4]), i)
    assert set(order[first_of_each(ordered)].tolist()) == set(first.values())


def test_rows_are_found_by_user() -> None:
    some = run([(5, START + 2, 1, 0, 20, 0), (9, START, 2, 0, 10, 0), (5, START + 1, 3, 0, 30, 1)])
    found, owner = rows_of_users(some, np.array([5, 7], np.uint64))
    assert rows(found) == [(5, START + 2, 1, 0, 20, 0), (5, START + 1, 3, 0, 30, 1)]
    assert owner.tolist() == [0, 0]


def test_times_come_back_whole_from_the_first_to_the_last_ms_of_an_epoch() -> None:
    last = START + (1 << EPOCH_BITS) - 1
    some = run([(1, START, 0, 0, 1, 0), (1, last, 0, 0, 2, 0)])
    assert times(some).tolist() == [START, last]


@pytest.mark.parametrize(("most", "width"), [(16_383, 2), (16_384, 4)])
def test_kinds_take_two_bytes_until_there_are_too_many(most: int, width: int) -> None:
    some = run([(1, START, 0, 0, 1, 2), (1, START, most, 0, 2, 1)])
    assert some.kind.itemsize == width
    assert rows(rows_of(some)) == [(1, START, 0, 0, 1, 2), (1, START, most, 0, 2, 1)]


def test_no_rows_at_all_are_rows_too() -> None:
    assert rows(concatenated([none(), touches([(1, START, 1, 1, 1, 1)]), none()])) == [(1, START, 1, 1, 1, 1)]
    assert rows(rows_of(run([]))) == []


def test_slices_are_the_numbers_of_every_range() -> None:
    starts, ends = np.array([3, 7, 7, 0]), np.array([5, 7, 8, 2])
    assert slices(starts, ends).tolist() == [3, 4, 7, 0, 1]
    assert slices(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []
