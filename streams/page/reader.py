"""Queries of the page: read-only, off the event loop, few at a time and none for long, on connections of their own."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from streams.core.parsing.printable import one_line
from streams.sinks.clickhouse.client import Client, DatabaseError, connect

THREADS = 2  # queries at once: the worker beside them goes first
LONGEST = 10  # s that one query may take
MOST_ROWS = 50_000
_SETTINGS = {
    "max_execution_time": str(LONGEST),
    "max_result_rows": str(MOST_ROWS),
    "max_memory_usage": str(2**30),
    "max_threads": "2",
    "session_timezone": "UTC",
    "date_time_output_format": "unix_timestamp",
    "output_format_json_quote_64bit_integers": "0",
    "cancel_http_readonly_queries_on_client_close": "1",
    "readonly": "1",  # the last one: it locks the others
}
_KEPT = 10.0  # s that what holds whatever is shown is not asked for again
_NAMES = ("channels", "networks", "campaigns", "goals")
_SQL = """
SELECT
    ifNull((SELECT value FROM settings FINAL WHERE id = 'timezone'), 'UTC') AS zone,
    (SELECT arraySort(groupUniqArray(means)) FROM campaigns FINAL WHERE means != '') AS channels,
    (SELECT arraySort(groupUniqArray(200)(toString(network))) FROM engagement_users WHERE network != '') AS networks,
    (SELECT arraySort(groupArray(1000)(if(name = '', id, name))) FROM campaigns FINAL) AS campaigns,
    (SELECT arraySort(groupArray(if(name = '', id, name))) FROM goals FINAL) AS goals,
    (SELECT count() FROM engagement_counts) + (SELECT count() FROM goal_attribution) AS events
"""
NO_TABLES = "ClickHouse has no tables yet: a worker makes them when it starts, `maalstrom migrate` makes them now"
TOO_MUCH = {  # by ClickHouse's code
    159: f"this took longer than {LONGEST} s; choose a shorter time range",
    396: f"this has more than {MOST_ROWS} rows; choose a shorter time range or fewer values",
    241: "this needs more memory than a panel may use; choose a shorter time range",
}
_RETRY = 2.0  # s in which a ClickHouse that did not answer is not asked again


class _Query:
    """A query that is waiting, running on a client, or not wanted any more."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._lock = threading.Lock()
        self._client: Client | None = None
        self.wanted = True

    @contextmanager
    def running_on(self, client: Client) -> Iterator[None]:
        with self._lock:
            self._client = client
            client.mend()
        try:
            yield
        finally:
            with self._lock:
                self._client = None

    def give_up(self) -> None:
        """Nobody waits for the answer any more."""
        with self._lock:
            self.wanted = False
            if self._client:
                self._client.break_off()


class Reader:
    """Asks one database. A query that nobody waits for any more is not asked, or broken off."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._threads = ThreadPoolExecutor(THREADS, "page")
        self._own = threading.local()
        self._clients: list[Client] = []
        self._down: tuple[float, DatabaseError] | None = None

    async def columns(self, sql: str) -> bytes:
        """The result in ClickHouse's format JSONColumnsWithMetadata, on one line, times in s since 1970.

        Raises DatabaseError saying what to do.
        """
        query = _Query(sql)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, query)
        except asyncio.CancelledError:
            query.give_up()
            raise

    def close(self) -> None:
        """Let running queries end, and let go of the connections."""
        self._threads.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def _ask(self, query: _Query) -> bytes:
        if self._down and time.monotonic() - self._down[0] < _RETRY:
            raise self._down[1]
        client = self._client()
        try:
            with query.running_on(client):
                answer = client.read(query.sql, "JSONColumnsWithMetadata")
        except DatabaseError as error:
            advised = DatabaseError(_advice(error), error.code)
            self._down = (time.monotonic(), advised) if error.code is None and query.wanted else None
            raise advised from error
        # Line ends and tabs inside texts are escaped, so those that are left only lay the answer out.
        return answer.translate(None, b"\n\t")

    def _client(self) -> Client:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = connect(self._dsn, _SETTINGS)
            self._clients.append(client)
        return client


def _advice(error: DatabaseError) -> str:
    if error.not_migrated:
        return NO_TABLES
    return TOO_MUCH.get(error.code or 0, str(error))


@dataclass(frozen=True, slots=True)
class Basics:
    """What holds whatever is shown: the zone by its name in the tz database, names in an order that stays, by kind, and
    whether there is no event yet."""

    zone: str = "UTC"
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    empty: bool = False


class Known:
    """Asks for the facts now and then; where the database does not answer, the last ones stay, with the `trouble`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._until = 0.0
        self._facts = Basics()
        self.trouble: DatabaseError | None = None

    async def facts(self) -> Basics:
        """The facts, some seconds old at the most where ClickHouse answers."""
        if time.monotonic() > self._until:
            try:
                self._facts = _read(json.loads(await self._reader.columns(_SQL))["data"])
                self._until = time.monotonic() + _KEPT
                self.trouble = None
            except DatabaseError as error:
                self.trouble = error
        return self._facts


def _read(columns: Mapping[str, Sequence[Any]]) -> Basics:
    names = {kind: [one_line(name) for name in columns[kind][0]] for kind in _NAMES}
    return Basics(_zone(columns["zone"][0]), names, not columns["events"][0])


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (OSError, ValueError, KeyError):
        return "UTC"  # of a catalogue that another machine read
