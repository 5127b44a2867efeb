"""Sessions that were ended, told to every process that shows the page of one database: through that database."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial

import numpy as np
import structlog

from streams.core.columns.column import Columns
from streams.page.access.sessions import Ended, Sessions
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.sinks.threads import in_thread

EVERY = 2.0  # s between looks
_BEGINS = "page session ended "
_FOUND = (
    "SELECT id FROM settings FINAL WHERE startsWith(id, {begins:String}) AND toFloat64OrZero(value) > {now:Float64}"
)
log = structlog.get_logger(__name__)


class SharedEnds:
    """Tells others which of the sessions ended here, and these `sessions` which ended there."""

    def __init__(self, sessions: Sessions, client: Client) -> None:
        self._sessions, self._client = sessions, client
        self._unsaid: list[Ended] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tell and listen from now on."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Tell what is not told yet, and listen no more."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._turn()
        self._client.close()

    def tell(self, ended: Ended) -> None:
        """Note that a session ended here."""
        self._unsaid.append(ended)
        self._wake.set()

    async def _go_on(self) -> None:
        while True:
            await self._turn()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), EVERY)
            self._wake.clear()

    async def _turn(self) -> None:
        """One that fails says so, and what was to be told is told by the next."""
        try:
            if told := list(self._unsaid):
                await in_thread(partial(self._write, told))
                self._unsaid = self._unsaid[len(told) :]
            self._sessions.learn(await in_thread(self._found))
        except DatabaseError as error:
            if self._unsaid:
                log.warning("a log-out is not known at other workers yet, trying again", error=str(error))

    def _write(self, ended: list[Ended]) -> None:
        ids, until = [_BEGINS + each.number for each in ended], [str(each.until) for each in ended]
        version = np.full(len(ended), time.time_ns(), np.uint64)
        rows: Columns = {"id": ids, "value": until, "removed": np.zeros(len(ended), np.uint8), "version": version}
        self._client.insert("settings", rows)

    def _found(self) -> list[str]:
        rows = self._client.query(_FOUND, {"begins": _BEGINS, "now": time.time()})
        return [row["id"].removeprefix(_BEGINS) for row in rows]
