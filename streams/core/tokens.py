"""User tokens: which one an event belongs to, and the keyed hash that is all we keep of it."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from streams.core.events import Envelope

_CACHED = 50_000  # tokens remembered by their text; whoever makes up more of them only costs time


def token_of(event: Envelope) -> str:
    """The event's user token, '' where it has none. Every token comes from this module."""
    return event.user_id or event.anonymous_id or ""


def tokens_of(events: Iterable[Envelope]) -> list[str]:
    """The user tokens of many events."""
    return [event.user_id or event.anonymous_id or "" for event in events]


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
        hasher.update(token.encode())
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

    def hashes(self, tokens: Sequence[str]) -> NDArray[np.uint64]:
        """One hash a token; 0 for ''."""
        return np.frombuffer(b"".join(map(self._known.__getitem__, tokens)), "<u8").astype(np.uint64)

    def hash(self, token: str) -> int:
        """The hash of one token; 0 for ''."""
        return int.from_bytes(self._known[token], "little")

    def forget(self) -> None:
        """Keep no token's text."""
        self._known.forget()
