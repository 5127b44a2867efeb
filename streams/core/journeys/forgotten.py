"""Forgotten touches: what is still known of them, one row a user, in place of the touches.

A conversion without a touch inside its window is `out_of_window` where its user had any before, however long ago, and a
journey goes on from a touch that may be forgotten by now. For both it is enough to know when a user's first and last
forgotten touches were.
"""

import numpy as np

from streams.core.columns.arrays import I64, U32, U64, Mask
from streams.core.columns.message_ids import Keys, MessageIds, plain_keys
from streams.core.columns.run import KeyedRows
from streams.core.door.canonical import END_OF_TIME

NEVER = END_OF_TIME  # ms: the first touch of who has none


class ForgottenTouches:
    """By user (hash, sorted, distinct): when the first and the last forgotten touch were, ms, and the kind of that."""

    def __init__(self) -> None:
        self.user: U64 = np.zeros(0, np.uint64)
        self._first: I64 = np.zeros(0, np.int64)
        self._last: I64 = np.zeros(0, np.int64)
        self._kind: U32 = np.zeros(0, np.uint32)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(column.nbytes for column in (self.user, self._first, self._last, self._kind))

    def add(self, touches: KeyedRows) -> None:
        """Note touches that are forgotten now."""
        user = np.append(self.user, touches.user)
        first, last = np.append(self._first, touches.time), np.append(self._last, touches.time)
        kind = np.append(self._kind, touches.kind)
        order = np.lexsort((kind, last, user))
        ends = np.flatnonzero(np.append(np.diff(user[order]) != 0, True)[: len(order)])
        starts = np.append(0, ends[:-1] + 1)[: len(ends)]
        self._first = np.minimum.reduceat(first[order], starts) if len(starts) else first
        at = order[ends]
        self.user, self._last, self._kind = user[at], last[at], kind[at]

    def expire(self, before: int) -> None:
        """Forget whose last one was before that time, ms."""
        self._keep(self._last >= before)

    def anonymise(self, token: int) -> bool:
        """Forget that token (a hash); whether there was anything of it."""
        theirs = self.user == np.uint64(token)
        self._keep(~theirs)
        return bool(theirs.any())

    def _keep(self, at: Mask) -> None:
        if not at.all():
            self.user, self._first, self._last = self.user[at], self._first[at], self._last[at]
            self._kind = self._kind[at]

    def first_of(self, tokens: U64) -> I64:
        """When the first of each of those tokens was, ms; NEVER where there is none."""
        if not len(self.user):
            return np.full(len(tokens), NEVER)
        at = self.user.searchsorted(tokens)
        known = self.user.take(at, mode="clip") == tokens
        return np.where(known, self._first.take(at, mode="clip"), NEVER)

    def kinds(self) -> I64:
        """The kinds there are, each once."""
        return np.unique(self._kind).astype(np.int64)

    def last(self, at: Mask) -> KeyedRows:
        """The last touch of some, as a row with an empty id: it comes before all others of its moment."""
        user = self.user[at]
        high, low, form = MessageIds().keys([""])
        keys = Keys(np.repeat(high, len(user)), np.repeat(low, len(user)), np.repeat(form, len(user)))
        return KeyedRows(user, self._last[at], self._kind[at], plain_keys(keys, user))
