"""Merging: several runs become one, a part at a time, so that it takes little memory and nobody waits long.

Parts that are sorted are merged, not sorted again: numpy's stable sort sees that they are.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import I64, U32, U64, Mask
from streams.core.columns.message_ids import LONG
from streams.core.columns.run import EPOCH_BITS, FORM, FORM_BITS, KeyedRows, Run, anonymised_users, rows_at, slices
from streams.core.columns.stored.hash_filter import HashFilter
from streams.core.columns.stored.held import About, Held
from streams.core.columns.stored.keeper import MemoryPlace, Place, Size

PART = 1 << 16  # rows or so of a part
_GONE = np.uint32((1 << 32) - 1)  # the place of a row that is left out


def size_of(parts: Sequence[Held]) -> Size:
    """What a run of all rows of `parts` takes at the most."""
    kind = max((part.run.kind.dtype for part in parts), key=lambda each: each.itemsize)
    return Size(sum(part.rows for part in parts), sum(len(part.run.users) for part in parts) + 1, kind)


class Merge:
    """One run of the rows of `parts`, which are of one epoch, at a place that is in a file or in memory."""

    def __init__(self, parts: Sequence[Held], place: Place, past: Mask | None = None, part: int = PART) -> None:
        """`past` says which rows of the parts, one after the other, are left out; `part`: rows done at once."""
        self.parts, self._place, self._past = parts, place, past
        self._runs, self._epoch = [each.run for each in parts], parts[0].run.epoch
        self._nobodies = [each.nobodies for each in parts]
        self._bases: list[int] = np.cumsum([0, *(each.rows for each in parts)]).tolist()
        self.rows = self._bases[-1]
        self._number = 1 + self.rows // part
        self._at = np.empty(self.rows, np.uint32)  # where each row of the parts, one after the other, goes
        self.gone: list[KeyedRows] = []  # the rows that were past
        self._seen = _Seen(size_of(parts), filtered=self.filed)
        self.made: Held | None = None
        self.left = 0  # rows that are not past
        self._steps = self._work()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes while it is under way."""
        return self._at.nbytes + self._place.nbytes

    @property
    def filed(self) -> bool:
        """Whether it goes to a file."""
        return not isinstance(self._place, MemoryPlace)

    def step(self) -> bool:
        """Do a part of it; whether all is done."""
        return next(self._steps, True)

    def finish(self) -> Held | None:
        """Do all that is left; the run, or None where nothing is left or it cannot be written."""
        while not self.step():
            pass
        return self.made

    def _work(self) -> Iterator[bool]:
        for edges in self._edges([run.low for run in self._runs]):
            self._put_keys(edges)
            yield False
        users = rows = 0
        for listed in self._listed():
            first = self._put_users(users, rows, *listed)
            users, rows = users + first, rows + len(listed[0])
            yield False
        self._place.put("starts", users, np.array([rows], np.uint32))
        run = self._place.done(self._epoch, rows, users) if rows else None
        if run:
            since = (np.setdiff1d(part.nobodies, known) for part, known in zip(self.parts, self._nobodies, strict=True))
            self.made = self._seen.held(run, np.unique(np.concatenate(list(since))))

    def _edges(self, columns: Sequence[U64]) -> Iterator[list[tuple[int, int]]]:
        """From where to where each of the sorted columns goes into each part."""
        longest = max(columns, key=len)
        bounds = longest[:: max(1, len(longest) // self._number)][1:]
        ends = [[0, *np.searchsorted(column, bounds).tolist(), len(column)] for column in columns]
        yield from (list(each) for each in zip(*map(pairwise, ends), strict=True))

    def _put_keys(self, edges: list[tuple[int, int]]) -> None:
        """Write the columns in the order of keys, of one part."""
        low = self._joined("low", edges)
        order = np.argsort(low, kind="stable")
        time, kind = self._joined("time", edges), self._joined("kind", edges)
        kept = order
        if self._past is not None:
            parts = (self._past[base + a : base + b] for base, (a, b) in zip(self._bases, edges, strict=False))
            kept = order[~np.concatenate(list(parts))[order]]
        place = np.full(len(low), _GONE)
        place[kept] = np.arange(self.left, self.left + len(kept), dtype=np.uint32)
        ends = np.cumsum([end - start for start, end in edges])[:-1]
        for base, (start, end), places in zip(self._bases, edges, np.split(place, ends), strict=False):
            self._at[base + start : base + end] = places
        for name, column in (("low", low), ("high", self._joined("high", edges)), ("time", time), ("kind", kind)):
            self._place.put(name, self.left, column[kept])
        self._seen.keys(low[kept], time[kept], kind[kept])
        self.left += len(kept)

    def _joined(self, name: str, edges: list[tuple[int, int]]) -> NDArray[Any]:
        parts = [getattr(run, name)[start:end] for run, (start, end) in zip(self._runs, edges, strict=True)]
        return np.concatenate(parts)

    def _listed(self) -> Iterator[tuple[U64, U32]]:
        """Users and their rows' places, part by part, in the order of users: first those that are nobody."""
        nobody = np.zeros(1, np.uint64)
        at = [
            np.flatnonzero(np.isin(run.users, np.union1d(nobody, nobodies)))
            for run, nobodies in zip(self._runs, self._nobodies, strict=True)
        ]
        rows = np.concatenate([self._of_users(i, places)[1] for i, places in enumerate(at)])
        yield np.zeros(len(rows), np.uint64), rows
        for edges in self._edges([run.users for run in self._runs]):
            parts = [
                self._of_users(i, np.setdiff1d(np.arange(*edge), at[i], assume_unique=True))
                for i, edge in enumerate(edges)
            ]
            users, rows = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
            order = np.argsort(users, kind="stable")
            yield users[order], rows[order]

    def _of_users(self, part: int, at: I64) -> tuple[U64, U32]:
        """The users at those positions, each once for each row, and where these are now; without rows that are past."""
        run = self._runs[part]
        starts, ends = (run.starts[at + i].astype(np.int64) for i in (0, 1))
        users, rows = np.repeat(run.users[at], ends - starts), run.rows[slices(starts, ends)]
        places = self._at[self._bases[part] + rows.astype(np.int64)]
        gone = places == _GONE
        if gone.any():
            whose = anonymised_users(users[gone], self._nobodies[part])
            self.gone.append(rows_at(run, rows[gone], whose))
            users, places = users[~gone], places[~gone]
        return users, places

    def _put_users(self, users: int, rows: int, user: U64, at: U32) -> int:
        """Write the users of one part, after so many, and their rows; how many users those were."""
        first = np.flatnonzero(np.concatenate(([True], user[1:] != user[:-1]))) if len(user) else np.zeros(0, np.int64)
        self._place.put("users", users, user[first])
        self._place.put("starts", users, (first + rows).astype(np.uint32))
        self._place.put("rows", rows, at)
        self._seen.users(user[first])
        return len(first)


class _Seen:
    """What is known of a run that is being written: its times, and what is to be kept in memory of one in a file."""

    def __init__(self, size: Size, *, filtered: bool) -> None:
        self._filtered = filtered
        self._keys, self._users = (HashFilter.sized(n if filtered else 0) for n in (size.rows, size.users))
        self._kinds, self._texts = np.zeros(0, np.int64), False
        self._first, self._last = (1 << EPOCH_BITS), 0

    def keys(self, low: U64, time: U32, kind: NDArray[Any]) -> None:
        if len(time):
            self._first, self._last = min(self._first, int(time.min())), max(self._last, int(time.max()))
        if self._filtered:
            self._keys.mark(low)
            self._kinds = np.union1d(self._kinds, (kind >> FORM_BITS).astype(np.int64))
            self._texts = self._texts or bool((kind & FORM == LONG).any())

    def users(self, users: U64) -> None:
        if self._filtered:
            self._users.mark(users)

    def held(self, run: Run, nobodies: U64) -> Held:
        epoch = run.epoch << EPOCH_BITS
        about = About(self._keys, self._users, self._kinds, self._texts) if self._filtered else None
        return Held(run, epoch | self._first, epoch | self._last, about, nobodies)
