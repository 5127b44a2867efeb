import numpy as np
import pytest

from streams.core.columns.column import Coded, Column, Ragged, row_count
from streams.core.rows.tables import TABLES, Table

ONE = np.array([1])
PAIR = Ragged(np.array([0, 0, 1]), ONE)


@pytest.mark.parametrize(
    "column",
    [np.array([1, 2]), ["a", "b"], Coded(np.array([0, 0]), ["a"]), PAIR, {"last": PAIR, "first": PAIR}, [None, 3]],
)
def test_every_form_of_column_knows_its_rows(column: Column) -> None:
    assert row_count({"column": column, "version": np.array([1, 1]), "no_keys": {}}) == 2


def test_columns_of_different_lengths_are_named() -> None:
    with pytest.raises(ValueError, match=r"'a': 1, 'b': 2"):
        row_count({"a": ONE, "b": ["x", "y"]})


def test_ragged_columns_of_a_map_must_agree() -> None:
    with pytest.raises(ValueError, match=r"'first': 1, 'last': 2"):
        row_count({"credit": {"first": Ragged(np.array([0, 1]), ONE), "last": PAIR}})


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_key_and_version_are_columns(table: Table) -> None:
    assert set(table.key) <= set(table.columns)
    if "version" in table.engine:
        assert list(table.columns)[-1] == "version"
        assert "version" not in table.key
