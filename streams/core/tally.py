"""Tallies: sums by key, absolute and exact, that know what changed since they were last asked."""

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


class Tally:
    """Sums of `width` integers by key, as arrays sorted by key."""

    def __init__(self, width: int) -> None:
        self.keys: I64 = np.zeros(0, np.int64)
        self.sums: I64 = np.zeros((0, width), np.int64)
        self._changed = np.zeros(0, np.bool_)

    def add(self, keys: I64, amounts: I64) -> None:
        """Add `amounts` (n, width) to the sums of `keys` (n); a key may come several times."""
        distinct, inverse = np.unique(keys, return_inverse=True)
        sums = np.zeros((len(distinct), self.sums.shape[1]), np.int64)
        np.add.at(sums, inverse, amounts)
        place = np.searchsorted(self.keys, distinct)
        known = place < len(self.keys)
        known[known] = self.keys[place[known]] == distinct[known]
        self.sums[place[known]] += sums[known]
        self._changed[place[known]] = True
        self._insert(place[~known], distinct[~known], sums[~known])

    def _insert(self, place: I64, keys: I64, sums: I64) -> None:
        self.keys = np.insert(self.keys, place, keys)
        self.sums = np.insert(self.sums, place, sums, axis=0)
        self._changed = np.insert(self._changed, place, True)

    def take_changed(self) -> tuple[I64, I64]:
        """(keys, sums) of what changed since the last call."""
        at = np.flatnonzero(self._changed)
        self._changed[:] = False
        return self.keys[at], self.sums[at]
