"""State in files: where runs of touches go that are more than memory is to hold.

A file has no name, so that nothing is left of it however the process ends; it is mapped and read in place. Where none
can be written, runs stay in memory, and after a while another try is made.
"""

import mmap
import os
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.run import Run
from streams.core.columns.stored.keeper import Size, length, lengths

MEMORY = 512 << 20  # bytes that a worker has for touches
LEAST = 1 << 16  # rows that are worth a file
_AGAIN = 60.0  # s after which another try is made
_ALIGNED = 8  # bytes


class StateRoom(NamedTuple):
    """Where the touches of a process's ledgers may be: in so many bytes of memory, the rest in files in that folder."""

    folder: Path
    memory: int = MEMORY
    least: int = LEAST  # rows that are worth a file


class StateFiles:
    """Files in a folder for what the ledgers of this process have beyond so many bytes of memory."""

    def __init__(self, room: StateRoom, ledgers: Callable[[], int] = lambda: 1) -> None:
        """`ledgers` says how many there are, which share the memory alike."""
        self._folder, self._memory, self._least = room
        self._ledgers = ledgers
        self._again = -_AGAIN
        self.refused = ""  # why the last one could not be written; '' where it could

    @property
    def room(self) -> int:
        """Bytes of memory that the runs of one ledger may take."""
        return self._memory // max(1, self._ledgers())

    @property
    def least(self) -> int:
        """Rows that a run must have to be worth a file."""
        return self._least

    def file(self, size: Size) -> "FilePlace | None":
        """A place in a new file; None where none can be written now."""
        if self.refused and time.monotonic() < self._again:
            return None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return FilePlace(nameless(self._folder), size, self._failed)
        except OSError as error:
            self._failed(error)
            return None

    def _failed(self, error: OSError | None) -> None:
        self.refused = f"{self._folder}: {error.strerror or repr(error)}" if error else ""
        self._again = time.monotonic() + _AGAIN

    def whole(self, run: Run, reading: bool) -> None:
        """A run in a file is about to be read from one end to the other, or was, and need not be in memory now."""
        mapping: mmap.mmap = run.low.base.obj  # type: ignore[union-attr]  # a view of it
        if reading:
            mapping.madvise(mmap.MADV_NORMAL)
        else:
            _rest(mapping)


class FilePlace:
    """A run that is being written to a file, which it closes."""

    nbytes = 0

    def __init__(self, file: int, size: Size, failed: Callable[[OSError | None], None]) -> None:
        self._file, self._failed, self._broken = file, failed, False
        self._types, self._starts, at = lengths(size), dict[str, int](), 0
        for name, (kind, number) in self._types.items():
            self._starts[name] = at
            at += -(-kind.itemsize * number // _ALIGNED) * _ALIGNED
        self._length = at
        self._close = weakref.finalize(self, os.close, file)

    def put(self, column: str, at: int, values: NDArray[Any]) -> None:
        """Write a part of a column, from that position on. Where that fails, `done` says so."""
        if self._broken:
            return
        kind, _ = self._types[column]
        try:
            write_at(self._file, values.astype(kind, copy=False).tobytes(), self._starts[column] + at * kind.itemsize)
        except OSError as error:
            self._broken = True
            self._failed(error)

    def done(self, epoch: int, rows: int, users: int) -> Run | None:
        """The run, mapped from the file; None where it could not be written."""
        try:
            if self._broken:
                return None
            os.ftruncate(self._file, self._length)
            mapping = mmap.mmap(self._file, self._length, access=mmap.ACCESS_READ)
        except OSError as error:
            self._failed(error)
            return None
        finally:
            self._close()
        _rest(mapping)
        self._failed(None)
        columns = {name: self._column(mapping, name, length(name, rows, users)) for name in self._types}
        return Run(epoch, **columns)

    def _column(self, mapping: mmap.mmap, name: str, number: int) -> NDArray[Any]:
        return np.frombuffer(memoryview(mapping), self._types[name][0], number, self._starts[name])


def nameless(folder: Path) -> int:
    """A file in that folder without a name."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except (OSError, AttributeError):  # not every file system, or system, has such
        file, name = tempfile.mkstemp(dir=folder)
        os.unlink(name)
        return file


def write_at(file: int, data: bytes, at: int) -> None:
    """Write all the data at that place in the file. Raises OSError."""
    left = memoryview(data)
    while left:
        written = os.pwrite(file, left, at)
        left, at = left[written:], at + written


def _rest(mapping: mmap.mmap) -> None:
    """Read it here and there from now on; what of it is in memory may go."""
    mapping.madvise(mmap.MADV_RANDOM)
    mapping.madvise(mmap.MADV_DONTNEED)
