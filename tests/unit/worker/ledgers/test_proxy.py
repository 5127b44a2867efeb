"""Where ledgers are: side by side in the processes that there are, until they are dropped or lost."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from streams.core.events.batch import Batch
from streams.core.events.topics import ENGAGEMENT
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.worker.ledgers.errors import LedgerDroppedError, LedgerLostError
from streams.worker.ledgers.proxy import LedgerPool, applied
from streams.worker.state_files import StateRoom
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import DAY, HOUR, NOON, touch

RULES = LedgerSettings(CATALOGUE, KEY, retention=45 * DAY)


def process_of(ledger: Ledger) -> int:
    return os.getpid()


def test_whatever_partitions_a_worker_has_they_are_in_all_processes() -> None:
    async def scenario() -> None:
        ledgers = LedgerPool(RULES, 8, 2)
        kept = [ledgers.of(number, rank) for rank, number in enumerate((0, 2, 4, 6))]
        await asyncio.gather(*(each.restore([], NOON) for each in kept))
        where = [await each.ask(process_of) for each in kept]
        await ledgers.close()
        assert where == ledgers.processes * 2

    asyncio.run(scenario())


@pytest.mark.parametrize("processes", [0, 1])
def test_touches_beyond_the_memory_are_in_files_in_whatever_process(processes: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        ledgers = LedgerPool(RULES, 1, processes, StateRoom(tmp_path / "state", 0, 1))
        kept = ledgers.of(0)
        await kept.restore([], NOON)
        some = [Batch(ENGAGEMENT, [touch("t", NOON, user="u")] * 9, [None] * 9, range(at, at + 9)) for at in (0, 9)]
        sizes = [(await kept.ask(applied, each, NOON, NOON // HOUR))[1].size for each in some]
        assert [(size.touches, size.refused) for size in sizes] == [(1, "")] * 2
        assert sizes[0].disk == sizes[1].disk > 0
        await ledgers.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("processes", [0, 1])
def test_a_ledger_that_was_dropped_is_asked_nothing(processes: int) -> None:
    async def scenario() -> None:
        ledgers = LedgerPool(RULES, 1, processes)
        kept = ledgers.of(0)
        restoring = asyncio.create_task(kept.restore([], NOON))
        await asyncio.sleep(0)
        kept.drop()
        await restoring  # that was asked before
        for call in (kept.restore([], NOON), kept.ask(process_of)):
            with pytest.raises(LedgerDroppedError):
                await call
        await ledgers.close()

    asyncio.run(scenario())


def test_a_ledger_that_was_lost_says_what_to_do() -> None:
    async def scenario() -> None:
        ledgers = LedgerPool(RULES, 1, 1)
        kept = ledgers.of(0)
        await kept.restore([], NOON)
        os.kill(ledgers.processes[0], signal.SIGKILL)
        with pytest.raises(LedgerLostError, match="start the worker again, and it goes on from the journal"):
            await kept.ask(process_of)
        await ledgers.close()

    asyncio.run(scenario())
