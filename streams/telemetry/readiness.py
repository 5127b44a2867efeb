"""Whether a worker is ready, and if not, which of its parts is not and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from streams.core.parsing.printable import one_line
from streams.sinks.clickhouse.client import DatabaseError, connect
from streams.sinks.threads import in_thread

EVERY = 2.0  # s between looks at ClickHouse
PATIENCE = 3.0  # s in which it must answer
Problem = tuple[str, str]  # a part, and what is wrong with it


class Readiness:
    """What keeps a worker from being ready, gathered from its parts whenever it is asked for."""

    def __init__(self, *parts: Callable[[], Iterable[Problem]]) -> None:
        self._parts = parts

    def problems(self) -> list[str]:
        """A line for each part that is not ready; none where all are."""
        return [f"{name}: {one_line(why)}" for part in self._parts for name, why in part()]


class Crashes:
    """Agents that have crashed. Faust starts them again, but what they worked on is not done: such a worker is not
    ready until it is started anew."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    @contextmanager
    def noted(self, agent: str) -> Iterator[None]:
        """Note a failure of an agent within; what it raises goes on."""
        try:
            yield
        except Exception as error:
            self._reasons.setdefault(agent, f"{type(error).__name__}: {error}")
            raise

    def problems(self) -> Iterator[Problem]:
        """Each agent that has crashed, and why."""
        for agent, why in self._reasons.items():
            yield f"agent {agent}", f"it crashed ({why}); start the worker again"


class Probe:
    """Asks ClickHouse every few seconds whether it answers, whatever else is asked of it."""

    def __init__(self, dsn: str) -> None:
        # What is embedded in this process ends with it, and does one statement at a time.
        self._embedded = dsn.startswith("chdb:")
        self._why = "" if self._embedded else "it was not asked yet"
        self._client = connect(dsn)
        self._asked: asyncio.Future[str] | None = None

    def problems(self) -> Iterator[Problem]:
        """ClickHouse, where it did not answer last time."""
        if self._why:
            yield "clickhouse", self._why

    async def run(self) -> None:
        """Ask until cancelled."""
        while not self._embedded:
            await self._ask()
            await asyncio.sleep(EVERY)

    async def _ask(self) -> None:
        """What was asked before may still be waiting: one at a time is enough."""
        if self._asked is None:
            self._asked = in_thread(self._answer)
        done, _ = await asyncio.wait({self._asked}, timeout=PATIENCE)
        if done:
            self._why, self._asked = self._asked.result(), None
        else:
            self._why = f"no answer within {PATIENCE:.0f} s"
            self._client.break_off()

    def _answer(self) -> str:
        try:
            self._client.mend()
            self._client.query("SELECT 1")
        except DatabaseError as error:
            return str(error)
        return ""
