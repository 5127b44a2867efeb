"""Buyers: who bought what and when, so that orders are found by what came of people."""

from collections.abc import Collection, Iterable

import numpy as np

from streams.core.columns.arrays import I64, U64
from streams.core.columns.bloom_filter import BloomFilter
from streams.core.columns.run import earliest
from streams.core.identity.links import IdentityGraph


class Buyers:
    """The orders of tokens, by hash: when each was completed, ms. An order is found by its canonical token, too."""

    def __init__(self) -> None:
        self.bought: dict[int, dict[str, int]] = {}
        self._marks, self._new = BloomFilter(), list[int]()

    def note(self, token: int, order_id: str, time: int) -> None:
        """Note that a token completed an order at that time, ms, or at a later one that is known."""
        bought = self._of(token)
        bought[order_id] = max(time, bought.get(order_id, time))

    def note_former(self, token: int, order_id: str) -> None:
        """Note that a token completed an order once, and is its buyer no more: that is later than no touch."""
        self._of(token).setdefault(order_id, 0)

    def _of(self, token: int) -> dict[str, int]:
        found = self.bought.get(token)
        if found is None:
            found = self.bought[token] = {}
            self._new.append(token)
        return found

    def relate(self, links: IdentityGraph, tokens: Iterable[int] | None) -> None:
        """Let the orders of those tokens, or of all, be found by what the links say is their canonical token, too."""
        known = list(self.bought if tokens is None else self.bought.keys() & tokens)
        canonical, _ = links.resolve(np.array(known, np.uint64))
        for token, user in zip(known, canonical.tolist(), strict=True):
            if token != user:
                for order_id, time in self.bought[token].items():
                    self.note(user, order_id, time)

    def among(self, tokens: U64) -> list[int]:
        """The tokens, of some, that bought something."""
        return [token for token in tokens[self._perhaps(tokens)].tolist() if token in self.bought]

    def _perhaps(self, tokens: U64) -> I64:
        """The positions of those that may have bought something."""
        if self._new:
            self._marks.add(np.array(self._new, np.uint64), self._all, len(self.bought))
            self._new.clear()
        return self._marks.at(tokens)

    def affected(self, users: U64, times: I64) -> list[str]:
        """The orders that touches of those users at those times (ms) may bear on, by user."""
        at = self._perhaps(users)
        if not len(at):
            return []
        user, time = earliest(users[at], times[at])
        pairs = zip(user.tolist(), time.tolist(), strict=True)
        found = ((self.bought[buyer], since) for buyer, since in pairs if buyer in self.bought)
        return [order_id for bought, since in found for order_id, time in bought.items() if time >= since]

    def _all(self) -> U64:
        return np.fromiter(self.bought, np.uint64, len(self.bought))

    def keep(self, orders: Collection[str]) -> None:
        """Forget all but those orders."""
        kept = ((token, {o: at for o, at in bought.items() if o in orders}) for token, bought in self.bought.items())
        self.bought = {token: bought for token, bought in kept if bought}
        self._marks, self._new = BloomFilter(), list(self.bought)
