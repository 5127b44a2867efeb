"""Keyed sums: absolute ones, and only those that changed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.keyed_sums import KeyedSums, WideSums

AMOUNT = st.integers(-(2**40), 2**40)
BATCH = st.lists(st.tuples(st.integers(0, 9), AMOUNT, AMOUNT), max_size=8)


def add(tally: KeyedSums, keys: list[int], amounts: list[list[int]]) -> None:
    tally.add(np.array(keys, np.int64), np.array(amounts or np.zeros((0, 2)), np.int64))


def taken(tally: KeyedSums) -> dict[int, list[int]]:
    keys, sums = tally.take_changed()
    return dict(zip(keys.tolist(), sums.tolist(), strict=True))


def test_what_changed_is_given_once_with_its_whole_sum() -> None:
    tally = KeyedSums(2)
    add(tally, [7, 3, 7], [[1, 10], [2, 20], [3, 30]])
    assert taken(tally) == {3: [2, 20], 7: [4, 40]}
    assert taken(tally) == {}
    add(tally, [3, 5], [[-2, 1], [9, 9]])
    assert taken(tally) == {3: [0, 21], 5: [9, 9]}


def test_what_is_back_where_it_was_has_changed_all_the_same() -> None:
    tally = KeyedSums(1)
    add(tally, [1, 1], [[5], [-5]])
    assert taken(tally) == {1: [0]}


def test_an_empty_tally_has_nothing_to_give() -> None:
    tally = KeyedSums(4)
    assert taken(tally) == {}
    tally.add(np.zeros(0, np.int64), np.zeros((0, 4), np.int64))
    keys, sums = tally.take_changed()
    assert (keys.shape, sums.shape) == ((0,), (0, 4))


def test_very_many_additions_are_summed_on_the_way() -> None:
    tally = KeyedSums(1)
    for start in range(0, 200_000, 50_000):
        tally.add(np.arange(start, start + 50_000) % 70_000, np.ones((50_000, 1), np.int64))
    keys, sums = tally.take_changed()
    assert np.array_equal(keys, np.arange(70_000))
    assert np.array_equal(sums[:, 0], np.where(keys < 60_000, 3, 2))


@given(st.lists(st.tuples(BATCH, st.booleans()), max_size=6))
def test_sums_are_those_of_a_dict(steps: list[tuple[list[tuple[int, int, int]], bool]]) -> None:
    tally, sums, changed = KeyedSums(2), dict[int, list[int]](), set[int]()
    for batch, ask in steps:
        add(tally, [key for key, *_ in batch], [amounts for _, *amounts in batch])
        for key, *amounts in batch:
            sums[key] = [a + b for a, b in zip(sums.get(key, [0, 0]), amounts, strict=True)]
            changed.add(key)
        if ask:
            assert taken(tally) == {key: sums[key] for key in changed}
            changed.clear()


GIANT = st.integers(-(10**18) + 1, 10**18 - 1)


@given(st.lists(st.lists(st.tuples(st.integers(0, 2), GIANT, GIANT), max_size=30), max_size=6))
def test_sums_are_exact_beyond_64_bits(batches: list[list[tuple[int, int, int]]]) -> None:
    tally, sums = WideSums(2), dict[int, list[int]]()
    for batch in batches:
        amounts = np.array([both for _, *both in batch] or np.zeros((0, 2)), np.int64)
        tally.add(np.array([key for key, *_ in batch], np.int64), amounts)
        for key, *both in batch:
            sums[key] = [a + b for a, b in zip(sums.get(key, [0, 0]), both, strict=True)]
        keys, found = tally.take_changed()
        assert dict(zip(keys.tolist(), found.tolist(), strict=True)) == {key: sums[key] for key, *_ in batch}


def test_sums_that_fit_in_64_bits_are_no_python_objects() -> None:
    tally = WideSums(1)
    tally.add(np.array([1, 2, 2]), np.array([[-5], [2**61], [2**61]]))
    assert tally.take_changed()[1].dtype == np.int64
    tally.add(np.array([2]), np.array([[2**62]]))
    assert tally.take_changed()[1].tolist() == [[2**63]]
