"""What took nothing of any order: the dead letters for it, once its order is forgotten or a replay is at its end."""

from collections.abc import Callable, Iterable

from streams.core.events.watermark import DeadLetter
from streams.core.orders.keys import shown
from streams.core.orders.namesakes import Namesakes
from streams.core.orders.order import Order, Pending
from streams.core.orders.shared import SharedOrders
from streams.core.orders.value import in_force

_Origin = tuple[str, int, int, bytes]
_Found = tuple[str, set[str]]


class Unclaimed:
    """Tells of messages that wait for an order, and of refunds in another currency than theirs."""

    def __init__(self, completed: Callable[[str], Order | None], namesakes: Namesakes, shared: SharedOrders) -> None:
        """`completed` is the order that messages with a key are of, None = nobody here completed one."""
        self._completed, self._namesakes, self._shared = completed, namesakes, shared

    def of(self, orders: Iterable[Order]) -> list[DeadLetter]:
        """Dead letters for what took nothing, of the messages of those orders."""
        letters, known = dict[_Origin, DeadLetter](), dict[tuple[str, ...], _Found]()
        for order in orders:
            waits = ((pending, False) for pending in order.waiting)
            for pending, claimed in (*waits, *((pending, True) for pending in order.priced)):
                found = known.get(pending.orders) or known.setdefault(pending.orders, self._found(pending.orders))
                if refused := self._refused(pending, found, claimed):
                    letters[_origin(pending)] = DeadLetter(*_origin(pending)[:3], pending.key, pending.value, *refused)
        return list(letters.values())

    def _found(self, keys: Iterable[str]) -> _Found:
        """The first of the completed orders that messages with those keys are of, and the currencies of them all."""
        found = [self._shared.of(order) for order in map(self._completed, keys) if order]
        return (found[0].order_id if found else ""), set[str]().union(*map(currencies, found))

    def _refused(self, pending: Pending, found: _Found, claimed: bool) -> tuple[str, str] | None:
        """Why a message takes nothing of any order, as reason and words; None where it does, or another partition tells
        of it."""
        order_id, own = found
        if not own:
            error = f"no order {shown(next(iter(pending.orders), ''))[:100]!r} was completed"
            elsewhere = claimed or pending.home is not None or any(map(self._namesakes.only, pending.orders))
            return None if elsewhere else ("unknown_order", error)
        told = pending.home is not None and not self._shared.tells(order_id, pending.home)
        if told or not pending.currency or pending.currency in own:
            return None
        return "currency_mismatch", f"the refund is in {pending.currency}, its order {shown(order_id)[:100]!r} is not"


def currencies(order: Order) -> set[str]:
    """The currencies that an order is in, by each event that completes it."""
    return {in_force(order, each)[1] for each in order.completions.values()}


def _origin(pending: Pending) -> _Origin:
    return pending.topic, pending.partition, pending.offset, pending.value
