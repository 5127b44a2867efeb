"""What one worker of the group does beside the flow: again and again, while the worker runs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

LAST_TURN = 3.0  # s that a stop waits for a turn that is under way


class Leadership(Protocol):
    """The worker: whether it is the one of the group to do this, and whether it is at work."""

    @property
    def leads(self) -> bool: ...

    @property
    def ready(self) -> bool: ...


class PeriodicTask:
    """Awaits `turn` over and over; an error in it is for `turn` itself to catch."""

    def __init__(self, turn: Callable[[], Awaitable[None]]) -> None:
        self._turn = turn
        self._stopping, self._taking = asyncio.Event(), asyncio.Lock()

    async def run(self, seconds: float) -> None:
        """Take a turn, wait for so many seconds, and so on until stopped."""
        while not self._stopping.is_set():
            async with self._taking:
                await self._turn()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    async def stop(self) -> None:
        """Let the turn that is under way end: it uses the database."""
        self._stopping.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._taking.acquire(), LAST_TURN)
