"""Some rows of columns of any kind."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from streams.core.columns.arrays import I64, Mask
from streams.core.columns.column import Coded, Column, Columns, Ragged


def selected(columns: Columns, mask: Mask) -> Columns:
    """The rows that the mask is true for; {} where there are none."""
    at = np.flatnonzero(mask)
    return {name: _taken(column, at) for name, column in columns.items()} if len(at) else {}


def _taken(column: Column, at: I64) -> Column:
    if isinstance(column, Coded):
        return Coded(column.codes[at], column.words)
    if isinstance(column, Mapping):
        return {key: _of_ragged(each, at) for key, each in column.items()}
    if isinstance(column, Ragged):
        return _of_ragged(column, at)
    if isinstance(column, np.ndarray):
        return column[at]
    return [column[i] for i in at.tolist()]


def _of_ragged(column: Ragged, at: I64) -> Ragged:
    bounds = list(pairwise(column.offsets.tolist()))
    lengths = [bounds[i][1] - bounds[i][0] for i in at.tolist()]
    inside = [np.arange(*bounds[i]) for i in at.tolist()]
    return Ragged(np.cumsum([0, *lengths]), _taken(column.values, np.concatenate([np.zeros(0, np.int64), *inside])))
