"""Deduplication: an index of rows by message id, which takes each once, and by user.

It is log-structured, so that adding stays cheap: each batch becomes a run, runs merge as they grow, and rows are found
by binary search in the few runs there are. Those that are large may be in files, of which what is new touches no page.
"""

import numpy as np

from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.message_ids import Keys
from streams.core.columns.run import EPOCH_BITS, KeyedRows, concatenated, first_of_each, key_order, none
from streams.core.columns.stored.held import Past
from streams.core.columns.stored.keeper import IN_MEMORY, RunKeeper
from streams.core.columns.stored.merging import PART
from streams.core.columns.stored.runs import Runs


class Index:
    """Rows of which each key is held once: the first that came."""

    def __init__(self, keeper: RunKeeper = IN_MEMORY, part: int = PART) -> None:
        """`part`: rows of runs that are merged at once."""
        self.runs = Runs(keeper, part)

    def __len__(self) -> int:
        return sum(run.rows for run in self.runs.held)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.runs.memory

    @property
    def oldest(self) -> int | None:
        """The earliest time of a row, ms; None where there is none."""
        return min((run.oldest for run in self.runs.held), default=None)

    @property
    def newest(self) -> int | None:
        """The latest time of a row, ms; None where there is none."""
        return max((run.newest for run in self.runs.held), default=None)

    def add(self, batch: KeyedRows) -> Mask:
        """Take in the rows whose key is new, the first of each; the mask says which those were."""
        order = key_order(batch.keys)
        batch = batch.take(order)
        fresh = first_of_each(batch.keys)
        for run in self.runs.held:
            fresh &= ~run.has(batch.keys.low, batch.keys.high)
        epochs = batch.time >> EPOCH_BITS
        for epoch in np.unique(epochs[fresh]).tolist():
            self.runs.add(batch.take(fresh & (epochs == epoch)), epoch)
        self.runs.work(int(fresh.sum()))
        accepted = np.empty_like(fresh)
        accepted[order] = fresh
        return accepted

    def holds(self, keys: Keys) -> Mask:
        """Which of those keys it has."""
        order = np.argsort(keys.low)
        held = np.zeros(len(order), np.bool_)
        for run in self.runs.held:
            held[order] |= run.has(keys.low[order], keys.high[order])
        return held

    def expire(self, before: int) -> Keys:
        """Forget the rows before that time (ms), of each run as soon as they are many; returns their keys, as far as
        texts may be kept beside."""
        return self.runs.discard(before).keys

    def discard(self, before: int, past: Past) -> KeyedRows:
        """Forget those rows before that time (ms) that are `past`, of each run as soon as they are many; returns
        them."""
        return self.runs.discard(before, past)

    def anonymise(self, token: int) -> bool:
        """The rows of that token (a hash) belong to nobody from now on, and their keys stay; whether there are any."""
        return self.runs.anonymise(token)

    def rows(self) -> KeyedRows:
        """All rows."""
        return concatenated([none(), *(run.all_rows() for run in self.runs.held)])

    def kinds(self) -> I64:
        """The kinds of all rows, each once."""
        used = np.zeros(1, np.bool_)
        for run in self.runs.held:
            kinds = run.kinds()
            used = np.concatenate([used, np.zeros(max(0, int(kinds.max(initial=0)) + 1 - len(used)), np.bool_)])
            used[kinds] = True
        return np.flatnonzero(used)

    def users(self) -> U64:
        """All users, sorted."""
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *(run.users() for run in self.runs.held)]))

    def by_user(self, least: int, most: int) -> KeyedRows:
        """The rows of the users from `least` to `most`, in the order of their users."""
        rows = concatenated([none(), *(run.by_user(least, most) for run in self.runs.held)])
        return rows.take(np.argsort(rows.user, kind="stable"))  # merges what is sorted, and is quick

    def of_users(self, users: U64) -> tuple[KeyedRows, I64]:
        """The rows of those users (sorted, distinct), and for each the user's position in `users`."""
        found = [run.of_users(users) for run in self.runs.held] or [(none(), np.zeros(0, np.int64))]
        return concatenated([rows for rows, _ in found]), np.concatenate([owner for _, owner in found])
