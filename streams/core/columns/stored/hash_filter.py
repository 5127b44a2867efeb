"""A filter of hashes: tells at once, in 16 bits a hash, of which of many a run has none (a register-blocked Bloom
filter, as of Putze, Sanders and Singler 2007)."""

from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U64

BITS = 16  # for each hash: three in a thousand that are not in it look as if they were
_HALF, _PLACE = np.uint64(32), np.uint64(63)
_SHIFTS = tuple(np.uint64(6 * i) for i in range(4))  # each hash sets so many bits of one word


class HashFilter(NamedTuple):
    """A set of 64-bit hashes; it may say that it has one too many, never one too few. The word of a hash goes by its
    upper bits, so that what is sorted is found in the order of the words."""

    words: U64

    @classmethod
    def sized(cls, number: int) -> "HashFilter":
        """An empty one, for so many hashes."""
        return cls(np.zeros(1 + number * BITS // 64, np.uint64))

    def mark(self, hashes: U64) -> None:
        """Add some, which are sorted."""
        if len(hashes):
            word, bits = self._word(hashes), _bits(hashes)
            first = np.flatnonzero(np.concatenate(([True], word[1:] != word[:-1])))
            self.words[word[first]] |= np.bitwise_or.reduceat(bits, first)

    def at(self, hashes: U64) -> I64:
        """The positions of those that may be in it."""
        bits = _bits(hashes)
        return np.flatnonzero(self.words[self._word(hashes)] & bits == bits)

    def _word(self, hashes: U64) -> I64:
        return ((hashes >> _HALF) * np.uint64(len(self.words)) >> _HALF).astype(np.int64)


def _bits(hashes: U64) -> U64:
    bits = np.zeros(len(hashes), np.uint64)
    for shift in _SHIFTS:
        bits |= np.uint64(1) << (hashes >> shift & _PLACE)
    return bits
