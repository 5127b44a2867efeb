"""Orders: messages that complete, update or take back orders, here or in other partitions."""

from collections.abc import Sequence

from streams.core.door.canonical import CompletionEvent, Rejected, Reversal, Update
from streams.core.events.batch import Batch
from streams.core.events.watermark import Outcomes
from streams.core.exchange.messages import unpacked
from streams.core.exchange.router import Router
from streams.core.exchange.state import PartitionState
from streams.core.journal.effects import BatchEffects
from streams.core.ledger.messages import Arrived, Messages
from streams.core.ledger.settings import LedgerSettings
from streams.core.orders.keys import OrderEvent, OrderKey, keys_of
from streams.core.orders.order import Pending
from streams.core.orders.store import Booked
from streams.core.parsing.decoding import attempt

_NOTHING = Pending("", "", 0, 0, None, b"")  # of completions, which wait for nothing


class OrderIngest:
    """Takes in the messages of orders of one partition."""

    def __init__(self, state: PartitionState, rules: LedgerSettings, router: Router) -> None:
        self._state, self._router = state, router
        self.use(rules)

    def use(self, rules: LedgerSettings) -> None:
        """Go by those rules from now on."""
        self._rules = rules

    def take(self, arrived: list[Arrived], messages: Messages, outcomes: Outcomes, taken: BatchEffects) -> None:
        """Take in messages of this partition."""
        if not arrived:
            return
        accepted = [a.event.message for a in arrived if self._order(a, messages, outcomes, taken)]
        pairs = ((message.anonymous_id, message.user_id) for message in accepted)
        taken.local_links.append(self._state.linking.of_pairs(pairs, self._state.clock.latest))
        buyers = [c.user for order in taken.orders.values() for c in order.completions.values()]
        self._state.book.relate(self._state.linking.links, buyers)

    def _order(self, arrived: Arrived, messages: Messages, outcomes: Outcomes, taken: BatchEffects) -> bool:
        """Take in a message of an order under each of its keys; whether it was new under any."""
        event, keys = arrived.event, keys_of(arrived.event, self._rules.catalogue)
        pending = _NOTHING if isinstance(event, CompletionEvent) else self._pending(arrived, keys, messages)
        booked = self._book_all(event, keys, pending, outcomes, taken)
        if not booked:
            outcomes.count(duplicate=1)
            return False
        if not isinstance(event, CompletionEvent) and not any(each.order.completions for each in booked):
            taken.forwards += self._router.offers(event, pending)
        refused = isinstance(event, CompletionEvent) and event.message.denied is True
        repeated = all(each.repeated for each in booked)
        outcomes.count(**{"repeated" if repeated else "no_consent" if refused else "accepted": 1})
        outcomes.order_conflicts += any(each.other for each in booked)
        outcomes.foreign += max(each.foreign for each in booked)
        return True

    def _book_all(
        self,
        event: OrderEvent,
        keys: Sequence[OrderKey],
        pending: Pending,
        outcomes: Outcomes | None,
        taken: BatchEffects,
    ) -> list[Booked]:
        booked, seen = list[Booked](), [self._state.book.seen(event, key) for key in keys]
        if outcomes:
            outcomes.conflicting_ids += any(conflicting for _, conflicting in seen)
        for key, (again, _) in zip(keys, seen, strict=True):
            if not again:
                booked.append(self._state.book.apply(event, key, pending))
                self._noted(event, booked[-1], taken)
        return booked

    def _noted(self, event: OrderEvent, booked: Booked, taken: BatchEffects) -> None:
        taken.note(booked.order, booked.cause)
        for order, cause in self._state.book.others(event, booked):
            taken.note(order, cause)
        found = ((pending, pending.home) for pending in booked.found)
        taken.forwards += [self._router.claim(pending, home) for pending, home in found if home is not None]

    def _pending(self, arrived: Arrived, keys: Sequence[OrderKey], messages: Messages) -> Pending:
        batch, (record, raw) = messages.batch, messages.origin(arrived.at)
        message, key = arrived.event.message, batch.keys[record]
        named = [message.user_id, message.anonymous_id, (key or b"").decode(errors="replace")]
        tokens = tuple(sorted({self._state.tokens.hash(name) for name in named if name}))
        currency = arrived.event.currency if isinstance(arrived.event, Reversal) and not arrived.event.whole else ""
        place = batch.topic, batch.partition, batch.offsets[record], key, raw
        orders = tuple(each.key for each in keys)
        return Pending(message.message_id, *place, currency, orders, tokens)

    def take_offers(self, batch: Batch, now: int | None, taken: BatchEffects) -> None:
        """Messages that wait in another partition: they wait here too, and are claimed once their order is here."""
        outcomes = taken.begin(batch)
        for at, value in enumerate(batch.values):
            carried = attempt(unpacked, value)
            if isinstance(carried, Rejected):
                outcomes.reject(at, carried)
                continue
            event, pending = carried.update or carried.reversal, carried.pending
            if event is None or pending is None or pending.home is None:
                outcomes.reject(at, Rejected("internal", "the record offers nothing"))
                continue
            self._offered(event, pending, taken)

    def _offered(self, event: Update | Reversal, pending: Pending, taken: BatchEffects) -> None:
        keys = keys_of(event, self._rules.catalogue)
        self._book_all(event, keys, pending, None, taken)
        orders = (self._state.book.orders.get(key.key) for key in keys)
        if pending.home is not None and any(order and order.completions for order in orders):
            taken.forwards.append(self._router.claim(pending, pending.home))  # offered again: so is the answer

    def take_claims(self, batch: Batch, now: int | None, taken: BatchEffects) -> None:
        """Messages of ours whose order another partition has."""
        outcomes, claimed = taken.begin(batch), dict[str, set[str]]()
        for at, value in enumerate(batch.values):
            carried = attempt(unpacked, value)
            if isinstance(carried, Rejected) or carried.pending is None:
                nothing = Rejected("internal", "the record claims nothing")
                outcomes.reject(at, carried if isinstance(carried, Rejected) else nothing)
                continue
            for key in carried.pending.orders:
                claimed.setdefault(key, set()).add(carried.pending.message_id)
        for order in (self._state.book.orders[key] for key in claimed.keys() & self._state.book.orders.keys()):
            order.claimed(sorted(claimed[order.order_id]))
            taken.orders[order.order_id] = order
