"""In which order statements reach the engine: inserts before everything else, so many at once, so many that wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 8
_FOR_INSERTS = 2  # of them, kept free of others
_LONGEST_QUEUE = 64
_LONGEST_WAIT = 30.0  # s


class FullError(Exception):
    """Too many statements wait, or one has waited too long."""


class Queue:
    """Lets statements through; for one event loop."""

    def __init__(self, longest: int = _LONGEST_QUEUE, seconds: float = _LONGEST_WAIT) -> None:
        self._longest, self._seconds = longest, seconds
        self._running = 0
        self._inserts: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, insert: bool) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises FullError."""
        await self._wait(insert)
        try:
            yield
        finally:
            self._running -= 1
            self._admit()

    async def _wait(self, insert: bool) -> None:
        line = self._inserts if insert else self._others
        if len(self._inserts) + len(self._others) >= self._longest:
            raise FullError(f"{self._longest} statements wait")
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(mine)
        self._admit()
        try:
            await asyncio.wait_for(asyncio.shield(mine), self._seconds)
        except TimeoutError:
            self._leave(line, mine)
            raise FullError(f"waited for {self._seconds:g} s") from None
        except asyncio.CancelledError:
            self._leave(line, mine)
            raise

    def _leave(self, line: deque[asyncio.Future[None]], mine: asyncio.Future[None]) -> None:
        if mine.done():
            self._running -= 1
            self._admit()
        else:
            line.remove(mine)

    def _admit(self) -> None:
        while self._inserts and self._running < AT_ONCE:
            self._start(self._inserts)
        while self._others and self._running < AT_ONCE - _FOR_INSERTS:
            self._start(self._others)

    def _start(self, line: deque[asyncio.Future[None]]) -> None:
        self._running += 1
        line.popleft().set_result(None)
