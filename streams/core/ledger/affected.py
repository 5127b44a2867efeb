"""Which orders are looked at again because of what came of people: touches, words of consent, links."""

import numpy as np

from streams.core.attribution.attributor import Attributor
from streams.core.columns.arrays import I64, U64
from streams.core.columns.run import earliest
from streams.core.exchange.state import PartitionState
from streams.core.identity.links import Links
from streams.core.orders.cause import Cause


class AffectedOrders:
    """Marks the orders of one partition that the attributor is to attribute anew."""

    def __init__(self, state: PartitionState, attributor: Attributor) -> None:
        self._state, self._attributor = state, attributor
        self._book, self._links = state.book, state.linking.links

    def by_people(self, tokens: U64, times: I64, cause: Cause) -> None:
        """Mark orders of people that what their tokens (hashes) did at those times (ms) may bear on."""
        self._attributor.mark(self._book.affected(tokens, times), cause)
        linked = self._links.perhaps_of(tokens)
        users, time = earliest(tokens[linked], times[linked])
        links, at = self._links.of(users)
        self._attributor.mark(self._book.affected(links.user_id, time[at]), cause)

    def by_links(self, links: Links) -> None:
        """Mark orders of newly linked tokens, and those that the tokens' touches and words of consent count for, or no
        more."""
        if not len(tokens := np.unique(links.anonymous)):
            return
        self._book.relate(self._links, self._book.buyers.among(tokens))
        bought = (order for token in self._book.buyers.among(tokens) for order in self._book.of_buyer(token))
        self._attributor.mark(bought, Cause.IDENTITY)
        touches, _ = self._state.touches.of_users(tokens)
        touches = touches.take(self._state.kinds.class_of[touches.kind] > 0)
        words, _ = self._state.consents.of(tokens)
        tokens, time = earliest(np.append(touches.user, words.user), np.append(touches.time, words.time))
        users, at = self._links.ever_of(tokens)
        self._attributor.mark(self._book.affected(users, time[at]), Cause.IDENTITY)
