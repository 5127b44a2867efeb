"""Tallies: sums by key, absolute and exact, that know what changed since they were last asked."""

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
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._added)])
        sums = np.concatenate([self._sums, *(amounts for _, amounts in self._added)])
        changed = np.concatenate([self._changed, np.ones(len(keys) - len(self._keys), np.bool_)])
        self._added = []
        order = np.argsort(keys)
        keys = keys[order]
        first = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
        self._keys = keys[first]
        self._sums = np.add.reduceat(sums[order], first)
        self._changed = np.logical_or.reduceat(changed[order], first)

    def take_changed(self) -> tuple[I64, I64]:
        """(keys, sums) of what changed since the last call, by ascending key."""
        self._settle()
        at = np.flatnonzero(self._changed)
        self._changed[:] = False
        return self._keys[at], self._sums[at]
