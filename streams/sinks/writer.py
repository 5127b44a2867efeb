"""The sink: rows to ClickHouse, tried until it has them; absolute and versioned, so writing again is harmless."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Protocol

from streams import failpoints
from streams.core.columns.column import Columns, Rows
from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from streams.sinks.threads import in_thread

__all__ = ["Client", "DatabaseError", "Observer", "Sink", "connect", "write_rows"]

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 10.0
_GRACE_SECONDS = 5.0

log = logging.getLogger(__name__)


class Observer(Protocol):
    """What a sink tells of its work, in the event loop's thread."""

    def inserted(self, table: str, rows: int, seconds: float) -> None:
        """`rows` of `table` are durable after `seconds`, failed attempts included."""

    def failed(self, table: str, error: DatabaseError) -> None:
        """An attempt failed and will be repeated."""


def write_rows(client: Client, rows: Rows) -> None:
    """Insert every table of `rows`; raises DatabaseError when one is refused."""
    for table, columns in rows.items():
        client.insert(table, columns)
        failpoints.passing("stored")


class Sink:
    """Writes rows off the event loop, one insert at a time; while ClickHouse is down it waits and never drops."""

    def __init__(self, client: Client, observer: Observer | None = None) -> None:
        self._client = client
        self._observer = observer
        self._one_at_a_time = asyncio.Lock()
        self._running: asyncio.Future[int] | None = None

    async def write(self, rows: Rows) -> None:
        """Insert every table of `rows`, each repeated until ClickHouse took it. Returns when all of it is durable.

        Raises ValueError for columns that do not fit their table: repeating would not help. May be cancelled.
        """
        async with self._one_at_a_time:
            for table, columns in rows.items():
                started = time.monotonic()
                count = await self._repeated(table, columns)
                if self._observer:
                    self._observer.inserted(table, count, time.monotonic() - started)

    async def close(self) -> None:
        """Wait a few seconds for an insert that is still running, then let go of the client."""
        if self._running is not None:
            with suppress(TimeoutError, DatabaseError):
                await asyncio.wait_for(self._running, _GRACE_SECONDS)
        self._client.close()

    async def _repeated(self, table: str, columns: Columns) -> int:
        waits = _waits()
        while True:
            try:
                self._running = in_thread(partial(self._client.insert, table, columns))
                return await asyncio.shield(self._running)
            except DatabaseError as error:
                wait = next(waits)
                log.warning("insert into %s failed, next attempt in %.1f s: %s", table, wait, error)
                if self._observer:
                    self._observer.failed(table, error)
                await asyncio.sleep(wait)


def _waits() -> Iterator[float]:
    wait = _FIRST_WAIT
    while True:
        yield wait
        wait = min(2 * wait, _LONGEST_WAIT)
