"""User tokens: which one an event belongs to, and the keyed hash that is all we keep of it."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from streams.core.events import Envelope

_CACHED = 100_000  # digests remembered; beyond that they are made anew


def token_of(event: Envelope) -> str:
    """The event's user token, '' where it has none. Every token comes from this module."""
    return event.user_id or event.anonymous_id or ""


def tokens_of(events: Iterable[Envelope]) -> list[str]:
    """The user tokens of many events."""
    return [event.user_id or event.anonymous_id or "" for event in events]


class Tokens:
    """Hashes tokens with a secret key (BLAKE2b, RFC 7693): the same in every process that has the key."""

    def __init__(self, key: bytes) -> None:
        self._digests = _Digests(key)

    def hashes(self, tokens: Sequence[str]) -> NDArray[np.uint64]:
        """One hash a token; 0 for ''."""
        if len(self._digests) > _CACHED:
            self._digests.clear()
        digests = b"".join(map(self._digests.__getitem__, tokens))
        return np.frombuffer(digests, "<u8").astype(np.uint64)

    def hash(self, token: str) -> int:
        """The hash of one token; 0 for ''."""
        return int(self.hashes([token])[0])


class _Digests(dict[str, bytes]):
    """The digests of tokens, each made at its first use."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._keyed = blake2b(digest_size=8, key=blake2b(key, digest_size=32).digest())

    def __missing__(self, token: str) -> bytes:
        if not token:
            return bytes(8)
        hasher = self._keyed.copy()
        hasher.update(token.encode())
        digest = self[token] = hasher.digest()
        return digest
