"""Whether what workers share is as they need it, the topics above all: looked at before the start, and every minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import structlog

from streams.kafka.clients import BrokerError

EVERY, AGAIN = 60.0, 5.0  # s between looks: while nothing is wrong, and while something is

log = structlog.get_logger(__name__)


class TopicWatch:
    """Looks at a `part`; `look` says what is wrong and how to mend it, a line each, or raises BrokerError."""

    def __init__(self, look: Callable[[], list[str]], part: str = "topics", every: float = EVERY) -> None:
        self._look, self._part, self._every, self._lines = look, part, every, list[str]()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What was wrong at the last look: the part that is not ready, and why."""
        for line in self._lines:
            yield self._part, line

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(AGAIN if self._lines else self._every)

    async def mended(self) -> None:
        """Look until nothing is wrong."""
        while await self.once():
            await asyncio.sleep(AGAIN)

    async def once(self) -> list[str]:
        """What is wrong now; what is new in it is logged."""
        before = set(self._lines)
        try:
            self._lines = await asyncio.to_thread(self._look)
        except BrokerError as error:
            self._lines = [str(error)]
        for line in self._lines:
            if line not in before:
                log.error("not ready: " + line)
        return self._lines
