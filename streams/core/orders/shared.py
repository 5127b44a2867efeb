"""Shared orders: orders that were completed in several partitions, because their buyers live in several.

An order has a home, the partition that its id hashes to. Whoever completes an order says so there, and where several
do, the home tells each of the others; these show each other from then on what they know. So all of them know the same
order, and the one that has the latest completion states it.

So are namesakes made known (see namesakes.py): whoever completes an order with a scope, or has a message wait that
names none, says so at the home of the id without the scope, which tells all of them of each other.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from streams.core.columns.murmur2 import partitions_of
from streams.core.orders.order import Order, erase_from, merge_into


class OrderLocations(Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """The partitions that an order was completed in, and the newest time of its messages, ms."""

    order_id: str
    partitions: tuple[int, ...]
    newest: int


_NAMESAKE = "\0\0"  # no key of an order begins so (see keys.py)


def _namesake(bare: str, key: str) -> str:
    """In place of an order's key: that the order `key` has the id `bare` without its scope; '' = somebody asks."""
    return f"{_NAMESAKE}{len(bare)}:{bare}{key}"


def _parted(order_id: str) -> tuple[str, str]:
    """The id without the scope and the key of what is said of a namesake; of an order its key, twice."""
    length, _, both = order_id.removeprefix(_NAMESAKE).partition(":")
    if not order_id.startswith(_NAMESAKE) or not length.isdecimal():
        return order_id, order_id
    return both[: int(length)], both[int(length) :]


