"""The order book: every order of a partition, found by its id or by who bought."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Raw, structs

from streams.core.admission import DeadLetter
from streams.core.catalogue import Catalogue, Goal
from streams.core.events import END_OF_TIME, REFUNDED, REVERSALS, Checkout, denied
from streams.core.links import Links
from streams.core.orders import OURS, Completion, Order, Reversal, erased
from streams.core.restatements import Cause
from streams.core.runs import I64, U64
from streams.core.tokens import Tokens, token_of

_CUSTOMER = {True: "new", False: "returning", None: "unknown"}


class Booked(NamedTuple):
    """What a checkout event did: its order, the reversals that have found it just now, and why what was stated of the
    order may have to be stated anew."""

    order: Order
    found: list[Reversal]
    cause: Cause


class OrderBook:
    """Takes in checkout events and keeps what they amount to, by order."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens) -> None:
        self._catalogue, self._tokens = catalogue, tokens
        self.orders: dict[str, Order] = {}
        self.seen: dict[str, str] = {}  # order by message id
        # By token and order: when it was last completed, ms. An order is found by its canonical token, too.
        self._buyers: dict[int, dict[str, int]] = {}

    def take(self, event: Checkout, reversal: Reversal) -> Booked:
        """Take in an event that was not seen before; `reversal` is the record as it came."""
        name, message_id = event.envelope.event, event.envelope.message_id
        order, found = self.orders.get(event.order_id) or Order(event.order_id), list[Reversal]()
        standing, cause = order.completions.get(name), Cause.CATALOGUE
        if name in REVERSALS:
            cause = Cause.REVERSAL
            order.reverse(event.amount if name == REFUNDED else None, reversal)
            found = [reversal] if order.completions else []
        else:
            found = order.complete(name, self._completion(event))
            if standing and order.completions[name] is not standing:
                cause = Cause.CORRECTION
        order.note(message_id, event.time)
        self._keep(order, [message_id])
        return Booked(order, found, cause)

    def put(self, order: Order) -> None:
        """Keep that state of the order in place of an earlier one."""
        self._keep(structs.replace(order, messages=[]), order.messages)

    def _keep(self, order: Order, messages: Iterable[str]) -> None:
        self.orders[order.order_id] = order
        self.seen.update(dict.fromkeys(messages, order.order_id))
        for completion in order.completions.values():
            if completion.user:
                bought = self._buyers.setdefault(completion.user, {})
                bought[order.order_id] = max(completion.time, bought.get(order.order_id, 0))
        for user in order.former:
            self._buyers.setdefault(user, {}).setdefault(order.order_id, 0)  # later than no touch

    def _completion(self, event: Checkout) -> Completion:
        envelope, refused = event.envelope, denied(event.envelope)
        context = envelope.context.campaign if envelope.context else None
        named = (context.id, context.name) if context else (None, None)
        return Completion(
            time=event.time,
            message_id=envelope.message_id,
            user=0 if refused else self._tokens.hash(token_of(envelope)),
            denied=refused,
            campaign="" if refused else self._catalogue.resolve(*named, event.coupon),
            network=((context and context.source) or "").lower(),
            amount=event.amount or 0,
            currency=event.currency,
            customer=_CUSTOMER[event.new_customer],
            goals=tuple(goal.id for goal in self._catalogue.goals if _counts(event, goal)),
        )

    def erase(self, token: int, names: Callable[[Reversal], bool]) -> bool:
        """That token (a hash) has bought nothing; whether there was anything of it. Who is related has to be said anew.
        `names` as for `Order.without`."""
        changed = erased(self.orders, token, names)
        self._buyers = {}
        for order in self.orders.values():
            self._keep(order, ())
        return changed

    def relate(self, links: Links, buyers: Iterable[int] | None = None) -> None:
        """Let the orders of those tokens, or of all, be found by what the links say is their canonical token, too."""
        tokens = list(self._buyers if buyers is None else self._buyers.keys() & buyers)
        canonical, _ = links.resolve(np.array(tokens, np.uint64))
        for token, user in zip(tokens, canonical.tolist(), strict=True):
            if token != user:
                bought = self._buyers.setdefault(user, {})
                bought |= {order_id: max(at, bought.get(order_id, 0)) for order_id, at in self._buyers[token].items()}

    def of_buyer(self, token: int) -> list[Order]:
        """The orders of that token (a hash), and of those that have it as their canonical token."""
        return [self.orders[order_id] for order_id in self._buyers.get(token, {})]

    def affected(self, user: U64, time: I64) -> list[Order]:
        """The orders that touches of those users at those times may bear on."""
        earliest: dict[int, int] = {}
        for buyer, since in zip(user.tolist(), time.tolist(), strict=True):
            if buyer in self._buyers and since < earliest.get(buyer, END_OF_TIME):
                earliest[buyer] = since
        later = (order_id for buyer, t in earliest.items() for order_id, at in self._buyers[buyer].items() if at >= t)
        return [self.orders[order_id] for order_id in later]

    def expire(self, before: int) -> list[Order]:
        """Forget the orders that had no message since that time (ms); returns them."""
        gone = [order for order in self.orders.values() if order.newest < before]
        for order in gone:
            del self.orders[order.order_id]
        known = self.orders.keys()
        self.seen = {message_id: order_id for message_id, order_id in self.seen.items() if order_id in known}
        kept = ((user, {o: at for o, at in bought.items() if o in known}) for user, bought in self._buyers.items())
        self._buyers = {user: bought for user, bought in kept if bought}
        return gone


def unclaimed(orders: Iterable[Order], topic: str) -> list[DeadLetter]:
    """A dead letter for every reversal of this partition whose order never came."""
    return [
        DeadLetter(
            topic, r.partition, r.offset, r.key, r.value, "unknown_order", f"no order {o.order_id!r} was completed"
        )
        for o in orders
        for r in o.waiting
        if r.home == OURS
    ]


def _counts(event: Checkout, goal: Goal) -> bool:
    return goal.event == event.envelope.event and all(
        _same(event.properties.get(name), wanted) for name, wanted in goal.where.items()
    )


def _same(raw: Raw | None, wanted: str | int | float | bool) -> bool:
    """Equal as JSON: numbers by value, and a boolean is no number."""
    try:
        value = msgspec.json.decode(raw) if raw is not None else None
    except msgspec.DecodeError:
        return False
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted
