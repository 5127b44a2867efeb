"""Which partition a key belongs to: murmur2 as Kafka's Java client and kafka-python hash it, for many keys at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import U32

_SEED = 0x9747B28C
_LONG = 256  # bytes
_M = np.uint32(0x5BD1E995)


def partitions_of(keys: Sequence[bytes], partitions: int) -> NDArray[np.int64]:
    """The partition of each key among so many."""
    return (murmur2(keys) & np.uint32(0x7FFFFFFF)).astype(np.int64) % partitions


def murmur2(keys: Sequence[bytes]) -> U32:
    """The 32-bit hashes of keys (MurmurHash2 by Appleby, with the seed that Kafka gives it)."""
    if max(map(len, keys), default=0) <= _LONG:
        return _hashed(keys)
    hashed = _hashed([key if len(key) <= _LONG else b"" for key in keys])
    for at in (i for i, key in enumerate(keys) if len(key) > _LONG):
        hashed[at] = _hashed([keys[at]])[0]  # alone, so that one long key does not make all rows as wide
    return hashed


def _hashed(keys: Sequence[bytes]) -> U32:
    lengths = np.fromiter(map(len, keys), np.uint32, len(keys))
    width = (int(lengths.max(initial=0)) + 4) // 4 * 4
    padded = np.array(keys, f"S{width}").view(np.uint8).reshape(len(keys), width)
    words = np.ascontiguousarray(padded).view("<u4")
    hashed = np.uint32(_SEED) ^ lengths
    whole = lengths // np.uint32(4)
    for at in range(int(whole.max(initial=0))):
        hashed = np.where(at < whole, hashed * _M ^ _mixed(words[:, at]), hashed)
    # Beyond a key's end lie zeros, so its last word holds just the bytes that are left.
    rest = words[np.arange(len(keys)), whole]
    hashed = np.where(lengths % np.uint32(4) > 0, (hashed ^ rest) * _M, hashed)
    hashed ^= hashed >> np.uint32(13)
    hashed *= _M
    return hashed ^ hashed >> np.uint32(15)


def _mixed(word: U32) -> U32:
    word = word * _M
    return (word ^ word >> np.uint32(24)) * _M
