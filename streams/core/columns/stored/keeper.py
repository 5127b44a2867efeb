"""Where runs are written: in memory, or in files by whoever has files to give."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from streams.core.columns.run import Run

#: The columns of a run with their types; that of `kind` is said for each run.
TYPES: dict[str, DTypeLike] = {
    "low": np.uint64,
    "high": np.uint64,
    "time": np.uint32,
    "kind": np.uint32,
    "users": np.uint64,
    "starts": np.uint32,
    "rows": np.uint32,
}


class Size(NamedTuple):
    """How much may be written at a place: at the most so many rows, of so many users, with kinds of that type."""

    rows: int
    users: int
    kind: np.dtype[Any]


class Place(Protocol):
    """A run that is being written."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        ...

    def put(self, column: str, at: int, values: NDArray[Any]) -> None:
        """Write a part of a column, from that position on. Where that fails, `done` says so."""
        ...

    def done(self, epoch: int, rows: int, users: int) -> Run | None:
        """The run, of so many rows and users; None where it could not be written."""
        ...


class RunKeeper(Protocol):
    """Gives room for runs."""

    @property
    def room(self) -> int | None:
        """Bytes of memory that the runs of one ledger may take; None = as many as there are."""
        ...

    @property
    def least(self) -> int:
        """Rows that a run must have to be worth a file."""
        ...

    @property
    def refused(self) -> str:
        """Why the last file could not be written; '' where it could."""
        ...

    def file(self, size: Size) -> Place | None:
        """A place in a file; None where no file can be written now."""
        ...

    def whole(self, run: Run, reading: bool) -> None:
        """A run in a file is about to be read from one end to the other, or was, and need not be in memory now."""
        ...


def length(column: str, rows: int, users: int) -> int:
    """How long that column is in a run of so many rows and users."""
    return {"users": users, "starts": users + 1}.get(column, rows)


def lengths(size: Size) -> dict[str, tuple[np.dtype[Any], int]]:
    """The type and the length of each column of a run of that size."""
    types = TYPES | {"kind": size.kind}
    return {name: (np.dtype(kind), length(name, size.rows, size.users)) for name, kind in types.items()}


class MemoryPlace:
    """A place in memory."""

    def __init__(self, size: Size) -> None:
        self._columns = {name: np.empty(number, kind) for name, (kind, number) in lengths(size).items()}

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(column.nbytes for column in self._columns.values())

    def put(self, column: str, at: int, values: NDArray[Any]) -> None:
        """Write a part of a column."""
        self._columns[column][at : at + len(values)] = values

    def done(self, epoch: int, rows: int, users: int) -> Run:
        """The run; what it does not need of its place is given back."""
        parts = {name: _cut(column, length(name, rows, users)) for name, column in self._columns.items()}
        return Run(epoch, **parts)


def _cut(column: NDArray[Any], number: int) -> NDArray[Any]:
    return column if len(column) == number else column[:number].copy()


class InMemory:
    """A keeper without files."""

    room, least, refused = None, 0, ""

    def file(self, size: Size) -> None:
        """There is none."""

    def whole(self, run: Run, reading: bool) -> None:
        """Nothing is to be done."""


IN_MEMORY = InMemory()
