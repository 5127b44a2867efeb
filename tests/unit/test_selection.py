"""Rows of columns of any kind, selected by a mask: as from a list of rows."""

from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.column import Coded, Column, Ragged
from streams.core.columns.selection import selected

WORDS = ["a", "b", "c"]
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.lists(st.integers(0, 2), max_size=3)), max_size=8)


def plain(column: Column) -> list[object]:
    if isinstance(column, Coded):
        return [column.words[code] for code in column.codes]
    if isinstance(column, Ragged):
        values = plain(column.values)
        return [values[a:b] for a, b in zip(column.offsets[:-1], column.offsets[1:], strict=True)]
    assert not isinstance(column, dict)
    return list(column)


@given(ROWS)
def test_columns_of_every_kind_keep_the_rows_of_the_mask(rows: list[tuple[bool, int, list[int]]]) -> None:
    numbers = np.array([code for _, code, _ in rows], np.int64)
    lists = [inside for *_, inside in rows]
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    ragged = Ragged(offsets, Coded(np.array(list(chain.from_iterable(lists)), np.int64), WORDS))
    columns: dict[str, Column] = {
        "number": numbers,
        "word": Coded(numbers, WORDS),
        "text": [WORDS[n] for n in numbers],
        "list": ragged,
    }
    mask = np.array([kept for kept, *_ in rows], bool)
    found = selected({**columns, "map": {"x": ragged}}, mask)
    if not mask.any():
        assert found == {}
        return
    for name, column in columns.items():
        assert plain(found[name]) == [row for row, kept in zip(plain(column), mask, strict=True) if kept]
    inside = found["map"]
    assert isinstance(inside, dict)
    assert plain(inside["x"]) == plain(found["list"])
