"""Borrowing: what a partition makes of that which others tell it (see lending.py, rivals.py)."""

from collections.abc import Sequence

import numpy as np

from streams.core.admission import Clock
from streams.core.lending import State
from streams.core.orders import Order
from streams.core.restatements import Cause
from streams.core.runs import Touches
from streams.core.segment import decode, recoded, rows
from streams.core.taken import Taken


class Borrower:
    """Takes in what is lent to a partition; nothing of it moves the partition's `clock`."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state, self._clock = state, clock

    def borrow(self, value: bytes, taken: Taken) -> None:
        """Take in one record. Raises msgspec.MsgspecError where it is none of ours."""
        state = self._state
        segment = recoded(decode(value), state.kinds)
        state.ids.texts.update({(high, low): text for high, low, text in segment.texts})
        self._touches(rows(segment.lent), taken)
        self._links(rows(segment.links), taken)
        taken.lent_orders += state.lent.put(segment.lent_orders)
        taken.places += state.rivals.place(segment.places)
        self._rivals(segment.rivals, taken)

    def _touches(self, touches: Touches, taken: Taken) -> None:
        # Where links go round in a circle, our own touches come back.
        touches = touches.take(~self._state.touches.holds(touches.keys))
        taken.lent.append(touches.take(self._state.touches.lent.add(touches)))

    def _links(self, links: Touches, taken: Taken) -> None:
        # Noted now, as our own are: or the segment that has them would be past as soon as it is written.
        noted = np.full(len(links.time), self._clock.latest)
        taken.links.append(self._state.links.add(links._replace(time=noted)))

    def _rivals(self, orders: Sequence[Order], taken: Taken) -> None:
        """What others know of orders that were completed here too."""
        rivals, mine = self._state.rivals, self._state.book.orders
        known = {order.order_id: rivals.of(mine[order.order_id]) for order in orders if order.order_id in mine}
        changed = rivals.put(orders)
        taken.rivals += changed
        for order in (mine[each.order_id] for each in changed if each.order_id in known):
            before, now = known[order.order_id], rivals.of(order)
            order.newest = now.newest  # it is known here as long as anywhere
            taken.note(order, Cause.CORRECTION if now.completions != before.completions else Cause.REVERSAL)