class SharedOrders:
    """What the partition `here`, one of so many, knows of such orders."""

    def __init__(self, here: int, partitions: int, scoped: bool = False) -> None:
        """`scoped`: whether orders have scopes, so that one asks whose a message is that names none."""
        self._here, self._partitions, self._scoped = here, partitions, scoped
        self._places: dict[str, OrderLocations] = {}
        self._others: dict[str, Order] = {}  # what other partitions know
        self._namesakes: dict[str, set[str]] = {}  # what is in _places of those with an id, by that id

    def completed(self, orders: Iterable[Order]) -> Iterator[tuple[int, OrderLocations]]:
        """For each of the orders that was completed or waited for, and has a message that no segment has yet: who is to
        know, and what. Home forgets an order no sooner than it does."""
        new = [(each, order.newest) for order in orders if order.messages for each in self._said(order)]
        for home, (order_id, newest) in zip(self._homes([order_id for order_id, _ in new]), new, strict=True):
            yield home, OrderLocations(order_id, (self._here,), newest)

    def _said(self, order: Order) -> Iterator[str]:
        """What is said of an order, in place of its key."""
        if order.completions:
            yield order.order_id
            if order.bare:
                yield _namesake(order.bare, order.order_id)
        elif self._scoped and not order.bare and any(pending.home is None for pending in order.waiting):
            yield _namesake(order.order_id, "")

    def _homes(self, order_ids: Sequence[str]) -> list[int]:
        names = [_parted(order_id)[0].encode() for order_id in order_ids]
        homes: list[int] = partitions_of(names, self._partitions).tolist()
        return homes

    def locate(self, news: Iterable[OrderLocations]) -> list[OrderLocations]:
        """Take in where orders were completed; of those for which that says something new, all there is."""
        changed = []
        for each in news:
            known = self._places.get(each.order_id, each)
            partitions = tuple(sorted({*known.partitions, *each.partitions}))
            joined = OrderLocations(each.order_id, partitions, max(known.newest, each.newest))
            if self._places.get(each.order_id) != joined:
                self._keep(joined)
                changed.append(joined)
        return changed

    def _keep(self, places: OrderLocations) -> None:
        self._places[places.order_id] = places
        if places.order_id.startswith(_NAMESAKE):
            self._namesakes.setdefault(_parted(places.order_id)[0], set()).add(places.order_id)

    def namesakes(self, bare: str) -> set[str]:
        """The keys of the completed orders, as far as is told, that have that id without their scopes."""
        keys = {_parted(each)[1] for each in self._namesakes.get(bare, ())} - {""}
        return keys | {bare} if keys and bare in self._places else keys

    @staticmethod
    def bares(news: Iterable[OrderLocations]) -> set[str]:
        """The ids, without scopes, of the orders that some news are of."""
        return {_parted(each.order_id)[0] for each in news}

    def put(self, orders: Iterable[Order]) -> list[Order]:
        """Take in what other partitions know; of the orders for which that says something new, all they know."""
        return merge_into(self._others, orders)

    def announcements(self, news: Sequence[OrderLocations]) -> Iterator[tuple[int, OrderLocations]]:
        """Which partitions of some orders are to know each other: who, and what; the order's home says so."""
        for home, each in zip(self._homes([each.order_id for each in news]), news, strict=True):
            if home == self._here and len(each.partitions) > 1 and not each.order_id.startswith(_NAMESAKE):
                yield from ((other, each) for other in each.partitions if other != home)
        for bare in sorted(self.bares(news) & self._namesakes.keys()):
            yield from self._introductions(bare)

    def _introductions(self, bare: str) -> Iterator[tuple[int, OrderLocations]]:
        """All that are to know each other as namesakes: who, and what, said anew for as long as any of them is known;
        the home of their id says so."""
        known = {each: self._places[each] for each in self._namesakes[bare]}
        if bare in self._places:
            known[_namesake(bare, bare)] = self._places[bare]
        if len(known) < 2 or self._homes([bare])[0] != self._here:
            return
        newest = max(each.newest for each in known.values())
        for other in sorted({place for each in known.values() for place in each.partitions} - {self._here}):
            yield from ((other, OrderLocations(name, each.partitions, newest)) for name, each in sorted(known.items()))

    def updates_for(self, orders: Iterable[Order]) -> Iterator[tuple[int, Order]]:
        """Who else is to know what is known here of those orders: that, and of which."""
        for order in orders:
            places = self._places.get(order.order_id)
            if places and self._here in places.partitions:
                yield from ((other, order.replica) for other in places.partitions if other != self._here)

    def remote_of(self, orders: Iterable[Order]) -> list[Order]:
        """What other partitions know of those orders, as far as anything."""
        return [self._others[order.order_id] for order in orders if order.order_id in self._others]

    def of(self, order: Order) -> Order:
        """All that is known of the order: itself where nobody else knows anything."""
        others = self._others.get(order.order_id)
        return order.merge(others) if others else order

    def tells(self, order_id: str, home: int) -> bool:
        """Whether this partition is the one that tells of a message from `home` that took nothing of an order: of
        those that completed it, home itself, else the first."""
        places = self._places.get(order_id)
        others = places.partitions if places else ()
        return self._here not in others or (home not in others and self._here == min(others))

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What is kept of shared orders, by sort: to be measured."""
        return {"places": self._places, "shared orders": self._others}

    def erase(self, token: int) -> bool:
        """Forget that a token (a hash) has bought anything; whether there was anything of it."""
        return erase_from(self._others, token)

    def contested(self, order: Order, event: str) -> bool:
        """Whether another partition has a completion of the order by that event, too."""
        others = self._others.get(order.order_id)
        return others is not None and event in others.completions

    def expire(self, before: int, mine: Container[str]) -> None:
        """Forget the orders that had no message since that time (ms); what others know, not before our own."""
        places, self._places = self._places, {}
        namesakes, self._namesakes = self._namesakes, {}
        for order_id, each in places.items():
            bare, key = _parted(order_id)
            alike = (bare, key, *(_parted(other)[1] for other in namesakes.get(bare, ())))
            if each.newest >= before or any(name in mine for name in alike):
                self._keep(each)
        self._others = {order_id: order for order_id, order in self._others.items() if order_id in mine}
