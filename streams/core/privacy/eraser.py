"""The eraser: forgets tokens in the state of one partition, and has the other partitions do the same.

A token is forgotten in the partition that asks, and then in all others, which may have been sent what it knows. Who
finds something there tells everybody once more: it may have published that meanwhile. That ends: each time something
goes.
"""

from typing import NamedTuple

from streams.core.attribution.attributor import Attributor
from streams.core.events.batch import Batch, Forward, Origin
from streams.core.events.topics import ERASURES
from streams.core.events.watermark import Outcomes
from streams.core.exchange.publisher import Publisher
from streams.core.exchange.router import ERASE, Router
from streams.core.exchange.state import PartitionState
from streams.core.orders.cause import Cause
from streams.core.parsing.decoding import Rejected
from streams.core.privacy.requests import requests


class Forgotten(NamedTuple):
    """What came of requests: the tokens (hashes) to forget, what became of the records, what to send to others."""

    tokens: list[int]
    outcomes: list[Outcomes]
    forwards: list[Forward]


class Eraser:
    """Erases from the state of a partition, and from what `attributor` has stated; others are had do the same."""

    def __init__(self, state: PartitionState, publisher: Publisher, attributor: Attributor, router: Router) -> None:
        self._state, self._publisher, self._attributor, self._router = state, publisher, attributor, router

    def take(self, batch: Batch) -> Forgotten:
        """Forget what those records ask for; a bad one never raises: it is in the outcomes."""
        outcomes, tokens = Outcomes(batch), list[int]()
        forwards = self._publisher.publish()  # what others are asked to forget is there before they are
        asked = batch.topic == ERASURES
        for at, token in enumerate(requests(batch.values)):
            if isinstance(token, Rejected):
                outcomes.reject(at, token)
                continue
            outcomes.count(accepted=1)
            tokens.append(token)
            if self.erase(token) or asked:
                forwards += self._told(batch, at)
        return Forgotten(tokens, [outcomes] if asked or outcomes.dead else [], forwards)

    def _told(self, batch: Batch, at: int) -> list[Forward]:
        origin = Origin(ERASE, batch.topic, self._router.partition, batch.offsets[at])
        return self._router.to_others(origin, None, batch.values[at])

    def erase(self, token: int) -> bool:
        """Forget that token (a hash) and look again at the conversions it bears on; whether there was anything."""
        state = self._state
        links, book = state.linking.links, state.book
        bears_on = [order for near in links.component_of(token).tolist() for order in book.of_buyer(near)]
        found = [
            state.touches.anonymise(token),
            state.linking.erase(token),
            state.consents.erase(token),
            book.erase(token),
            state.subscriptions.erase(token),
            state.shared.erase(token),
            self._attributor.anonymise(token),
        ]
        state.tokens.forget()
        book.relate(links)
        self._attributor.mark(bears_on, Cause.ERASURE)
        return any(found)
