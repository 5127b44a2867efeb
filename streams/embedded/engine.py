"""The embedded ClickHouse engine (chDB) of one folder, for statements as they arrive over HTTP."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from streams.embedded import confinement, native
from streams.sinks.clickhouse.folder_lock import owner

_TOKEN = re.compile(
    rb"""\s+ | --[^\n]* | /\*.*?\*/ | '(?:[^'\\]|\\.)*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")
_ASSIGNED = re.compile(rb"\s+\w+\s*=")
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMAT_CLAUSE = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^()]*)?;?\s*$", re.IGNORECASE)
_WITH_RESULT = (b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS", b"CHECK", b"KILL")
_BAD_ARGUMENTS, _ACCESS_DENIED = 36, 497
_LONGEST_SECONDS = "300"
_TAG = "query_cache_tag"  # a text that is without effect here, and that the list of what runs shows


class EngineError(Exception):
    """A statement was refused. The text is ClickHouse's own: `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`."""

    @property
    def code(self) -> int:
        """ClickHouse's error code."""
        found = re.search(r"Code: (\d+)", str(self))
        return int(found[1]) if found else 1002


def bad_arguments(message: str) -> EngineError:
    """The error for a request that does not reach the engine."""
    return EngineError(f"Code: {_BAD_ARGUMENTS}. DB::Exception: {message}. (BAD_ARGUMENTS)")


def too_large(message: str) -> EngineError:
    """The error for a request of more than is taken at once."""
    return EngineError(f"Code: 307. DB::Exception: {message}. (TOO_MANY_BYTES)")


def too_many(message: str) -> EngineError:
    """The error for a request that got no turn."""
    return EngineError(f"Code: 202. DB::Exception: {message}; try again later. (TOO_MANY_SIMULTANEOUS_QUERIES)")


def too_slow(message: str) -> EngineError:
    """The error for a request that does not come to its end."""
    return EngineError(f"Code: 159. DB::Exception: {message}. (TIMEOUT_EXCEEDED)")


def not_implemented(what: str) -> EngineError:
    """The error for what a ClickHouse server can do and this one cannot."""
    return EngineError(f"Code: 48. DB::Exception: not supported by the embedded server: {what}. (NOT_IMPLEMENTED)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with what came with it; `settings` and `parameters` hold the texts of the request."""

    text: bytes
    database: str = ""
    default_format: str = "TabSeparated"
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    protocol_version: int = 0
    tag: str = ""

    @property
    def inserts(self) -> bool:
        """Whether it brings data."""
        return _first_word(self.text) == b"INSERT"


@dataclass(frozen=True, slots=True)
class Answer:
    """`format` is '' when the statement has no result."""

    body: bytes
    format: str
    read_rows: int
    read_bytes: int
    written_rows: int


class Engine:
    """The engine; statements may run in several threads at once, each on a handle, and so with settings, of its own."""

    def __init__(self, path: str | Path, allow_sources: bool = False) -> None:
        """Open, or create, the folder; `allow_sources` lets statements reach files, addresses and programs outside.

        Raises EngineError when another process has it open.
        """
        self._path = str(Path(path).resolve())
        self._confined = not allow_sources
        if (pid := owner(self._path)) is not None:
            raise EngineError(f"process {pid} has {self._path} open, and the folder belongs to one; stop that process")
        try:
            Path(self._path).mkdir(parents=True, exist_ok=True)
            address = confinement.address if self._confined else confinement.unconfined
            self._open = chdb.connect(address(self._path))
            if self._confined:
                confinement.confine(self._open)
        except (chdb.ChdbError, RuntimeError, OSError) as error:
            raise EngineError(str(error)) from error

    def run(self, statement: Statement) -> Answer:
        """Run one statement; raises EngineError."""
        try:
            with closing(chdb.connect(self._path)) as handle:
                if self._confined or statement.read_only:
                    _refuse_outside(handle, statement)
                _prepare(handle, statement)
                return _run(handle, statement)
        except (chdb.ChdbError, RuntimeError) as error:
            raise EngineError(str(error)) from error

    def cancel(self, tag: str) -> None:
        """Stop the statement with this tag, if it is running; raises EngineError."""
        try:
            with closing(chdb.connect(self._path)) as handle:
                handle.query(f"KILL QUERY WHERE Settings['{_TAG}'] = {_quoted(tag, chr(39))} ASYNC", "Null")
        except (chdb.ChdbError, RuntimeError) as error:
            raise EngineError(str(error)) from error

    def close(self) -> None:
        """Let go of the folder."""
        self._open.close()


def _refuse_outside(handle: Any, statement: Statement) -> None:
    text, data_format, data = split_insert(statement.text)
    if data_format:
        text += b" FORMAT " + data_format.encode()
    if data_format.lower() != "values":
        data = b"" if data_format else _values(text)
    if what := confinement.reaches_outside(handle, text, data):
        raise EngineError(
            f"Code: {_ACCESS_DENIED}. DB::Exception: {what} reaches outside of the database; "
            "`maalstrom clickhouse --allow-sources` lets statements do so. (ACCESS_DENIED)"
        )


def _values(text: bytes) -> bytes:
    """What follows the VALUES of an insert."""
    ends = [end for word, _, end in _tokens(text) if word == b"VALUES"]
    return text[ends[0] :] if ends and _first_word(text) == b"INSERT" else b""


def _prepare(handle: Any, statement: Statement) -> None:
    """The session of this one statement. Inserts are durable when they return; read_only comes last, it locks."""
    if statement.database:
        handle.query(f"USE {_quoted(statement.database, '`')}", "Null")
    settings = {"async_insert": "0", "max_execution_time": _LONGEST_SECONDS, **statement.settings}
    if statement.tag:
        settings[_TAG] = statement.tag
    if statement.read_only:
        settings["readonly"] = "2"
    for name in settings:
        if not _SETTING_NAME.fullmatch(name):
            raise bad_arguments(f"{name!r} is not the name of a setting")
    handle.query("SET " + ", ".join(f"{name} = {_quoted(value, chr(39))}" for name, value in settings.items()), "Null")


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _run(handle: Any, statement: Statement) -> Answer:
    insert, data_format, data = split_insert(statement.text)
    if data_format:
        return _insert(handle, insert, data_format, data)
    result = handle.query(statement.text, statement.default_format, params=dict(statement.parameters))
    body = result.bytes()
    chosen = _FORMAT_CLAUSE.search(statement.text)
    name = chosen[1].decode() if chosen else statement.default_format
    has_result = body or _first_word(statement.text) in _WITH_RESULT
    if name == "Native" and has_result:
        body = _native(handle, statement, body)
    return Answer(body, name if has_result else "", result.rows_read(), result.bytes_read(), result.rows_written())


def _native(handle: Any, statement: Statement, body: bytes) -> bytes:
    """The engine writes nothing for no rows, where a server writes the names and types of the columns."""
    if not body and _first_word(statement.text) in (b"SELECT", b"WITH"):
        bare = _FORMAT_CLAUSE.sub(b"", statement.text).rstrip(b" \t\r\n;")
        described = handle.query(b"DESCRIBE TABLE (" + bare + b"\n)", "JSONCompact", params=dict(statement.parameters))
        body = native.without_rows((name, kind) for name, kind, *_ in json.loads(described.bytes())["data"])
    try:
        return native.framed(body, statement.protocol_version)
    except ValueError as error:
        raise not_implemented(str(error)) from error


def _insert(handle: Any, insert: bytes, data_format: str, data: bytes) -> Answer:
    """As a file in memory: the engine's own stream of an insert tells nobody what fails while it writes."""
    with os.fdopen(os.memfd_create("insert"), "wb", buffering=0) as file:
        written = 0
        while written < len(data):
            written += file.write(memoryview(data)[written:])
        text = _from_file(insert, f"/proc/self/fd/{file.fileno()}".encode())
        rows = handle.query(text + b" FORMAT " + data_format.encode(), "Null").rows_written()
    return Answer(b"", "", rows, len(data), rows)


def _from_file(insert: bytes, path: bytes) -> bytes:
    """`INSERT … SETTINGS …` with the place of its data between the two."""
    starts = [start for word, start, end in _tokens(insert) if word == b"SETTINGS" and _ASSIGNED.match(insert, end)]
    at = starts[-1] if starts else len(insert)
    return insert[:at] + b"\nFROM INFILE '" + path + b"' COMPRESSION 'none' " + insert[at:]


def split_insert(text: bytes) -> tuple[bytes, str, bytes]:
    """`INSERT … FORMAT name data` as (`INSERT …`, name, data); name is '' for every other statement.

    The data starts after the first newline that only blanks precede, else after the blanks, as in ClickHouse.
    """
    tokens = _tokens(text)
    if next(tokens, (b"", 0, 0))[0] != b"INSERT":
        return text, "", b""
    for word, start, _ in tokens:
        if word in (b"SELECT", b"VALUES", b"WITH"):
            break
        if word == b"FORMAT":
            _, name_at, end = next(tokens, (b"", len(text), len(text)))
            blanks = _BEFORE_DATA.match(text, end)
            return text[:start], text[name_at:end].decode(), text[blanks.end() if blanks else end :]
    return text, "", b""


def _first_word(text: bytes) -> bytes:
    return next((word for word, _, _ in _tokens(text.lstrip(b"( \n\t"))), b"")


def _tokens(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The plain words outside quotes, comments and parentheses, in upper case, each with where it is."""
    depth = 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        depth += (word == b"(") - (word == b")")
        if depth == 0 and (word[:1].isalpha() or word[:1] == b"_"):
            yield word.upper(), token.start(), token.end()
