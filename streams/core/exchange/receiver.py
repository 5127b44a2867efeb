"""Receiving: what a partition makes of what others publish to it (see publisher.py, orders/shared.py)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from streams.core.columns.run import KeyedRows, concatenated, none
from streams.core.events.batch import Batch
from streams.core.exchange.state import PartitionState
from streams.core.exchange.update import PartitionUpdate, decoded
from streams.core.identity.links import Links
from streams.core.journal.effects import BatchEffects
from streams.core.orders.cause import Cause
from streams.core.orders.order import Order
from streams.core.parsing.decoding import END_OF_TIME, Rejected


class Receiver:
    """Takes in what others publish to a partition; nothing of it moves the partition's clock."""

    def __init__(self, state: PartitionState, partitions: int) -> None:
        self._state, self._partitions = state, partitions
        self._came: list[PartitionUpdate] = []  # read, and not taken in yet

    def take(self, batch: Batch, now: int | None, taken: BatchEffects) -> None:
        """Read records of other partitions, for `receive`; one that is none of ours is a dead letter."""
        outcomes = taken.begin(batch)
        for at, value in enumerate(batch.values):
            try:
                update = self._checked(decoded(value or b""))
                self._came.append(replace(update, touches=update.recoded(self._state.kinds)))
            except ValueError as error:
                outcomes.reject(at, Rejected("internal", str(error)))

    def receive(self, taken: BatchEffects) -> None:
        """Take in all that was read, at once: a few rows of each partition would cost as much as many of one."""
        state, came, self._came = self._state, self._came, []
        if not came:
            return
        texts = [text for update in came for text in update.texts]
        state.ids.texts.update({(high, low): text for high, low, text in texts})
        self._touches(concatenated([none(), *(update.touches for update in came)]), taken)
        self._links(Links.joined([update.links for update in came]), taken)
        taken.consents.append(state.consents.restore(concatenated([none(), *(each.consents for each in came)]), texts))
        taken.foreign_orders += state.subscriptions.put([order for update in came for order in update.orders])
        located = state.shared.locate(places for update in came for places in update.places)
        taken.places += located
        for order, cause in state.book.alike(state.shared.bares(located)):
            taken.note(order, cause)
        self._shared_orders([order for update in came for order in update.shared_orders], taken)

    def _checked(self, update: PartitionUpdate) -> PartitionUpdate:
        """Whoever may write to the topic must not lead us astray: Kafka keeps no record's author."""
        places = (place for each in update.places for place in each.partitions)
        most = max([0, *places, *(int(home.max(initial=0)) for home in update.links.homes)])
        if most >= self._partitions:
            raise ValueError(f"an update names partition {most}, and there are {self._partitions}")
        dated = concatenated([update.touches, update.consents]).time
        if len(dated) and not 0 <= int(dated.min()) <= int(dated.max()) < END_OF_TIME:
            raise ValueError("an update has a touch or a word of consent outside 1970-01-01 to 2106-02-07")
        return update

    def _touches(self, touches: KeyedRows, taken: BatchEffects) -> None:
        # Where links go round in a circle, our own touches come back.
        touches = touches.take(~self._state.touches.holds(touches.keys))
        taken.replicated.append(touches.take(self._state.touches.replicated.add(touches)))

    def _links(self, links: Links, taken: BatchEffects) -> None:
        # Noted now, as our own are: or the segment that has them would be past as soon as it is written.
        noted = np.full(len(links.noted), self._state.clock.latest)
        taken.remote_links.append(self._state.linking.links.add(links._replace(noted=noted)))

    def _shared_orders(self, orders: Sequence[Order], taken: BatchEffects) -> None:
        """What others know of orders that were completed here too."""
        shared, mine = self._state.shared, self._state.book.orders
        known = {order.order_id: shared.of(mine[order.order_id]) for order in orders if order.order_id in mine}
        changed = shared.put(orders)
        taken.shared_orders += changed
        for order in (mine[each.order_id] for each in changed if each.order_id in known):
            before, now = known[order.order_id], shared.of(order)
            order.newest = now.newest  # it is known here as long as anywhere
            taken.note(order, Cause.CORRECTION if now.completions != before.completions else Cause.REVERSAL)
