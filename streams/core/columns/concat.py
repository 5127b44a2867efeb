"""Columns of several partitions as one, so that a flush inserts once into each table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streams.core.columns.column import Coded, Column, Columns, Ragged, Rows
from streams.core.columns.dictionary import Dictionary


def joined(parts: Sequence[Rows]) -> dict[str, Columns]:
    """The rows of all parts, by table."""
    tables = dict.fromkeys(table for rows in parts for table in rows)
    return {table: _table([rows[table] for rows in parts if table in rows]) for table in tables}


def _table(parts: Sequence[Columns]) -> Columns:
    return parts[0] if len(parts) == 1 else {name: _column([part[name] for part in parts]) for name in parts[0]}


def _column(parts: Sequence[Any]) -> Column:
    first = parts[0]
    if isinstance(first, Coded):
        return _coded(parts)
    if isinstance(first, Ragged):
        return _ragged(parts)
    if isinstance(first, Mapping):
        return {key: _ragged([part[key] for part in parts]) for key in first}
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    return [value for part in parts for value in part]


def _ragged(parts: Sequence[Ragged]) -> Ragged:
    ends = np.cumsum([0, *(part.offsets[-1] for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, ends[:-1], strict=True)]
    return Ragged(np.concatenate([[0], *offsets]), _column([part.values for part in parts]))


def _coded(parts: Sequence[Coded]) -> Coded:
    words = Dictionary[str]()
    codes = [words.codes(part.words)[part.codes] for part in parts]
    return Coded(np.concatenate(codes), words.words)
