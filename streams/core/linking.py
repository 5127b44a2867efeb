"""Linking: finds links in events and identity messages, and keeps them."""

from collections.abc import Iterable, Sequence

import numpy as np

from streams.core.events import Envelope
from streams.core.identity import Identification
from streams.core.index import Index
from streams.core.links import Homes, Links, link_rows
from streams.core.message_ids import MessageIds
from streams.core.partitioner import partitions_of
from streams.core.runs import I64, Mask, Touches, none
from streams.core.tokens import Tokens

_CACHED = 100_000  # links remembered by their tokens' text; whoever makes up more of them only costs time
Pair = tuple[str, str]  # anonymous token, user id


class Linking:
    """The links of a partition, and which identity messages it has seen."""

    def __init__(self, tokens: Tokens, partitions: int) -> None:
        self._tokens, self._partitions = tokens, partitions
        self.links, self.seen = Links(), Index()
        self._ids = MessageIds()
        self._known: dict[str, str] = {}

    def of_events(self, events: Iterable[Envelope], noted: int) -> Touches:
        """The new links in those events, noted at that time (ms)."""
        known = self._known.get
        pairs = [(a, u) for e in events if (a := e.anonymous_id) and (u := e.user_id) and known(a) != u]
        return self._add(pairs, noted) if pairs else none()

    def of_messages(self, messages: Sequence[Identification], time: I64, noted: int) -> tuple[Touches, Touches, Mask]:
        """The messages not seen before as rows, the new links in them, and which they are. `time` in ms."""
        keys = self._ids.keys([message.message_id for message in messages])
        self._ids.forget(keys)
        user = self._tokens.hashes([message.anonymous for message in messages])
        rows = Touches(user, time, np.zeros(len(messages), np.uint32), keys)
        fresh = self.seen.add(rows)
        pairs = [(messages[i].anonymous, messages[i].user) for i in np.flatnonzero(fresh).tolist()]
        return rows.take(fresh), self._add(pairs, noted), fresh

    def erase(self, token: int) -> bool:
        """Forget who that token (a hash) is linked to, and whose messages said so; whether there was anything."""
        self._known.clear()
        return self.links.unlink(token) | self.seen.disown(token)

    def _add(self, pairs: Sequence[Pair], noted: int) -> Touches:
        if len(self._known) >= _CACHED:
            self._known.clear()
        self._known.update(pairs)
        # A token that is both at once is linked to nobody else.
        two = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]
        if not two:
            return none()
        anonymous, user = zip(*two, strict=True)
        home = Homes(self._homes(anonymous), self._homes(user))
        return self.links.add(link_rows(self._tokens.hashes(anonymous), self._tokens.hashes(user), home, noted))

    def _homes(self, tokens: Sequence[str]) -> I64:
        return partitions_of([token.encode() for token in tokens], self._partitions)
