"""Lent orders: those of tokens that live in other partitions and are linked to users of this one.

This partition counts with them where its users' journeys end, and lends what it knows of the users in turn: the
partition that states such an order looks at the journey of all who are one person with its buyer.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from streams.core.catalogue import Goal
from streams.core.links import Links, Marks, homes
from streams.core.orders import REVERSED, Order, Reversal, erased, take_in
from streams.core.runs import I64, U64
from streams.core.transitions import Bought


class LentOrders:
    """The lent orders of the partition `here`, and which partitions borrow what is known of its users in turn."""

    def __init__(self, links: Links, here: int) -> None:
        self._links, self._here = links, here
        self._orders: dict[str, Order] = {}
        self._buyers: set[int] = set()
        self._borrowers: dict[int, set[int]] = {}  # partitions by user
        self._marks = Marks()  # of those users

    def put(self, orders: Iterable[Order]) -> list[Order]:
        """Take in orders; those that say something new, with all that is known of them."""
        changed = take_in(self._orders, orders)
        self._buyers.update(*(order.buyers for order in changed))
        return changed

    def borrow(self, tokens: U64 | None = None) -> list[tuple[int, int]]:
        """Note who borrows because those tokens, or any, have orders here; the pairs (user, partition) that are new."""
        pairs = self._pairs(self._buyers if tokens is None else self._buyers.intersection(tokens.tolist()))
        new = [(user, by) for user, by in pairs if by not in {self._here, *self._borrowers.get(user, ())}]
        for user, by in new:
            self._borrowers.setdefault(user, set()).add(by)
        if new:
            self._marks.add(np.array([user for user, _ in new], np.uint64), self._users, len(self._borrowers))
        return new

    def _pairs(self, buyers: set[int]) -> Iterable[tuple[int, int]]:
        """Who is a user of ours that one of those tokens is linked to, and the partition that the token lives in."""
        links, _ = self._links.of(np.array(sorted(buyers), np.uint64))
        home = homes(links)
        ours = home.user == self._here
        return dict.fromkeys(zip(links.keys.high[ours].tolist(), home.anonymous[ours].tolist(), strict=True))

    def unborrow(self, tokens: U64) -> None:
        """Have those who borrow because of those tokens be new once more."""
        for user, by in self._pairs(self._buyers.intersection(tokens.tolist())):
            self._borrowers.get(user, set()).discard(by)

    def _users(self) -> U64:
        return np.fromiter(self._borrowers, np.uint64, len(self._borrowers))

    def borrowers(self, users: U64) -> tuple[I64, I64]:
        """Who borrows what is known of those users: (position of the user, partition), a row each."""
        at = self._marks.at(users)
        near = zip(at.tolist(), users[at].tolist(), strict=True)
        pairs = [(i, by) for i, user in near for by in self._borrowers.get(user, ())]
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
        changed = erased(self._orders, token, names)
        self._look_again()
        return changed

    def expire(self, before: int) -> None:
        """Forget the orders that had no message since that time (ms), and who borrowed because of them."""
        self._orders = {order_id: order for order_id, order in self._orders.items() if order.newest >= before}
        self._look_again()

    def _look_again(self) -> None:
        self._buyers = {user for order in self._orders.values() for user in order.buyers}
        self._borrowers, self._marks = {}, Marks()
        self.borrow()
