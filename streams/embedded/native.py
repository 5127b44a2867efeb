"""ClickHouse's Native format, as clients of a newer protocol expect it.

The engine writes blocks without the frame that a client asks for by `client_protocol_version`. To put it around them
is to know where each column ends. The layout is that of `NativeWriter` and the `Serialization…` classes in ClickHouse's
source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Not an overflow row, not from two-level aggregation: field 1, field 2, end.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_WITH_SERIALIZATION_KIND = 54454
_DEFAULT_SERIALIZATION = b"\x00"
_SIZES = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Enum16", "Date", "BFloat16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "Decimal32", "IPv4", "Time"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Decimal64", "Time64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "Decimal128", "UUID", "IPv6"), 16),
    **dict.fromkeys(("Int256", "UInt256", "Decimal256"), 32),
}
_DECIMAL_SIZES = ((9, 4), (18, 8), (38, 16), (76, 32))
_ARGUMENT = re.compile(r"(?:[^,()']|'(?:[^'\\]|\\.)*'|\((?:[^()']|'(?:[^'\\]|\\.)*'|\((?:[^()]|\([^()]*\))*\))*\))+")
_LOW_CARDINALITY = re.compile(r"LowCardinality\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")


def without_rows(columns: Iterable[tuple[str, str]]) -> bytes:
    """A block of no rows, by the names and types of its columns."""
    header = [_text(name) + _text(_LOW_CARDINALITY.sub(r"\1", kind)) for name, kind in columns]
    return _number(len(header)) + _number(0) + b"".join(header)


def framed(stream: bytes, revision: int) -> bytes:
    """The engine's blocks as those of `revision`. Raises ValueError for a type whose layout is not known here."""
    if revision <= 0:
        return stream
    kind_mark = _DEFAULT_SERIALIZATION if revision >= _WITH_SERIALIZATION_KIND else b""
    out = bytearray()
    at = 0
    while at < len(stream):
        columns, after = _read_number(stream, at)
        rows, after = _read_number(stream, after)
        out += _BLOCK_INFO + stream[at:after]
        for _ in range(columns):
            at = after
            _, after = _read_text(stream, at)
            kind, after = _read_text(stream, after)
            out += stream[at:after] + kind_mark
            at, after = after, _skip(kind, rows, stream, after + _prefix(kind, rows))
            out += stream[at:after]
        at = after
    return bytes(out)


def _prefix(kind: str, rows: int) -> int:
    """A version for each LowCardinality in the type comes before everything else."""
    return 8 * kind.count("LowCardinality(") if rows else 0


def _skip(kind: str, rows: int, stream: bytes, at: int) -> int:
    """Where a column of `rows` values that starts at `at` ends."""
    outer, _, inner = kind.partition("(")
    arguments = [argument.strip() for argument in _ARGUMENT.findall(inner[:-1])]
    if outer == "String":
        return _skip_texts(rows, stream, at)
    if outer == "LowCardinality":
        return _skip_words(arguments[0], stream, at) if rows else at
    if outer == "Nullable":
        return _skip(arguments[0], rows, stream, at + rows)
    if outer in ("Array", "Map"):
        return _skip_lists(arguments, rows, stream, at)
    if outer in ("Tuple", "SimpleAggregateFunction"):
        for argument in arguments if outer == "Tuple" else arguments[1:]:
            at = _skip(_unnamed(argument), rows, stream, at)
        return at
    return at + rows * _size(kind, outer, arguments)


def _skip_texts(rows: int, stream: bytes, at: int) -> int:
    for _ in range(rows):
        length = stream[at]
        at += 1
        if length > 127:
            length, at = _read_number(stream, at - 1)
        at += length
    return at


def _skip_words(kind: str, stream: bytes, at: int) -> int:
    """The width of the codes in the low byte of a number, the words, the codes."""
    width = 1 << stream[at]
    words = int.from_bytes(stream[at + 8 : at + 16], "little")
    at = _skip(re.sub(r"^Nullable\((.*)\)$", r"\1", kind), words, stream, at + 16)
    return at + 8 + width * int.from_bytes(stream[at : at + 8], "little")


def _skip_lists(arguments: list[str], rows: int, stream: bytes, at: int) -> int:
    """The end of each row's values, then the values."""
    after = at + 8 * rows
    values = int.from_bytes(stream[after - 8 : after], "little") if rows else 0
    for argument in arguments:
        after = _skip(argument, values, stream, after)
    return after


def _unnamed(element: str) -> str:
    """An element of a tuple is `type` or `name type`."""
    return re.sub(r"^(?:`(?:[^`\\]|\\.)*`|\w+) +(?=\w)", "", element)


def _size(kind: str, outer: str, arguments: list[str]) -> int:
    if outer == "FixedString":
        return int(arguments[0])
    if outer == "Decimal":
        return next(size for precision, size in _DECIMAL_SIZES if int(arguments[0]) <= precision)
    if outer.startswith("Interval"):
        return 8
    if outer not in _SIZES:
        raise ValueError(f"the type {kind} in format Native of this protocol version")
    return _SIZES[outer]


def _read_number(stream: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    number = shift = 0
    while True:
        byte = stream[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def _read_text(stream: bytes, at: int) -> tuple[str, int]:
    length, at = _read_number(stream, at)
    return stream[at : at + length].decode(errors="replace"), at + length


def _number(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _text(text: str) -> bytes:
    content = text.encode()
    return _number(len(content)) + content
