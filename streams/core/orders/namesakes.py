"""Namesakes: orders of several shops with one id, which a message that names no shop cannot tell apart."""

from collections import defaultdict
from collections.abc import Callable, Collection, Set

from streams.core.orders.order import Order


def _nowhere(bare: str) -> Collection[str]:
    return ()


class Namesakes:
    """The keys of completed orders by the id without the scope: those here, and those that are told of `elsewhere`."""

    def __init__(self, elsewhere: Callable[[str], Collection[str]] = _nowhere) -> None:
        self._here: defaultdict[str, set[str]] = defaultdict(set)
        self._elsewhere = elsewhere

    @property
    def none_here(self) -> bool:
        """Whether no order here has a scope."""
        return not self._here

    def add(self, order: Order) -> None:
        """Count in an order of this partition, if it has a scope and was completed."""
        if order.bare and order.completions:
            self._here[order.bare].add(order.order_id)

    def here(self, bare: str) -> Set[str]:
        """The keys of those in this partition."""
        return self._here.get(bare, set())

    def of(self, bare: str) -> set[str]:
        """The keys of all of them; the id itself where an order without a scope was completed elsewhere."""
        return {*self.here(bare), *self._elsewhere(bare)}

    def only(self, bare: str) -> str:
        """The one order that has that id, '' where none has, or several have."""
        keys = self.of(bare)
        return keys.pop() if len(keys) == 1 else ""

    def expire(self, known: Set[str]) -> None:
        """Forget the ids of which no order is known any more."""
        for bare in [bare for bare, keys in self._here.items() if not (keys & known)]:
            del self._here[bare]
