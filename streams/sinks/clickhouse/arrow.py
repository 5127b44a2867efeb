"""Columns of `core.rows` as one Arrow stream: what ClickHouse takes in fastest, embedded and over HTTP alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streams.core.columns.column import Coded, Column, Columns, Ragged, row_count
from streams.core.rows.tables import Table

_INTEGERS = {"UInt8": np.uint8, "UInt32": np.uint32, "UInt64": np.uint64}
_LOWER = 2**64 - 1  # the lower 64 bits
_LATEST_SECOND = 2**32 - 1
_LATEST_DAY = 2**16 - 1


def arrow_stream(table: Table, columns: Columns) -> bytes:
    """`columns` as an Arrow IPC stream in the order of `table`.

    Raises ValueError that names the table when columns are missing, unknown, of different lengths or out of range.
    """
    if columns.keys() != table.columns.keys():
        wrong = sorted(columns.keys() ^ table.columns.keys())
        raise ValueError(f"{table.name}: columns missing or not declared: {', '.join(wrong)}")
    rows = row_count(columns)
    arrays = [_named(table.name, name, kind, columns[name], rows) for name, kind in table.columns.items()]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(table.columns))
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, batch.schema) as stream:
        stream.write_batch(batch)
    content: bytes = out.getvalue().to_pybytes()
    return content


def _named(table: str, name: str, kind: str, column: Column, rows: int) -> pa.Array:
    try:
        return _array(kind, column, rows)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{table}.{name} ({kind}): {error}") from error


def _array(kind: str, column: Any, rows: int) -> pa.Array:
    outer, _, inner = kind.partition("(")
    inner = inner.removesuffix(")")
    if outer == "Nullable":
        return _nullable(inner, column)
    if outer == "Array":
        return _lists(inner, column)
    if outer == "Map":
        return _map(inner.removeprefix("String, Array(").removesuffix(")"), column, rows)
    if outer in ("String", "LowCardinality"):
        return _strings(column)
    return _numbers(kind, outer, np.ascontiguousarray(column))


def _numbers(kind: str, outer: str, values: NDArray[Any]) -> pa.Array:
    if outer == "Decimal":
        return _decimals(int(kind[len("Decimal(") :].partition(",")[0]), values)
    if outer == "DateTime64":
        return pa.array(values.astype(np.int64, copy=False)).view(pa.timestamp("ms", "UTC"))
    if outer == "DateTime":
        return pa.array(_within(values, _LATEST_SECOND).astype(np.uint32))
    if outer == "Date":
        return pa.array(_within(values, _LATEST_DAY).astype(np.int32)).view(pa.date32())
    if outer == "Date32":
        return pa.array(values.astype(np.int32)).view(pa.date32())
    return pa.array(values.astype(_INTEGERS[kind], copy=False))


def _within(values: NDArray[Any], latest: int) -> NDArray[Any]:
    """ClickHouse would wrap around silently."""
    if len(values) and not (values.min() >= 0 and values.max() <= latest):
        raise ValueError(f"{values.min()} to {values.max()} is not within 0 to {latest} since the epoch")
    return values


def _decimals(precision: int, millionths: NDArray[Any]) -> pa.Array:
    """A 128-bit decimal is two 64-bit words; of a number of 64 bits the higher one is only the sign."""
    if len(millionths) and max(abs(int(millionths.min())), int(millionths.max())) >= 10**precision:
        raise ValueError(f"{millionths.min()} to {millionths.max()} millionths are too large")
    words = np.empty((len(millionths), 2), np.int64)
    words[:, 0] = (millionths & _LOWER).astype(np.uint64).view(np.int64) if millionths.dtype == object else millionths
    words[:, 1] = millionths >> (64 if millionths.dtype == object else 63)
    return pa.Array.from_buffers(pa.decimal128(precision, 6), len(millionths), [None, pa.py_buffer(words)])


def _strings(column: Coded | Sequence[str]) -> pa.Array:
    if isinstance(column, Coded):
        codes = pa.array(column.codes.astype(np.int32, copy=False))
        return pa.DictionaryArray.from_arrays(codes, pa.array(list(column.words), pa.string()))
    return pa.array(column, pa.string())


def _nullable(inner: str, column: Sequence[int | None]) -> pa.Array:
    filled = _array(inner, np.array([value or 0 for value in column], np.int64), len(column))
    return pc.if_else(pa.array([value is not None for value in column], pa.bool_()), filled, None)


def _lists(inner: str, column: Ragged) -> pa.Array:
    return pa.ListArray.from_arrays(_offsets(column.offsets), _array(inner, column.values, int(column.offsets[-1])))


def _offsets(offsets: NDArray[Any]) -> pa.Array:
    return pa.array(offsets.astype(np.int32))


def _map(inner: str, column: Mapping[str, Ragged], rows: int) -> pa.Array:
    """Arrow keeps a map row by row, so the sequences of its keys are interleaved: row 0's of each key, row 1's …"""
    keys, width = list(column), len(column)
    every_row = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    names = pa.DictionaryArray.from_arrays(np.tile(np.arange(width, dtype=np.int32), rows), pa.array(keys, pa.string()))
    items = _lists(inner, _interleaved(list(column.values()), rows))
    return pa.MapArray.from_arrays(every_row, names.dictionary_decode(), items)


def _interleaved(columns: list[Ragged], rows: int) -> Ragged:
    lengths = [np.diff(column.offsets) for column in columns]
    offsets = np.zeros(rows * len(columns) + 1, np.int64)
    if columns:
        np.cumsum(np.stack(lengths, axis=1).ravel(), out=offsets[1:])
    values = np.empty(offsets[-1], np.int64)
    for position, (column, length) in enumerate(zip(columns, lengths, strict=True)):
        shift = offsets[position : -1 : len(columns)] - column.offsets[:-1]
        values[np.arange(int(column.offsets[-1])) + np.repeat(shift, length)] = np.asarray(column.values)
    return Ragged(offsets, values)
