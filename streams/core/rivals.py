"""Rivals: orders that were completed in several partitions, because their buyers live in several.

An order has a home, the partition that its id hashes to. Whoever completes an order says so there, and where several
do, the home tells each of the others; these show each other from then on what they know. So all of them know the same
order, and the one that has the latest completion states it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from streams.core.orders import Order, Reversal, forget, take_in
from streams.core.partitioner import partitions_of


class Places(Struct, array_like=True, frozen=True, gc=False):
    """The partitions that an order was completed in, and the newest time of its messages, ms."""

    order_id: str
    partitions: tuple[int, ...]
    newest: int


class Rivals:
    """What the partition `here`, one of so many, knows of such orders."""

    def __init__(self, here: int, partitions: int) -> None:
        self._here, self._partitions = here, partitions
        self._places: dict[str, Places] = {}
        self._others: dict[str, Order] = {}  # what other partitions know

    def completed(self, orders: Iterable[Order]) -> Iterator[tuple[int, Places]]:
        """For each of the orders that has a completion that no segment has yet: who is to know that, and what."""
        new = [order for order in orders if any(c.message_id in order.messages for c in order.completions.values())]
        for home, order in zip(self._homes([order.order_id for order in new]), new, strict=True):
            yield home, Places(order.order_id, (self._here,), order.newest)

    def _homes(self, order_ids: Sequence[str]) -> list[int]:
        homes: list[int] = partitions_of([order_id.encode() for order_id in order_ids], self._partitions).tolist()
        return homes

    def place(self, news: Iterable[Places]) -> list[Places]:
        """Take in where orders were completed; of those for which that says something new, all there is."""
        changed = []
        for each in news:
            known = self._places.get(each.order_id, each)
            partitions = tuple(sorted({*known.partitions, *each.partitions}))
            joined = Places(each.order_id, partitions, max(known.newest, each.newest))
            if self._places.get(each.order_id) != joined:
                self._places[each.order_id] = joined
                changed.append(joined)
        return changed

    def put(self, orders: Iterable[Order]) -> list[Order]:
        """Take in what other partitions know; of the orders for which that says something new, all they know."""
        return take_in(self._others, orders)

    def told(self, news: Sequence[Places]) -> Iterator[tuple[int, Places]]:
        """Of those orders, which others are to know each other: who, and what. That is for the order's home to say."""
        for home, each in zip(self._homes([each.order_id for each in news]), news, strict=True):
            if home == self._here and len(each.partitions) > 1:
                yield from ((other, each) for other in each.partitions if other != home)

    def shown(self, orders: Iterable[Order]) -> Iterator[tuple[int, Order]]:
        """Who else is to know what is known here of those orders: that, and of which."""
        for order in orders:
            places = self._places.get(order.order_id)
            if places and self._here in places.partitions:
                yield from ((other, order.shown) for other in places.partitions if other != self._here)

    def erase(self, token: int, names: Callable[[Reversal], bool]) -> bool:
        """That token (a hash) has bought nothing; whether there was anything of it. `names` as for `Order.without`."""
        return forget(self._others, token, names)

    def of(self, order: Order) -> Order:
        """All that is known of the order: itself where nobody else knows anything."""
        others = self._others.get(order.order_id)
        return order.joined(others) if others else order

    def expire(self, before: int) -> None:
        """Forget the orders that had no message since that time (ms)."""
        self._places = {order_id: each for order_id, each in self._places.items() if each.newest >= before}
        self._others = {order_id: order for order_id, order in self._others.items() if order.newest >= before}
