"""User tokens: which one an event belongs to, and the keyed hash that is all we keep of it."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from streams.core.events import Envelope


def token_of(event: Envelope) -> str:
    """The event's user token, '' where it has none. Every token comes from this module."""
    return event.user_id or event.anonymous_id or ""


def tokens_of(events: Iterable[Envelope]) -> list[str]:
    """The user tokens of many events."""
    return [event.user_id or event.anonymous_id or "" for event in events]


class Tokens:
    """Hashes tokens with a secret key (BLAKE2b, RFC 7693): the same in every process that has the key."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(digest_size=8, key=blake2b(key, digest_size=32).digest())

    def hashes(self, tokens: Sequence[str]) -> NDArray[np.uint64]:
        """One hash a token; 0 for ''."""
        digests = b"".join(map(self._digest, tokens))
        return np.frombuffer(digests, "<u8").astype(np.uint64)

    def hash(self, token: str) -> int:
        """The hash of one token; 0 for ''."""
        return int.from_bytes(self._digest(token), "little")

    def _digest(self, token: str) -> bytes:
        if not token:
            return bytes(8)
        hasher = self._keyed.copy()
        hasher.update(token.encode())
        return hasher.digest()
