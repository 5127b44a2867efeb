"""Borrowing: what a partition makes of that which others tell it (see lending.py, rivals.py)."""

from collections.abc import Sequence

import numpy as np

from streams.core.admission import Clock
from streams.core.events import END_OF_TIME
from streams.core.lending import State
from streams.core.links import homes
from streams.core.orders import Order
from streams.core.restatements import Cause
from streams.core.runs import Touches
from streams.core.segment import Segment, decode, recoded, rows
from streams.core.taken import Taken


class Borrower:
    """Takes in what is lent to a partition; nothing of it moves the partition's `clock`."""

    def __init__(self, state: State, clock: Clock, partitions: int) -> None:
        self._state, self._clock, self._partitions = state, clock, partitions

    def borrow(self, value: bytes, taken: Taken) -> None:
        """Take in one record. Raises ValueError where it is none of ours."""
        state = self._state
        segment = recoded(self._checked(decode(value)), state.kinds)
        state.ids.texts.update({(high, low): text for high, low, text in segment.texts})
        self._touches(rows(segment.lent), taken)
        self._links(rows(segment.links), taken)
        taken.lent_orders += state.lent.put(segment.lent_orders)
        taken.places += state.rivals.place(segment.places)
        self._rivals(segment.rivals, taken)

    def _checked(self, segment: Segment) -> Segment:
        """Whoever may write to the topic must not lead us astray: Kafka keeps no record's author."""
        links, lent = rows(segment.links), rows(segment.lent)
        places = (place for each in segment.places for place in each.partitions)
        most = max([0, *places, *(int(home.max(initial=0)) for home in homes(links))])
        if most >= self._partitions:
            raise ValueError(f"a lent record names partition {most}, and there are {self._partitions}")
        if not segment.kinds.keys() >= set(lent.kind.tolist()):
            raise ValueError("a lent record does not say what its touches are")
        if len(lent.time) and not 0 <= int(lent.time.min()) <= int(lent.time.max()) < END_OF_TIME:
            raise ValueError("a lent record has a touch outside 1970-01-01 to 2106-02-07")
        return segment

    def _touches(self, touches: Touches, taken: Taken) -> None:
        # Where links go round in a circle, our own touches come back.
        touches = touches.take(~self._state.touches.holds(touches.keys))
        taken.lent.append(touches.take(self._state.touches.lent.add(touches)))

    def _links(self, links: Touches, taken: Taken) -> None:
        # Noted now, as our own are: or the segment that has them would be past as soon as it is written.
        noted = np.full(len(links.time), self._clock.latest)
        taken.heard.append(self._state.links.add(links._replace(time=noted)))

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
