"""Queries of the page: read-only, off the event loop, few at a time and none for long, on connections of their own."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from streams.clickhouse import Client, DatabaseError, connect

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
    "readonly": "1",  # the last one: it locks the others
}
_TIMEOUT, _TOO_MANY_ROWS, _MEMORY = 159, 396, 241
_RETRY = 2.0  # s in which a ClickHouse that did not answer is not asked again


class Reader:
    """Asks one database; any number of queries may be waiting."""

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
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, sql)

    def close(self) -> None:
        """Let running queries end, and let go of the connections."""
        self._threads.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def _ask(self, sql: str) -> bytes:
        if self._down and time.monotonic() - self._down[0] < _RETRY:
            raise self._down[1]
        try:
            answer = self._client().read(sql, "JSONColumnsWithMetadata")
        except DatabaseError as error:
            advised = DatabaseError(_advice(error), error.code)
            self._down = (time.monotonic(), advised) if error.code is None else None
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
        return "ClickHouse has no tables yet: a worker makes them when it starts, `maalstrom migrate` makes them now"
    if error.code == _TIMEOUT:
        return f"this took longer than {LONGEST} s; choose a shorter time range"
    if error.code == _TOO_MANY_ROWS:
        return f"this has more than {MOST_ROWS} rows; choose a shorter time range or fewer values"
    if error.code == _MEMORY:
        return "this needs more memory than a panel may use; choose a shorter time range"
    return str(error)
