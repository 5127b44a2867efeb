"""One client for ClickHouse, embedded in this process (chDB) or over HTTP."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from streams.core.rows import TABLES, Columns, row_count
from streams.embedded.folder import owner

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as Driver

DATABASE = "maalstrom"
FORMS = "chdb:///folder, chdb://memory or clickhouse://user:password@host:8123/maalstrom?secure=1"

_HTTP_PORT, _HTTPS_PORT = 8123, 8443
_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 60
_UNKNOWN_TABLE, _UNKNOWN_DATABASE = 60, 81
# Rows are durable when the insert returns, and one replay may span any number of months. Rows of one key are for FINAL
# and for merges to replace: an insert has next to none, and to look for them is a fifth of its cost.
_INSERT = {"async_insert": "0", "max_partitions_per_insert_block": "0", "optimize_on_insert": "0"}

# Its failures are ours to report, once and in one line.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


class DatabaseError(Exception):
    """ClickHouse cannot be reached or refused. `code` is ClickHouse's own error code, None when it did not answer."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code

    @property
    def not_migrated(self) -> bool:
        """The database, or a table of it, does not exist: `maalstrom migrate` has not run."""
        return self.code in (_UNKNOWN_DATABASE, _UNKNOWN_TABLE)


def connect(dsn: str, settings: Mapping[str, str] | None = None) -> Client:
    """The client of a DSN: `chdb:///folder`, `chdb://memory` or `clickhouse://user:password@host:8123/maalstrom?secure=1`.

    Every statement has ClickHouse's `settings`. Nothing is opened before the first use. Raises ValueError, without the
    password, when the DSN has another form.
    """
    parts = _split(dsn)
    if parts.scheme == "chdb":
        return _embedded(parts, settings)
    if parts.scheme == "clickhouse":
        return _over_http(parts, settings)
    raise ValueError(f"a DSN starts with chdb:// or clickhouse://, not {parts.scheme!r}; write {FORMS}")


