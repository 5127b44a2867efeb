"""Bloom filter: which of many hashes may be in a set, told at once."""

from collections.abc import Callable

import numpy as np

from streams.core.columns.arrays import I64, U64

_SPARE = 8  # marks for each hash, so that few that are not in the set look as if they were


class BloomFilter:
    """A set of hashes that is asked for many at once, of which it mostly has none: it may say that it has one too many,
    never one too few."""

    def __init__(self) -> None:
        self.bits = np.zeros(1, np.bool_)

    def add(self, hashes: U64, all_: Callable[[], U64], number: int) -> None:
        """Add some; `all_` gives those there are then, so many."""
        if number * _SPARE > len(self.bits):
            self.bits = np.zeros(1 << (number * _SPARE * 2).bit_length(), np.bool_)
            hashes = all_()
        self.bits[self._place(hashes)] = True

    def at(self, hashes: U64) -> I64:
        """The positions of those that may be in it."""
        return np.flatnonzero(self.bits[self._place(hashes)])

    def _place(self, hashes: U64) -> U64:
        return hashes & np.uint64(len(self.bits) - 1)
