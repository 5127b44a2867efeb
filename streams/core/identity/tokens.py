"""User tokens: which one an event belongs to, and the keyed hash that is all we keep of it."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_NO_TOKEN = b"maalstrom token key"
_CACHED = 50_000  # tokens remembered by their text; whoever makes up more of them only costs time


class _Hashes(dict[str, bytes]):
    """The hashes of tokens that were met lately, by their text."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._keyed = blake2b(digest_size=8, key=blake2b(key, digest_size=32).digest())
        self.forget()

    def __missing__(self, token: str) -> bytes:
        if len(self) >= _CACHED:
            self.forget()
        hasher = self._keyed.copy()
        hasher.update(token.encode("utf-8", "surrogatepass"))
        self[token] = found = hasher.digest()
        return found

    def forget(self) -> None:
        """Keep no token's text."""
        self.clear()
        self[""] = bytes(8)


class Tokens:
    """Hashes tokens with a secret key (BLAKE2b, RFC 7693): the same in every process that has the key."""

    def __init__(self, key: bytes) -> None:
        self._known = _Hashes(key)
        keyed = blake2b(_NO_TOKEN, digest_size=8, key=blake2b(key, digest_size=32).digest(), person=b"fingerprint")
        self._fingerprint = int.from_bytes(keyed.digest(), "little") or 1

    def hashes(self, tokens: Sequence[str]) -> NDArray[np.uint64]:
        """One hash a token; 0 for ''."""
        return np.frombuffer(b"".join(map(self._known.__getitem__, tokens)), "<u8").astype(np.uint64)

    def hash(self, token: str) -> int:
        """The hash of one token; 0 for ''."""
        return int.from_bytes(self._known[token], "little")

    @property
    def known(self) -> Mapping[str, bytes]:
        """The hashes of tokens that were met lately, by their text."""
        return self._known

    def forget(self) -> None:
        """Keep no token's text."""
        self._known.forget()

    @property
    def fingerprint(self) -> int:
        """By which two keys are told apart: a hash with the key, of what is no token; never 0."""
        return self._fingerprint
