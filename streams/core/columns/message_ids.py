"""Message ids as 128-bit keys, which tell duplicates: small, and readable again, so that ties go by the id's own text.

An id is unique within its routing key alone: the hash of the token whose message it is goes into the key. A UUID is
its 16 bytes and an id of up to 16 bytes is itself; of a longer one the key is a digest, and its text is kept beside.
Keys are scrambled by a reversible mix, so that ids that share a part differ in `low`, which is searched.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import U64

SHORT, UUID, LONG, UPPER = 0, 1, 2, 3  # UPPER: a UUID in capital letters
_DASHES = (8, 13, 18, 23)
_DIGITS = np.delete(np.arange(36), _DASHES)
_HEX = np.full((2, 256), 255, np.uint8)  # small and capital letters
_HEX[0, list(b"0123456789abcdef")] = _HEX[1, list(b"0123456789ABCDEF")] = np.arange(16)
_SALT = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)


class Keys(NamedTuple):
    """One row an id: `high` and `low` are its key, `form` is SHORT, UUID, LONG or UPPER."""

    high: U64
    low: U64
    form: NDArray[np.uint8]

    def take(self, at: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Keys":
        """The keys at some positions."""
        return Keys(self.high[at], self.low[at], self.form[at])


def _mixed(x: U64) -> U64:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): every bit of x reaches every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _scrambled(pairs: U64, form: int) -> tuple[U64, U64]:
    low = pairs[:, 1] ^ _mixed(pairs[:, 0] + _SALT[form])
    return pairs[:, 0] ^ _mixed(low), low


def _plain(high: int, low: int, form: int, whose: int) -> bytes:
    highs, lows = _of_whom(*(np.array([number], np.uint64) for number in (high, low, whose)))
    highs ^= _mixed(lows)
    lows ^= _mixed(highs + _SALT[form])
    return bytes(np.stack([highs, lows]).astype(">u8").tobytes())


def _pairs(sixteens: bytes) -> U64:
    """Rows of 16 bytes as rows of two big-endian numbers, so that their order is the order of the bytes."""
    return np.frombuffer(sixteens, ">u8").reshape(-1, 2).astype(np.uint64)


def _uuids(encoded: Sequence[bytes], capital: int) -> tuple[bytes, NDArray[np.bool_]]:
    """The 16 bytes of each 36-byte text, and which of them are UUIDs in small letters, or in capital ones."""
    rows = np.frombuffer(b"".join(encoded), np.uint8).reshape(-1, 36)
    digits = _HEX[capital][rows[:, _DIGITS]]
    good = (digits < 16).all(axis=1) & (rows[:, _DASHES] == ord("-")).all(axis=1)
    return (digits[:, ::2] << 4 | digits[:, 1::2] & 15).tobytes(), good


def _of_whom(high: U64, low: U64, whose: U64) -> tuple[U64, U64]:
    """The two halves of keys with the tokens (hashes) that they are of, or without them again; 0 changes nothing."""
    mixed = _mixed(whose)
    return high ^ mixed, low ^ _mixed(mixed)


def plain_keys(keys: Keys, whose: U64) -> Keys:
    """The keys of the ids by themselves, or of such the keys: `whose` has the hash of the token of each."""
    return Keys(*_of_whom(keys.high, keys.low, whose), keys.form)


class MessageIds:
    """Encodes ids to keys and back; holds the text of the long ones, by key."""

    def __init__(self) -> None:
        self.texts: dict[tuple[int, int], str] = {}

    def keys(self, ids: Sequence[str], whose: U64 | None = None) -> Keys:
        """The keys of `ids`, in their order; `whose` has the hash of the token of each, 0 (or None) = nobody's.
        Two have the same key only if both are the same."""
        encoded = [text.encode() for text in ids]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        n = len(ids)
        keys = Keys(np.zeros(n, np.uint64), np.zeros(n, np.uint64), np.zeros(n, np.uint8))
        form = np.where(lengths <= 16, SHORT, np.where(lengths == 36, UUID, LONG))
        if b"\0" in b"".join(encoded):  # padding could not be told from it
            form[[b"\0" in text for text in encoded]] = LONG
        self._fill_uuids(keys, form, encoded)
        short = np.flatnonzero(form == SHORT)
        self._fill(keys, short, SHORT, [encoded[i].ljust(16, b"\0") for i in short.tolist()])
        long = np.flatnonzero(form == LONG).tolist()
        self._fill(keys, long, LONG, [blake2b(encoded[i], digest_size=16).digest() for i in long])
        keys = keys if whose is None else plain_keys(keys, whose)
        self.texts.update(zip(_long(keys), (ids[i] for i in long), strict=True))
        return keys

    def _fill_uuids(self, keys: Keys, form: NDArray[np.int64], encoded: Sequence[bytes]) -> None:
        for capital, this in enumerate((UUID, UPPER)):
            at = np.flatnonzero(form == this)
            if not len(at):
                return
            sixteens, good = _uuids(encoded if len(at) == len(encoded) else [encoded[i] for i in at.tolist()], capital)
            form[at[~good]] = LONG if capital else UPPER
            keys.high[at[good]], keys.low[at[good]] = _scrambled(_pairs(sixteens)[good], this)
            keys.form[at[good]] = this

    def _fill(self, keys: Keys, at: NDArray[np.int64] | list[int], form: int, sixteens: Sequence[bytes]) -> None:
        keys.high[at], keys.low[at] = _scrambled(_pairs(b"".join(sixteens)), form)
        keys.form[at] = form

    def text(self, high: int, low: int, form: int, whose: int = 0) -> str:
        """The id that has this key, of that token (a hash). Raises KeyError for a long one that was forgotten."""
        if form == LONG:
            return self.texts[high, low]
        plain = _plain(high, low, form, whose)
        if form == SHORT:
            return plain.rstrip(b"\0").decode()
        digits = plain.hex().upper() if form == UPPER else plain.hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def texts_of(self, keys: Keys) -> list[tuple[int, int, str]]:
        """The texts of the long ids among `keys`, with their keys."""
        return [(*key, self.texts[key]) for key in _long(keys)]

    def forget(self, keys: Keys) -> None:
        """Drop the texts of the long ids among `keys`."""
        for key in _long(keys):
            self.texts.pop(key, None)


def _long(keys: Keys) -> list[tuple[int, int]]:
    at = keys.form == LONG
    return list(zip(keys.high[at].tolist(), keys.low[at].tolist(), strict=True))
