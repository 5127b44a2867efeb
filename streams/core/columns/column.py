"""Columns: what is written, and what is kept, as one sequence a name in place of an object a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Coded:
    """`n` strings, few of them distinct: row `i` is `words[codes[i]]`."""

    codes: NDArray[np.integer[Any]]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ragged:
    """`n` sequences of any length: row `i` is `values[offsets[i]:offsets[i + 1]]`; `offsets` are `n + 1`, from 0."""

    offsets: NDArray[np.int64]
    values: Column


Column: TypeAlias = "NDArray[Any] | Sequence[str] | Sequence[int | None] | Coded | Ragged | Mapping[str, Ragged]"
Columns: TypeAlias = Mapping[str, Column]
Rows: TypeAlias = Mapping[str, Columns]


def row_count(columns: Columns) -> int:
    """The number of rows in `columns`. Raises ValueError when there is no column or they are not equally long."""
    counts = {name: _length(column) for name, column in columns.items() if not _is_empty_map(column)}
    if len(set(counts.values())) != 1:
        raise ValueError(f"columns must be equally long, they are: {counts}")
    return next(iter(counts.values()))


def _is_empty_map(column: Column) -> bool:
    """A map without keys fits any number of rows."""
    return isinstance(column, Mapping) and not column


def _length(column: Column) -> int:
    if isinstance(column, Coded):
        return len(column.codes)
    if isinstance(column, Ragged):
        return len(column.offsets) - 1
    if isinstance(column, Mapping):
        return row_count(column)
    return len(column)
