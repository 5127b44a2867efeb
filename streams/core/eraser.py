"""The eraser: forgets tokens in the state of one partition, and has the other partitions do the same.

A token is forgotten in the partition that asks, and then in all others, which may have borrowed from it. Who finds
something there tells everybody once more: it may have lent that on meanwhile. That ends: each time something goes.
"""

from typing import NamedTuple

from streams.core.admission import Batch, Origin, Outcomes
from streams.core.erasure import ERASURES, naming, requests
from streams.core.events import Rejected
from streams.core.intake import Intake
from streams.core.reporter import Reporter
from streams.core.restatements import Cause
from streams.core.routing import ERASE, Forward, Router
from streams.core.tokens import Tokens


class Forgotten(NamedTuple):
    """What came of requests: the tokens (hashes) to forget, what became of the records, what to send to others."""

    tokens: list[int]
    outcomes: list[Outcomes]
    forwards: list[Forward]


class Eraser:
    """Erases from what `intake` has taken in and `reporter` has stated."""

    def __init__(self, intake: Intake, reporter: Reporter, tokens: Tokens, router: Router) -> None:
        self._intake, self._reporter, self._tokens, self._router = intake, reporter, tokens, router

    def take(self, batch: Batch) -> Forgotten:
        """Forget what those records ask for; a bad one never raises: it is in the outcomes."""
        outcomes, tokens = Outcomes(batch), list[int]()
        forwards = self._intake.lender.lend()  # what others are asked to forget is there before they are
        asked = batch.topic == ERASURES
        for at, token in enumerate(requests(batch.values)):
            if isinstance(token, Rejected):
                outcomes.reject(at, token)
                continue
            outcomes.count(accepted=1)
            tokens.append(token)
            if self.erase(token) or asked:
                forwards += self._told(batch, at)
        return Forgotten(tokens, [outcomes] if asked else [], forwards)

    def _told(self, batch: Batch, at: int) -> list[Forward]:
        origin = Origin(ERASE, batch.topic, self._router.partition, batch.offsets[at])
        return self._router.to_others(origin, None, batch.values[at])

    def erase(self, token: int) -> bool:
        """Forget that token (a hash) and look again at the conversions it bears on; whether there was anything."""
        state, names = self._intake, naming(token, self._tokens)
        links, book = state.linking.links, state.book
        bears_on = [order for near in links.near(token).tolist() for order in book.of_buyer(near)]
        found = [
            state.index.disown(token),
            state.linking.erase(token),
            book.erase(token, names),
            state.lent.erase(token, names),
            state.rivals.erase(token, names),
            self._reporter.disown(token),
        ]
        self._tokens.forget()
        book.relate(links)
        self._reporter.mark(bears_on, Cause.ERASURE)
        return any(found)
