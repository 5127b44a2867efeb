"""A run that an index holds, with what is known of it without looking into it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.run import (
    EPOCH_BITS,
    KeyedRows,
    Run,
    anonymised_users,
    concatenated,
    contains,
    kinds_of,
    none,
    rows_at,
    rows_by_user,
    rows_of,
    rows_of_users,
)
from streams.core.columns.stored.hash_filter import HashFilter

Past = Callable[[KeyedRows], Mask]  # which of some rows are past
_NOBODY = np.zeros(0, np.uint64)


class About(NamedTuple):
    """What is kept in memory of a run in a file: filters of its keys and of its users, the kinds of its rows, and
    whether there are texts of their ids beside."""

    keys: HashFilter
    users: HashFilter
    kinds: I64
    texts: bool

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self.keys.words.nbytes + self.users.words.nbytes + self.kinds.nbytes


@dataclass(slots=True, eq=False)
class Held:
    """A run, its first and last time in ms, what is known of it where it is in a file, and which of its users (sorted)
    are nobody since it was written."""

    run: Run
    oldest: int
    newest: int
    about: About | None = None
    nobodies: U64 = field(default_factory=lambda: _NOBODY)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.run.low)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.about.nbytes if self.about else self._size

    @property
    def disk(self) -> int:
        """Bytes of its file."""
        return self._size if self.about else 0

    @property
    def _size(self) -> int:
        return sum(column.nbytes for column in self.run[1:])

    def has(self, low: U64, high: U64) -> Mask:
        """Which of those keys (sorted by `low`) it has."""
        if self.about is None:
            return contains(self.run, low, high)
        found = np.zeros(len(low), np.bool_)
        at = self.about.keys.at(low)
        if len(at):
            found[at] = contains(self.run, low[at], high[at])
        return found

    def of_users(self, users: U64) -> tuple[KeyedRows, I64]:
        """The rows of those users (sorted, distinct), and for each the user's position in `users`."""
        at = self.about.users.at(users) if self.about else np.arange(len(users))
        if len(self.nobodies):
            at = at[~np.isin(users[at], self.nobodies)]
        if len(at) == len(users):
            return rows_of_users(self.run, users)
        if not len(at):
            return none(), at
        rows, owner = rows_of_users(self.run, users[at])
        return rows, at[owner]

    def all_rows(self) -> KeyedRows:
        """All rows, in the order of their keys."""
        rows = rows_of(self.run)
        return rows._replace(user=anonymised_users(rows.user, self.nobodies))

    def by_user(self, least: int, most: int) -> KeyedRows:
        """The rows of the users from `least` to `most`, in the order of their users."""
        rows = rows_by_user(self.run, least, most)
        if not len(self.nobodies):
            return rows
        rows = rows.take(~np.isin(rows.user, self.nobodies))
        theirs, _ = rows_of_users(self.run, self.nobodies)
        return concatenated([_of_nobody(theirs), rows]) if least == 0 else rows

    def before(self, time: int) -> Mask:
        """Which rows, in the order of their keys, are before that time (ms)."""
        first = time - (self.run.epoch << EPOCH_BITS)
        return self.run.time < first if first < 1 << EPOCH_BITS else np.ones(self.rows, np.bool_)

    def narrowed(self, at: Mask, past: Past, part: int) -> Mask:
        """Which of the rows at `at`, in the order of their keys, are `past`; so many are looked at together."""
        found, run = np.zeros(self.rows, np.bool_), self.run
        for start in range(0, self.rows, part):
            rows = run.rows[start : start + part]
            owner = np.searchsorted(run.starts, np.arange(start, start + len(rows)), "right") - 1
            wanted = at[rows]
            user = anonymised_users(run.users[owner[wanted]], self.nobodies)
            found[rows[wanted]] = past(rows_at(run, rows[wanted], user))
        return found

    def kinds(self) -> I64:
        """The kinds of its rows; once each where it is in a file."""
        return self.about.kinds if self.about else kinds_of(self.run).astype(np.int64)

    def users(self) -> U64:
        """All users, sorted."""
        theirs = np.isin(self.run.users, self.nobodies) if len(self.nobodies) else np.zeros(0, np.bool_)
        if not theirs.any():
            return self.run.users
        return np.union1d(self.run.users[~theirs], np.zeros(1, np.uint64))


def in_memory(run: Run) -> Held:
    """A run that is in memory."""
    first = run.epoch << EPOCH_BITS
    return Held(run, first | int(run.time.min()), first | int(run.time.max()))


def _of_nobody(rows: KeyedRows) -> KeyedRows:
    return rows._replace(user=np.zeros_like(rows.user))
