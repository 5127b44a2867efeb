"""Numbers told apart by a table are those told apart by sorting them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.dictionary import distinct


@given(st.lists(st.integers(0, 50) | st.integers(0, 2**62), max_size=40))
def test_distinct_numbers_are_as_when_sorted(numbers: list[int]) -> None:
    found, place = distinct(np.array(numbers, np.int64))
    assert found.tolist() == sorted(set(numbers))
    assert found[place].tolist() == numbers
