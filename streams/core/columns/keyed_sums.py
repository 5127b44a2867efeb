"""Keyed sums: absolute and exact, that know what changed since they were last asked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import I64

WholeNumbers = NDArray[Any]  # int64, or Python's own integers (object) where one is too large for that
_HALF = 32  # bits of an amount that are added up apart from the upper ones
_FEW = 1 << 16  # additions that are worth a sort of their own


class KeyedSums:
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

    @property
    def keys(self) -> I64:
        """All keys, ascending."""
        self._settle()
        return self._keys

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        held = (self._keys, self._sums, self._changed, *(array for added in self._added for array in added))
        return sum(array.nbytes for array in held)

    def take_changed(self) -> tuple[I64, I64]:
        """(keys, sums) of what changed since the last call, by ascending key."""
        self._settle()
        at = np.flatnonzero(self._changed)
        self._changed[:] = False
        return self._keys[at], self._sums[at]


class WideSums:
    """As a KeyedSums, of amounts that fit in 64 bits and whose sums may not: both halves of them are added up apart, so
    that a sum is exact until there are 2**31 amounts of one key."""

    def __init__(self, width: int) -> None:
        self._width, self._halves = width, KeyedSums(2 * width)

    def add(self, keys: I64, amounts: I64) -> None:
        """Add `amounts` (n, width) to the sums of `keys` (n); a key may come several times."""
        self._halves.add(keys, np.concatenate([amounts >> _HALF, amounts & (1 << _HALF) - 1], axis=1))

    @property
    def keys(self) -> I64:
        """All keys, ascending."""
        return self._halves.keys

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._halves.nbytes

    def take_changed(self) -> tuple[I64, WholeNumbers]:
        """(keys, sums) of what changed since the last call, by ascending key."""
        keys, halves = self._halves.take_changed()
        return keys, _whole(halves[:, : self._width], halves[:, self._width :])


def _whole(upper: I64, lower: I64) -> WholeNumbers:
    upper, lower = upper + (lower >> _HALF), lower & (1 << _HALF) - 1
    small = bool((upper == upper << _HALF >> _HALF).all())
    return (upper if small else upper.astype(object)) * (1 << _HALF) + lower


def _summed(added: Sequence[tuple[I64, I64]], width: int) -> tuple[I64, I64]:
    """The distinct keys, ascending, and their sums."""
    keys = np.concatenate([np.zeros(0, np.int64), *(keys for keys, _ in added)])
    sums = np.concatenate([np.zeros((0, width), np.int64), *(amounts for _, amounts in added)])
    order = np.argsort(keys)
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    return keys[first], np.add.reduceat(sums[order], first)
