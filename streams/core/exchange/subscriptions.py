"""Subscriptions: which partitions are to hear of which users, because orders of theirs were sent here.

Foreign orders are those of tokens that live in other partitions and are linked to users of this one. This partition
counts with them where its users' journeys end, and publishes what it knows of the users in turn: the
partition that states such an order looks at the journey of all who are one person with its buyer.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from streams.core.attribution.transitions import ForeignConversion
from streams.core.catalogue.parse import Goal
from streams.core.columns.arrays import I64, U64
from streams.core.columns.bloom_filter import BloomFilter
from streams.core.door.fields.names import event_name
from streams.core.identity.links import IdentityGraph
from streams.core.orders.matching import counts
from streams.core.orders.order import Order, erase_from, merge_into
from streams.core.orders.value import REVERSED, value_for


class Subscriptions:
    """The foreign orders of the partition `here`, and which partitions subscribe to what is known of its users."""

    def __init__(self, links: IdentityGraph, here: int) -> None:
        self._links, self._here = links, here
        self._orders: dict[str, Order] = {}
        self._buyers: set[int] = set()
        self._subscribers: dict[int, set[int]] = {}  # partitions by user
        self._marks = BloomFilter()  # of those users

    def put(self, orders: Iterable[Order]) -> list[Order]:
        """Take in orders; those that say something new, with all that is known of them."""
        changed = merge_into(self._orders, orders)
        self._buyers.update(*(order.buyers for order in changed))
        return changed

    def subscribe(self, tokens: U64 | None = None) -> list[tuple[int, int]]:
        """Note who subscribes because those tokens, or any, have orders here; the new pairs (user, partition)."""
        pairs = self._pairs(self._buyers if tokens is None else self._buyers.intersection(tokens.tolist()))
        new = [(user, by) for user, by in pairs if by not in {self._here, *self._subscribers.get(user, ())}]
        for user, by in new:
            self._subscribers.setdefault(user, set()).add(by)
        if new:
            self._marks.add(np.array([user for user, _ in new], np.uint64), self._users, len(self._subscribers))
        return new

    def _pairs(self, buyers: set[int]) -> Iterable[tuple[int, int]]:
        """Who is a user of ours that one of those tokens is linked to, and the partition that the token lives in."""
        links, _ = self._links.of(np.array(sorted(buyers), np.uint64))
        home = links.homes
        ours = home.user == self._here
        return dict.fromkeys(zip(links.user_id[ours].tolist(), home.anonymous[ours].tolist(), strict=True))

    def resend(self, tokens: U64) -> None:
        """Have those who subscribe because of those tokens be new once more: they are sent all of it again."""
        for user, by in self._pairs(self._buyers.intersection(tokens.tolist())):
            self._subscribers.get(user, set()).discard(by)

    def _users(self) -> U64:
        return np.fromiter(self._subscribers, np.uint64, len(self._subscribers))

    def subscribers(self, users: U64) -> tuple[I64, I64]:
        """Who subscribes to what is known of those users: (position of the user, partition), a row each."""
        at = self._marks.at(users)
        near = zip(at.tolist(), users[at].tolist(), strict=True)
        pairs = [(i, by) for i, user in near for by in self._subscribers.get(user, ())]
        position, partition = np.array(pairs, np.int64).reshape(-1, 2).T
        return position, partition

    def bought(self, goals: Sequence[Goal]) -> Iterator[ForeignConversion]:
        """The conversions that count of those orders, whoever their users are."""
        found = [
            (goal, order.completions[event])
            for order in self._orders.values()
            for goal, event in ((goal, event_name(goal.event)) for goal in goals)
            if counts(order, goal) and value_for(order, event, goal.value).status != REVERSED
        ]
        buyers = np.fromiter((completion.user for _, completion in found), np.uint64, len(found))
        users, _ = self._links.resolve(buyers)
        for (goal, completion), user in zip(found, users.tolist(), strict=True):
            yield ForeignConversion(goal.id, user, completion.time, completion.denied)

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What is kept of others' orders, by sort: to be measured."""
        return {"foreign orders": self._orders, "subscribers": self._subscribers}

    def erase(self, token: int) -> bool:
        """Forget that a token (a hash) has bought anything; whether there was anything of it."""
        changed = erase_from(self._orders, token)
        self._look_again()
        return changed

    def expire(self, before: int) -> None:
        """Forget the orders that had no message since that time (ms), and who subscribed because of them."""
        self._orders = {order_id: order for order_id, order in self._orders.items() if order.newest >= before}
        self._look_again()

    def _look_again(self) -> None:
        self._buyers = {user for order in self._orders.values() for user in order.buyers}
        self._subscribers, self._marks = {}, BloomFilter()
        self.subscribe()
