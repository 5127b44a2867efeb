"""Native blocks get the frame of a newer protocol without losing a byte."""

import chdb
import pytest

from streams.embedded import native

INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
TYPES = {
    "UInt8": "number",
    "Int128": "-toInt128(number)",
    "Bool": "number % 2 = 0",
    "Float64": "number / 7",
    "Decimal(9, 6)": "number",
    "Decimal(38, 6)": "number",
    "DateTime('UTC')": "number",
    "DateTime64(3, 'Europe/Oslo')": "number",
    "Enum8('a(,' = 0, 'it\\'s' = 1, 'c' = 2)": "number",
    "UUID": "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'",
    "FixedString(3)": "'abc'",
    "String": "repeat('ø', number * 100)",
    "Nullable(String)": "if(number = 1, NULL, 'x')",
    "Array(String)": "range(number)",
    "Array(Array(Nullable(UInt16)))": "arrayMap(i -> range(i), range(number))",
    "Map(String, Array(Decimal(9, 6)))": "map('a', [number], 'b', [])",
    "Tuple(UInt8, String)": "(number, 'x')",
    "Tuple(a UInt8, `b c` Nullable(String))": "(number, NULL)",
    "LowCardinality(String)": "toString(number)",
    "LowCardinality(Nullable(String))": "if(number = 1, NULL, 'x')",
    "Array(LowCardinality(String))": "range(number)",
    "Map(LowCardinality(String), LowCardinality(String))": "map(number, 'x')",
    "IPv6": "'::1'",
}


def select(sql: str) -> bytes:
    stream: bytes = chdb.query(sql, "Native").bytes()
    return stream


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_ends_where_the_next_column_begins(kind: str) -> None:
    cast = kind.replace("'", "\\'") if "\\" not in kind else kind.replace("\\", "\\\\").replace("'", "\\'")
    stream = select(f"SELECT CAST({TYPES[kind]}, '{cast}') AS c, number AS last FROM numbers(3)")
    middle = b"\x04last\x06UInt64"
    first, last = stream.split(middle)
    mark = first.index(b"\x01c") + 2
    mark += 1 + first[mark]
    marked = INFO + first[:mark] + b"\x00" + first[mark:] + middle + b"\x00" + last
    assert native.framed(stream, 54460) == marked
    assert native.framed(stream, 54405) == INFO + stream
    assert native.framed(stream, 0) == stream


def test_several_blocks_are_each_framed() -> None:
    stream = select("SELECT number, 'x' FROM numbers(4) SETTINGS max_block_size = 1")
    framed = native.framed(stream, 54405)
    assert len(framed) == len(stream) + 4 * len(INFO)
    assert framed.replace(INFO, b"") == stream


def test_a_block_without_rows_names_its_columns() -> None:
    columns = [("a", "LowCardinality(String)"), ("é", "Map(LowCardinality(Nullable(FixedString(3))), UInt8)")]
    block = native.without_rows(columns)
    assert block == b"\x02\x00\x01a\x06String\x02\xc3\xa9\x26Map(Nullable(FixedString(3)), UInt8)".replace(
        b"\x26", b"\x24"
    )
    assert native.framed(block, 54460).startswith(INFO + b"\x02\x00\x01a\x06String\x00")


def test_a_type_that_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match=r"AggregateFunction\(uniq, UInt64\)"):
        native.framed(select("SELECT uniqState(number) FROM numbers(3)"), 54405)
