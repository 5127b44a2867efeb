"""Tallies: sums by key, absolute and exact, that know what changed since they were last asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
_FEW = 1 << 16  # additions that are worth a sort of their own


class Tally:
    """Sums of `width` integers by key. What is added waits until there is as much of it as there are keys."""

    def __init__(self, width: int) -> None:
        self._keys: I64 = np.zeros(0, np.int64)
        self._sums: I64 = np.zeros((0, width), np.int64)
        self._changed = np.zeros(0, np.bool_)
        self._added: list[tuple[I64, I64]] = []

    def add(self, keys: I64, amounts: I64) -> None:
        """Add `amounts` (n, width) to the sums of `keys` (n); a key may come several times."""
        self._added.append((keys, amounts))
        if sum(len(keys) for keys, _ in self._added) > max(len(self._keys), _FEW):
            self._settle()

    def _settle(self) -> None:
        """Only what was added is sorted: there may be far more keys."""
        keys, sums = _summed(self._added, self._sums.shape[1])
        self._added = []
        at = np.searchsorted(self._keys, keys)
        there = np.flatnonzero(at < len(self._keys))
        there = there[self._keys[at[there]] == keys[there]]
        self._sums[at[there]] += sums[there]
        self._changed[at[there]] = True
        new = np.delete(np.arange(len(keys)), there)
        self._keys = np.insert(self._keys, at[new], keys[new])
        self._sums = np.insert(self._sums, at[new], sums[new], axis=0)
        self._changed = np.insert(self._changed, at[new], True)

    def take_changed(self) -> tuple[I64, I64]:
        """(keys, sums) of what changed since the last call, by ascending key."""
        self._settle()
        at = np.flatnonzero(self._changed)
        self._changed[:] = False
        return self._keys[at], self._sums[at]


def _summed(added: Sequence[tuple[I64, I64]], width: int) -> tuple[I64, I64]:
    """The distinct keys, ascending, and their sums."""
    keys = np.concatenate([np.zeros(0, np.int64), *(keys for keys, _ in added)])
    sums = np.concatenate([np.zeros((0, width), np.int64), *(amounts for _, amounts in added)])
    order = np.argsort(keys)
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    return keys[first], np.add.reduceat(sums[order], first)
