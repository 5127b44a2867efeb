"""Linking: finds links in events and identity messages, and keeps them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from streams.core.columns.arrays import I64, Mask
from streams.core.columns.index import Index
from streams.core.columns.message_ids import MessageIds
from streams.core.columns.murmur2 import partitions_of
from streams.core.columns.run import KeyedRows
from streams.core.door.canonical import Link
from streams.core.identity.links import IdentityGraph, LinkPartitions, Links, new_links
from streams.core.identity.tokens import Tokens

_CACHED = 100_000  # links remembered by their tokens' text; whoever makes up more of them only costs time
Pair = tuple[str, str]  # anonymous token, user id


class Linker:
    """The links of a partition, and which identity messages it has seen."""

    def __init__(self, tokens: Tokens, partitions: int) -> None:
        self._tokens, self._partitions = tokens, partitions
        self.links, self.seen = IdentityGraph(), Index()
        self._ids = MessageIds()
        self._known: dict[str, str] = {}

    def of_pairs(self, pairs: Iterable[Pair], noted: int) -> Links:
        """The new links in the anonymous and user ids of messages, '' where one has none; noted at that time (ms)."""
        known = self._known.get
        new = [(anonymous, user) for anonymous, user in pairs if anonymous and user and known(anonymous) != user]
        return self._add(new, noted) if new else Links.joined(())

    def of_links(self, links: Sequence[Link], noted: int) -> tuple[KeyedRows, Links, Mask]:
        """The messages not seen before as rows, the new links in them, and which they are."""
        senders = self._tokens.hashes([link.message.token for link in links])
        keys = self._ids.keys([link.message.message_id for link in links], senders)
        self._ids.forget(keys)
        user = self._tokens.hashes([link.anonymous for link in links])
        time = np.fromiter((link.message.time for link in links), np.int64, len(links))
        rows = KeyedRows(user, time, np.zeros(len(links), np.uint32), keys)
        fresh = self.seen.add(rows)
        pairs = [(links[i].anonymous, links[i].user) for i in np.flatnonzero(fresh).tolist()]
        return rows.take(fresh), self._add(pairs, noted), fresh

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What the linker keeps, by sort: to be measured."""
        return {"links lately": self._known, "tokens lately": self._tokens.known}

    def erase(self, token: int) -> bool:
        """Forget who that token (a hash) is linked to, and whose messages said so; whether there was anything."""
        self._known.clear()
        return self.links.unlink(token) | self.seen.anonymise(token)

    def _add(self, pairs: Sequence[Pair], noted: int) -> Links:
        if len(self._known) >= _CACHED:
            self._known.clear()
        self._known.update(pairs)
        # A token that is both at once is linked to nobody else.
        two = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]
        if not two:
            return Links.joined(())
        anonymous, user = zip(*two, strict=True)
        home = LinkPartitions(self._homes(anonymous), self._homes(user))
        return self.links.add(new_links(self._tokens.hashes(anonymous), self._tokens.hashes(user), home, noted))

    def _homes(self, tokens: Sequence[str]) -> I64:
        return partitions_of([token.encode() for token in tokens], self._partitions)
