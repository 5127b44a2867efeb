"""Deduplication: an index of rows by message id, which takes each once, and by user.

It is log-structured, so that adding stays cheap: each batch becomes a run, runs merge as they grow, and rows are found
by binary search in the few runs there are.
"""

import numpy as np

from streams.core.columns.message_ids import Keys
from streams.core.columns.run import (
    EPOCH_BITS,
    I64,
    U64,
    Mask,
    Run,
    Touches,
    anonymised,
    concatenated,
    contains,
    first_of_each,
    key_order,
    kinds_of,
    merged,
    none,
    rows_by_user,
    rows_of,
    rows_of_users,
    sorted_run,
    times,
)

_FAN = 4  # runs of about one size that are merged into one
_WORTH = 8  # a run is made anew when one in so many of its rows is past


class Index:
    """Rows of which each key is held once: the first that came."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def __len__(self) -> int:
        return sum(len(run.low) for run in self._runs)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(column.nbytes for run in self._runs for column in run[1:])

    @property
    def oldest(self) -> int | None:
        """The earliest time of a row, ms; None where there is none."""
        return min((int(times(run).min()) for run in self._runs), default=None)

    @property
    def newest(self) -> int | None:
        """The latest time of a row, ms; None where there is none."""
        return max((int(times(run).max()) for run in self._runs), default=None)

    def add(self, batch: Touches) -> Mask:
        """Take in the rows whose key is new, the first of each; the mask says which those were."""
        order = key_order(batch.keys)
        batch = batch.take(order)
        fresh = first_of_each(batch.keys)
        for run in self._runs:
            fresh &= ~contains(run, batch.keys.low, batch.keys.high)
        epochs = batch.time >> EPOCH_BITS
        for epoch in np.unique(epochs[fresh]).tolist():
            self._runs.append(sorted_run(batch.take(fresh & (epochs == epoch)), epoch))
            self._merge(epoch)
        accepted = np.empty_like(fresh)
        accepted[order] = fresh
        return accepted

    def holds(self, keys: Keys) -> Mask:
        """Which of those keys it has."""
        order = np.argsort(keys.low)
        held = np.zeros(len(order), np.bool_)
        for run in self._runs:
            held[order] |= contains(run, keys.low[order], keys.high[order])
        return held

    def _merge(self, epoch: int) -> None:
        """Merge while the smallest _FAN runs are of about one size, so that there are few, however many rows."""
        mine = sorted((run for run in self._runs if run.epoch == epoch), key=lambda run: len(run.low))
        while len(mine) >= _FAN and len(mine[_FAN - 1].low) <= _FAN * len(mine[0].low):
            mine = sorted([merged(mine[:_FAN]), *mine[_FAN:]], key=lambda run: len(run.low))
        self._runs = [run for run in self._runs if run.epoch != epoch] + mine

    def expire(self, before: int) -> Keys:
        """Forget the rows before that time (ms), of each run as soon as they are many; returns their keys."""
        gone = [none()]
        for i, run in enumerate(self._runs):
            old = times(run) < before
            if old.sum() * _WORTH >= len(old):
                gone.append(rows_of(run).take(old))
                self._runs[i] = sorted_run(rows_of(run).take(~old), run.epoch)
        self._runs = [run for run in self._runs if len(run.low)]
        return concatenated(gone).keys

    def anonymise(self, token: int) -> bool:
        """The rows of that token (a hash) belong to nobody from now on, and their keys stay; whether there are any."""
        token_, found = np.array([token], np.uint64), False
        for i, run in enumerate(self._runs):
            if len(rows_of_users(run, token_)[1]):
                self._runs[i], found = sorted_run(anonymised(rows_of(run), token), run.epoch), True
        return found

    def rows(self) -> Touches:
        """All rows."""
        return concatenated([none(), *map(rows_of, self._runs)])

    def kinds(self) -> I64:
        """The kinds of all rows, each once."""
        used = np.zeros(1, np.bool_)
        for run in self._runs:
            kinds = kinds_of(run)
            used = np.concatenate([used, np.zeros(max(0, int(kinds.max(initial=0)) + 1 - len(used)), np.bool_)])
            used[kinds] = True
        return np.flatnonzero(used)

    def users(self) -> U64:
        """All users, sorted."""
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *(run.users for run in self._runs)]))

    def by_user(self, least: int, most: int) -> Touches:
        """The rows of the users from `least` to `most`, in the order of their users."""
        rows = concatenated([none(), *(rows_by_user(run, least, most) for run in self._runs)])
        return rows.take(np.argsort(rows.user, kind="stable"))  # merges what is sorted, and is quick

    def of_users(self, users: U64) -> tuple[Touches, I64]:
        """The rows of those users (sorted, distinct), and for each the user's position in `users`."""
        found = [rows_of_users(run, users) for run in self._runs] or [(none(), np.zeros(0, np.int64))]
        return concatenated([rows for rows, _ in found]), np.concatenate([owner for _, owner in found])
