"""Where the ledgers of tests have their touches: in memory, or all in files, whatever their number."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from streams.core.columns.stored.keeper import IN_MEMORY, RunKeeper
from streams.worker.state_files import StateFiles, StateRoom

keeper: ContextVar[RunKeeper] = ContextVar("keeper", default=IN_MEMORY)


@contextmanager
def in_files(folder: Path) -> Iterator[StateFiles]:
    """Have every run of the ledgers that tests make in a file while the block runs."""
    files = StateFiles(StateRoom(folder, 0, 1))
    token = keeper.set(files)
    try:
        yield files
    finally:
        keeper.reset(token)
