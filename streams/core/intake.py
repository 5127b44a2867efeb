"""Intake: from source records to touches and orders; what was bad, late, seen before, or belongs elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from typing import TypeVar, cast

import numpy as np

from streams.core.admission import Batch, Clock, Outcomes, ahead_of_now, too_late
from streams.core.borrowing import Borrower
from streams.core.catalogue import Catalogue
from streams.core.codes import Kinds
from streams.core.engagement import EngagementColumns
from streams.core.events import (
    REVERSALS,
    Checkout,
    Engagement,
    Envelope,
    Rejected,
    checkouts,
    denied,
    engagements,
    times,
)
from streams.core.identity import IDENTITY, Identification, identifications
from streams.core.lending import Lender, State
from streams.core.lent import LentOrders
from streams.core.linking import Linking
from streams.core.message_ids import MessageIds
from streams.core.order_book import OrderBook
from streams.core.orders import OURS, Order, Reversal
from streams.core.rivals import Rivals
from streams.core.routing import (
    CLAIM,
    EVENT,
    FORWARDED,
    LEND,
    OFFER,
    Router,
    by_origin,
    checkout_keys,
    engagement_keys,
    identity_keys,
)
from streams.core.runs import I64, Mask
from streams.core.taken import Taken
from streams.core.tokens import Tokens
from streams.core.touches import TouchIndex

ENGAGEMENT, CHECKOUT = "engagement", "checkout"
E = TypeVar("E", Engagement, Checkout, Identification)


class Intake:
    """Everything about a partition's events that does not depend on what was reported."""

    def __init__(self, catalogue: Catalogue, retention: int | None, router: Router, tokens: Tokens) -> None:
        self._catalogue, self._router = catalogue, router
        self.ids, self.kinds, self.clock = MessageIds(), Kinds(), Clock(retention)
        self._columns = EngagementColumns(catalogue, tokens, self.kinds, self.ids)
        self.index = TouchIndex(self.ids.text)
        self.linking = Linking(tokens, router.partitions)
        self.book = OrderBook(catalogue, tokens)
        self.lent = LentOrders(self.linking.links, router.partition)
        self.rivals = Rivals(router.partition, router.partitions)
        known = State(self.index, self.linking.links, self.book, self.lent, self.rivals, self.kinds, self.ids)
        self.lender, self._borrower = Lender(known, router), Borrower(known, self.clock, router.partitions)

    def take(self, batch: Batch, now: int | None) -> Taken:
        """Take in a batch of any topic; `now` in ms, None in a replay."""
        taken = Taken()
        if batch.topic == FORWARDED:
            self._forwarded(batch, now, taken)
        else:
            self._events(batch, now, taken, routed=False)
        self.lender.add(taken)
        return taken

    def _forwarded(self, batch: Batch, now: int | None, taken: Taken) -> None:
        work: Mapping[str, Callable[[Batch], None]] = {
            EVENT: lambda part: self._events(part, now, taken, routed=True),
            OFFER: lambda part: self._offers(part, taken),
            CLAIM: lambda part: self._claims(part, taken),
            LEND: lambda part: self._borrow(part.values, taken),
        }
        for purpose, part in by_origin(batch):
            work[purpose](part)

    def _borrow(self, values: Sequence[bytes | None], taken: Taken) -> None:
        for value in values:
            self._borrower.borrow(value or b"", taken)

    def _events(self, batch: Batch, now: int | None, taken: Taken, routed: bool) -> None:
        outcomes = Outcomes(batch)
        taken.outcomes.append(outcomes)
        if batch.topic == ENGAGEMENT:
            at, touched = self._home(
                batch, *_decoded(engagements(batch.values), outcomes), engagement_keys, taken, routed
            )
            self._engagement(batch, at, touched, outcomes, now, taken)
        elif batch.topic == IDENTITY:
            at, said = self._home(
                batch, *_decoded(identifications(batch.values), outcomes), identity_keys, taken, routed
            )
            self._identity(batch, at, said, outcomes, now, taken)
        else:
            at, bought = self._home(batch, *_decoded(self._checkouts(batch), outcomes), checkout_keys, taken, routed)
            self._checkout(batch, at, bought, outcomes, now, taken)

    def _checkouts(self, batch: Batch) -> list[Checkout | Rejected | None]:
        return checkouts(batch.values, self._catalogue.events, self._catalogue.base_currency)

    def _home(
        self,
        batch: Batch,
        at: list[int],
        events: list[E],
        keys: Callable[[Sequence[E]], list[str]],
        taken: Taken,
        routed: bool,
    ) -> tuple[list[int], list[E]]:
        """The events that belong to this partition by their routing `keys`; the others are sent on."""
        if routed or self._router.partitions == 1:
            return at, events
        away, forwards = self._router.astray(batch, at, keys(events))
        if not forwards:
            return at, events
        taken.forwards += forwards
        stay = np.flatnonzero(~away).tolist()
        return [at[i] for i in stay], [events[i] for i in stay]

    def _engagement(
        self, batch: Batch, at: list[int], events: list[Engagement], outcomes: Outcomes, now: int | None, taken: Taken
    ) -> None:
        time = times([event.timestamp for event in events])
        admitted = self._admitted(batch.topic, time, at, outcomes, now)
        if not admitted.all():
            events, time = list(compress(events, admitted.tolist())), time[admitted]
        touches, denials = self._columns.touches(events, time)
        fresh = self.index.add(touches)
        refused = (fresh & denials).sum()
        outcomes.count(duplicate=(~fresh).sum(), no_consent=refused, accepted=fresh.sum() - refused)
        taken.touches.append(touches.take(fresh))
        self._link(events if fresh.all() else compress(events, fresh.tolist()), taken)

    def _link(self, events: Iterable[Envelope], taken: Taken) -> None:
        """Events that carry both a user id and an anonymous one link them."""
        taken.said.append(self.linking.of_events(events, self.clock.latest))

    def _identity(
        self,
        batch: Batch,
        at: list[int],
        events: list[Identification],
        outcomes: Outcomes,
        now: int | None,
        taken: Taken,
    ) -> None:
        time = np.array([event.time for event in events], np.int64)
        admitted = self._admitted(batch.topic, time, at, outcomes, now)
        messages = list(compress(events, admitted.tolist()))
        rows, links, fresh = self.linking.of_messages(messages, time[admitted], self.clock.latest)
        outcomes.count(duplicate=(~fresh).sum(), accepted=fresh.sum())
        taken.identified.append(rows)
        taken.said.append(links)

    def _admitted(self, topic: str, time: I64, at: Sequence[int], outcomes: Outcomes, now: int | None) -> Mask:
        """Which of the events may be taken in at all, as to their time; the others are dead letters."""
        ahead, late = self.clock.verdicts(topic, time, now)
        for i in np.flatnonzero(ahead).tolist():
            outcomes.reject(at[i], ahead_of_now(int(time[i]), now))
        for i in np.flatnonzero(late).tolist():
            outcomes.reject(at[i], too_late(int(time[i]), self.clock.newest[topic]))
        return ~(ahead | late)

    def _checkout(
        self, batch: Batch, at: list[int], events: list[Checkout], outcomes: Outcomes, now: int | None, taken: Taken
    ) -> None:
        time = np.array([event.time for event in events], np.int64)
        admitted = self._admitted(batch.topic, time, at, outcomes, now)
        accepted: list[Envelope] = []
        for i in np.flatnonzero(admitted).tolist():
            event = events[i]
            if event.envelope.message_id in self.book.seen:
                outcomes.count(duplicate=1)
                continue
            reversal = _reversal(event, batch, at[i], OURS)
            order = self._booked(event, reversal, taken)
            accepted.append(event.envelope)
            is_reversal = event.envelope.event in REVERSALS
            if is_reversal and not order.completions:
                taken.forwards += self._router.offers(reversal, CHECKOUT)
            refused = denied(event.envelope) and not is_reversal
            outcomes.count(**{"no_consent" if refused else "accepted": 1})
        self._link(accepted, taken)
        buyers = [c.user for order in taken.orders.values() for c in order.completions.values()]
        self.book.relate(self.linking.links, buyers)

    def _booked(self, event: Checkout, reversal: Reversal, taken: Taken) -> Order:
        order, found, cause = self.book.take(event, reversal)
        taken.note(order, cause)
        taken.forwards += [self._router.claim(r, CHECKOUT) for r in found if r.home != OURS]
        return order

    def _offers(self, batch: Batch, taken: Taken) -> None:
        """Reversals that wait in another partition: they wait here too, and are claimed once their order is here."""
        for at, event in enumerate(self._checkouts(batch)):
            if not isinstance(event, Checkout):
                continue  # a goal that only the sender's catalogue has; reversals are always counted
            reversal = _reversal(event, batch, at, batch.partition)
            if event.envelope.message_id not in self.book.seen:
                self._booked(event, reversal, taken)
            elif (order := self.book.orders.get(event.order_id)) and order.completions:
                taken.forwards.append(self._router.claim(reversal, CHECKOUT))  # offered again: so is the answer

    def _claims(self, batch: Batch, taken: Taken) -> None:
        """Reversals of ours whose order another partition has."""
        for event in self._checkouts(batch):
            order = self.book.orders.get(event.order_id) if isinstance(event, Checkout) else None
            if order and isinstance(event, Checkout):
                order.claimed(event.envelope.message_id)
                taken.orders[order.order_id] = order


def _decoded(decoded: Sequence[E | Rejected | None], outcomes: Outcomes) -> tuple[list[int], list[E]]:
    """The events among decoded records and their positions; the others are counted."""
    if not {Rejected, type(None)} & set(map(type, decoded)):
        return list(range(len(decoded))), cast(list[E], decoded)
    at: list[int] = []
    events: list[E] = []
    for i, event in enumerate(decoded):
        if isinstance(event, Rejected):
            outcomes.reject(i, event)
        elif event is None:
            outcomes.count(ignored=1)
        else:
            at.append(i)
            events.append(event)
    return at, events


def _reversal(event: Checkout, batch: Batch, at: int, home: int) -> Reversal:
    record = batch.keys[at], batch.values[at] or b"", batch.offsets[at]
    return Reversal(event.envelope.message_id, *record, home, batch.partition)
