"""Lent orders: those of tokens that live in other partitions and are linked to users of this one.

This partition counts with them where its users' journeys end, and lends what it knows of the users in turn: the
partition that states such an order looks at the journey of all who are one person with its buyer.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from streams.core.catalogue import Goal
from streams.core.links import Links, homes
from streams.core.orders import REVERSED, Order, Reversal, forget, take_in
from streams.core.runs import I64, U64
from streams.core.transitions import Bought


class LentOrders:
    """The lent orders of the partition `here`, and which partitions borrow what is known of its users in turn."""

    def __init__(self, links: Links, here: int) -> None:
        self._links, self._here = links, here
        self._orders: dict[str, Order] = {}
        self._buyers: set[int] = set()
        self._borrowers: dict[int, set[int]] = defaultdict(set)  # partitions by user

    def put(self, orders: Iterable[Order]) -> list[Order]:
        """Take in orders; those that say something new, with all that is known of them."""
        changed = take_in(self._orders, orders)
        self._buyers.update(*(order.buyers for order in changed))
        return changed

    def borrow(self, tokens: U64 | None = None) -> list[tuple[int, int]]:
        """Note who borrows because those tokens, or any, have orders here; the pairs (user, partition) that are new."""
        buyers = self._buyers if tokens is None else self._buyers.intersection(tokens.tolist())
        links, _ = self._links.of(np.array(sorted(buyers), np.uint64))
        home = homes(links)
        ours = home.user == self._here
        pairs = zip(links.keys.high[ours].tolist(), home.anonymous[ours].tolist(), strict=True)
        new = [pair for pair in dict.fromkeys(pairs) if pair[1] not in {self._here, *self._borrowers[pair[0]]}]
        for user, by in new:
            self._borrowers[user].add(by)
        return new

    def borrowers(self, users: U64) -> tuple[I64, I64]:
        """Who borrows what is known of those users: (position of the user, partition), a row each."""
        if not self._borrowers:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        at = np.flatnonzero(np.isin(users, np.fromiter(self._borrowers, np.uint64)))
        pairs = [(i, by) for i in at.tolist() for by in self._borrowers[int(users[i])]]
        position, partition = np.array(pairs, np.int64).reshape(-1, 2).T
        return position, partition

    def bought(self, goals: Sequence[Goal]) -> Iterator[Bought]:
        """The conversions that count of those orders, whoever their users are."""
        found = [
            (goal, order.completions[goal.event])
            for order in self._orders.values()
            for goal in goals
            if (worth := order.worth(goal)) and worth.status != REVERSED
        ]
        buyers = np.fromiter((completion.user for _, completion in found), np.uint64, len(found))
        users, _ = self._links.resolve(buyers)
        for (goal, completion), user in zip(found, users.tolist(), strict=True):
            yield Bought(goal.id, user, completion.time)

    def erase(self, token: int, names: Callable[[Reversal], bool]) -> bool:
        """That token (a hash) has bought nothing; whether there was anything of it. `names` as for `Order.without`."""
        found = forget(self._orders, token, names)
        self._look_again()
        return found

    def expire(self, before: int) -> None:
        """Forget the orders that had no message since that time (ms), and who borrowed because of them."""
        self._orders = {order_id: order for order_id, order in self._orders.items() if order.newest >= before}
        self._look_again()

    def _look_again(self) -> None:
        self._buyers = {user for order in self._orders.values() for user in order.buyers}
        self._borrowers.clear()
        self.borrow()