class Client:
    """A connection to one database. Safe to use from several threads, one statement at a time where it is embedded."""

    def __init__(self, open_driver: Callable[[], Driver], database: str, place: str, folder: str | None = None) -> None:
        self.database = database
        self.place = place
        self._folder = folder
        self._open_driver = open_driver
        self._opening = threading.Lock()
        self._opened: Driver | None = None

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a SELECT, as dicts by column name. Times are aware UTC, decimals are `Decimal`."""
        with self._errors():
            return list(self._driver().query(sql, parameters=dict(parameters or {})).named_results())

    def read(self, sql: str, form: str) -> bytes:
        """The result of a SELECT in one of ClickHouse's formats, as it is."""
        with self._errors():
            return bytes(self._driver().raw_query(sql, fmt=form))

    def command(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """Run a statement that returns nothing."""
        with self._errors():
            self._driver().command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def insert(self, table: str, columns: Columns) -> int:
        """Insert `columns` into a table that `core.rows` declares; returns the number of rows, durable on return."""
        from streams.arrow import arrow_stream

        rows = row_count(columns)
        if rows:
            block = arrow_stream(TABLES[table], columns)
            with self._errors():
                self._driver().raw_insert(table, list(TABLES[table].columns), block, dict(_INSERT), "ArrowStream")
        return rows

    def create_database(self) -> None:
        """Create the database of the DSN where it does not exist."""
        with self._errors():
            if self._folder:
                Path(self._folder).mkdir(parents=True, exist_ok=True)
            statement = f"CREATE DATABASE IF NOT EXISTS `{self.database}` ENGINE = Atomic"
            self._driver().command(statement, use_database=False)

    def close(self) -> None:
        """Let go of the connection, or of the embedded engine and its folder. The next use opens it again."""
        with self._opening:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _driver(self) -> Driver:
        with self._opening:
            if self._opened is None:
                self._opened = self._open_driver()
                # Only now: the handshake of a client with a database fails before the database is created.
                self._opened.database = self.database
            return self._opened

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from clickhouse_connect.driver.exceptions import ClickHouseError

        try:
            yield
        except (ClickHouseError, OSError) as error:
            code = getattr(error, "code", None)
            raise DatabaseError(f"ClickHouse at {self.place}: {_explained(error, code)}", code) from error


def _explained(error: Exception, code: int | None) -> str:
    message = " ".join(str(error).split())
    if already := re.search(r"already initialized with path '([^']*)'", message):
        return f"this process has the embedded database at {already[1]} open, and can have one; close that first"
    if isinstance(error, OSError):
        return f"cannot be opened ({message})"
    if code is None and (cause := _root_cause(error)) is not error:
        return f"no answer ({cause}); check the address and that it is running"
    return message


def _root_cause(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _split(dsn: str) -> SplitResult:
    """Every message is made here, without `dsn` in it: there may be a password inside."""
    try:
        parts = urlsplit(dsn)
        _ = parts.port
    except ValueError:
        raise ValueError(f"not a DSN (the port must be a number from 0 to 65535); write {FORMS}") from None
    return parts


def _embedded(parts: SplitResult, settings: Mapping[str, str] | None) -> Client:
    in_memory = parts.netloc == "memory" and parts.path in ("", "/")
    if parts.query or parts.fragment or not (in_memory or (not parts.netloc and len(parts.path) > 1)):
        raise ValueError("an embedded database is chdb:///absolute/folder (three slashes) or chdb://memory")
    folder = None if in_memory else unquote(parts.path)
    return Client(partial(_open_embedded, folder, settings), DATABASE, folder or "memory", folder)


def _open_embedded(folder: str | None, settings: Mapping[str, str] | None) -> Driver:
    from clickhouse_connect import get_client

    if folder:
        if not Path(folder).exists():  # the engine would make it, and whoever only reads must not
            raise DatabaseError(f"ClickHouse at {folder}: there is no database yet", _UNKNOWN_DATABASE)
        if (pid := owner(folder)) is not None:
            raise DatabaseError(
                f"ClickHouse at {folder}: process {pid} has the folder open, and an embedded database belongs to one; "
                f"stop that process, or let `maalstrom clickhouse --path {folder}` serve it to all and use the DSN "
                f"clickhouse://127.0.0.1:{_HTTP_PORT}/{DATABASE}"
            )
    return get_client(interface="chdb", path=folder, tz_mode="aware", settings=dict(settings or {}))


def _over_http(parts: SplitResult, settings: Mapping[str, str] | None) -> Client:
    database = parts.path.strip("/") or DATABASE
    if not parts.hostname:
        raise ValueError(f"the DSN names no host; write {FORMS}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database):
        raise ValueError(f"the DSN's database must be a plain name of letters, digits and _; write {FORMS}")
    secure = _secure(parts.query)
    port = parts.port or (_HTTPS_PORT if secure else _HTTP_PORT)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    opened = partial(_open_http, parts.hostname, port, user, password, secure, settings)
    return Client(opened, database, f"{parts.hostname}:{port}")


def _secure(query: str) -> bool:
    options = parse_qs(query, keep_blank_values=True)
    if unknown := options.keys() - {"secure"}:
        raise ValueError(f"the DSN has the unknown option {', '.join(sorted(unknown))}; the only one is secure=0|1")
    chosen = options.get("secure", ["0"])[-1]
    if chosen not in ("0", "1", "false", "true"):
        raise ValueError(f"secure={chosen} in the DSN is neither 0 nor 1")
    return chosen in ("1", "true")


def _open_http(
    host: str, port: int, user: str, password: str, secure: bool, settings: Mapping[str, str] | None
) -> Driver:
    from clickhouse_connect import get_client

    return get_client(
        host=host,
        port=port,
        username=user or "default",
        password=password,
        secure=secure,
        autogenerate_session_id=False,
        tz_mode="aware",
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=_ANSWER_SECONDS,
        dedicated_pool=True,
        settings=dict(settings or {}),
    )
