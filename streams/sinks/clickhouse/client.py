"""One client for ClickHouse, embedded in this process (chDB) or over HTTP."""

from __future__ import annotations

import logging
import os
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.core.columns.column import Columns, row_count
from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse import replicas
from streams.sinks.clickhouse.connections import Connections
from streams.sinks.clickhouse.dsn import DATABASE, Embedded, Remote, parse
from streams.sinks.clickhouse.folder_lock import owner

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as Driver

_HTTP_PORT = 8123
_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 60
_UNKNOWN_TABLE, _UNKNOWN_DATABASE = 60, 81
_LOGIN = (192, 193, 194, 516)  # unknown user, wrong or missing password, either
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
    """The client of a DSN: `chdb:///folder`, `chdb://memory` or `clickhouse://user:password@host:8123/maalstrom?secure=1`,
    with several hosts and with `ca`, `cert`, `key` and `cluster` as `dsn.Remote` has them.

    Every statement has ClickHouse's `settings`. Nothing is opened before the first use. Raises ValueError, without the
    password, when the DSN has another form.
    """
    found = parse(dsn)
    if isinstance(found, Embedded):
        return Client(partial(_open_embedded, found.folder, settings), found)
    return Client(partial(_open_server, found, settings), found)


class Client:
    """A connection to one database. Safe to use from several threads, one statement at a time where it is embedded."""

    def __init__(self, open_driver: Callable[[], Driver], named: Embedded | Remote) -> None:
        self._server = named if isinstance(named, Remote) else None
        self._folder = None if isinstance(named, Remote) else named.folder
        self.database = named.database if isinstance(named, Remote) else DATABASE
        self.place = named.place if isinstance(named, Remote) else named.folder or "memory"
        self._open_driver = open_driver
        self._opening = threading.Lock()
        self._opened: Driver | None = None
        self._connections: Connections | None = None

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
        from streams.sinks.clickhouse.arrow import arrow_stream

        rows = row_count(columns)
        if rows:
            block = arrow_stream(TABLES[table], columns)
            with self._errors():
                self._driver().raw_insert(table, list(TABLES[table].columns), block, dict(_INSERT), "ArrowStream")
        return rows

    def break_off(self) -> None:
        """Have what another thread asks over HTTP fail, and whatever is asked until `mend`."""
        if self._connections:
            self._connections.break_off()

    def mend(self) -> None:
        """Take statements again."""
        if self._connections:
            self._connections.mend()

    def create_database(self) -> None:
        """Create the database of the DSN where it does not exist."""
        with self._errors():
            if self._folder:
                Path(self._folder).mkdir(parents=True, exist_ok=True)
            statement = f"CREATE DATABASE IF NOT EXISTS `{self.database}` ENGINE = Atomic"
            self._driver().command(self.everywhere(statement), use_database=False)

    def everywhere(self, statement: str) -> str:
        """The statement that makes or changes a table, for every replica where the DSN names a cluster."""
        return replicas.on_cluster(statement, self.cluster) if self.cluster else statement

    def shards(self) -> int:
        """How many shards the cluster that the DSN names has; 0 where there is none of that name."""
        query = "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = {name:String}"
        with self._errors():
            return int(self._driver().command(query, parameters={"name": self.cluster}, use_database=False))

    @property
    def cluster(self) -> str | None:
        """The cluster that the DSN names."""
        return self._server.cluster if self._server else None

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
                # An embedded engine has none.
                if (manager := getattr(self._opened, "http", None)) is not None:
                    self._connections = Connections(manager)
            return self._opened

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from clickhouse_connect.driver.exceptions import ClickHouseError

        try:
            yield
        except (ClickHouseError, OSError) as error:
            code = getattr(error, "code", None)
            if code is None and self._server and len(self._server.hosts) > 1:
                self._opened = None  # the next statement asks the first host that answers
            if self._server and code in _LOGIN:
                raise DatabaseError(self._refused(self._server), code) from error
            raise DatabaseError(f"ClickHouse at {self.place}: {_explained(error, code)}", code) from error

    def _refused(self, server: Remote) -> str:
        who, word = server.user or "default", "its password" if server.password else "no password"
        where = f"clickhouse://{server.user and f'{server.user}@'}{self.place}/{self.database}"
        return f"ClickHouse at {self.place} refused the log-in of user {who} with {word}; set the DSN {where} right"


def _explained(error: Exception, code: int | None) -> str:
    message = " ".join(str(error).split())
    if already := re.search(r"already initialized with path '([^']*)'", message):
        return f"this process has the embedded database at {already[1]} open, and can have one; close that first"
    if isinstance(error, OSError):
        return f"cannot be opened ({message})"
    if code is None and isinstance(cause := _root_cause(error), ssl.SSLError):
        return (
            f"TLS failed ({getattr(cause, 'verify_message', None) or cause.reason or cause}); in the DSN ca= names who "
            "signed its certificate, which must be for that host, and cert= and key= a certificate of one's own"
        )
    if code is None and (cause := _root_cause(error)) is not error:
        why = (isinstance(cause, OSError) and cause.strerror) or str(cause)  # without the system's number for it
        return f"no answer ({why}); check the address and that it is running"
    return message


def _root_cause(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _open_embedded(folder: str | None, settings: Mapping[str, str] | None) -> Driver:
    from clickhouse_connect import get_client

    if folder:
        if not Path(folder).exists():  # the engine would make it, and whoever only reads must not
            raise DatabaseError(f"ClickHouse at {folder}: there is no database yet", _UNKNOWN_DATABASE)
        if not Path(folder).is_dir():
            raise DatabaseError(f"ClickHouse at {folder}: cannot be opened (no folder, and a database is one)")
        if closed := _closed(Path(folder)):
            raise DatabaseError(f"ClickHouse at {closed}: cannot be opened (permission denied)")
        if (pid := owner(folder)) is not None:
            raise DatabaseError(
                f"ClickHouse at {folder}: process {pid} has the folder open, and an embedded database belongs to one; "
                f"stop that process, or let `maalstrom clickhouse --path {folder}` serve it to all and use the DSN "
                f"clickhouse://127.0.0.1:{_HTTP_PORT}/{DATABASE}"
            )
    return get_client(interface="chdb", path=folder, tz_mode="aware", settings=dict(settings or {}))


def _closed(folder: Path) -> Path | None:
    """What of the folder this user may not read and write; None where that is nothing."""
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        return folder
    return next((each for each in folder.iterdir() if not os.access(each, os.R_OK | os.W_OK, effective_ids=True)), None)


def _open_server(server: Remote, settings: Mapping[str, str] | None) -> Driver:
    """The first host that answers. Raises ClickHouseError, the last one's."""
    from clickhouse_connect.driver.exceptions import OperationalError

    for host in server.hosts[:-1]:
        with suppress(OperationalError):
            return _open_http(server, host, settings)
    return _open_http(server, server.hosts[-1], settings)


def _open_http(server: Remote, host: tuple[str, int], settings: Mapping[str, str] | None) -> Driver:
    from clickhouse_connect import get_client

    return get_client(
        host=host[0],
        port=host[1],
        username=server.user or "default",
        password=server.password,
        secure=server.secure,
        ca_cert=server.ca,
        client_cert=server.cert,
        client_cert_key=server.key,
        tls_mode=("strict" if server.password else "mutual") if server.cert else None,
        autogenerate_session_id=False,
        tz_mode="aware",
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=_ANSWER_SECONDS,
        dedicated_pool=True,
        settings={**(replicas.SETTINGS if server.cluster else {}), **(settings or {})},
    )
