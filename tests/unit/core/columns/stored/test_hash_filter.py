"""The filter never misses a hash that it has, and rarely takes another for one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.stored.hash_filter import BITS, HashFilter

HASHES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3))


@given(st.lists(HASHES), HASHES)
def test_all_that_were_added_may_be_in_it(parts: list[list[int]], others: list[int]) -> None:
    some = HashFilter.sized(sum(map(len, parts)))
    for part in parts:
        some.mark(np.array(sorted(part), np.uint64))
    asked = np.array([*others, *(each for part in parts for each in part)], np.uint64)
    assert set(range(len(others), len(asked))) <= set(some.at(asked).tolist())


def test_few_of_the_others_look_as_if_they_were_in_it() -> None:
    rng, number = np.random.default_rng(1), 100_000
    some = HashFilter.sized(number)
    some.mark(np.sort(rng.integers(0, 2**64, number, dtype=np.uint64)))
    assert len(some.at(rng.integers(0, 2**64, number, dtype=np.uint64))) < number / 50
    assert some.words.nbytes * 8 < number * (BITS + 1)


def test_an_empty_one_has_nothing() -> None:
    assert HashFilter.sized(0).at(np.array([0, 1, 2**64 - 1], np.uint64)).tolist() == []
