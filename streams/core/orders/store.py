"""The orders of a partition: each found by its key or by who bought, and each message of it taken once."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import structs

from streams.core.catalogue.model import Catalogue
from streams.core.columns.arrays import I64, U64
from streams.core.door import canonical
from streams.core.door.canonical import END_OF_TIME, Amounts, Reversal, Update, Words
from streams.core.events.campaigns import Campaigns
from streams.core.events.watermark import DeadLetter
from streams.core.identity.links import IdentityGraph
from streams.core.identity.tokens import Tokens
from streams.core.journeys.unlisted import Unlisted
from streams.core.orders.buyers import Buyers
from streams.core.orders.cause import Cause
from streams.core.orders.keys import OrderEvent, OrderKey, event_of
from streams.core.orders.known_messages import KnownMessages
from streams.core.orders.namesakes import Namesakes
from streams.core.orders.order import Completion, Order, OrderAmount, Pending, Refund, amount_of, erase_from
from streams.core.orders.shared import SharedOrders
from streams.core.orders.unclaimed import Unclaimed, currencies
from streams.core.orders.value import cancelled

AGAIN = 86_400_000  # ms after which a segment says the whole of an order again
CUSTOMERS = {True: "new", False: "returning", None: "unknown"}  # by what a message says of `new_customer`


class Booked(NamedTuple):
    """What an order's message did: its order, the messages that have found it just now, how many refunds turned out to
    be in a `foreign` currency, why what was said of the order may have to be said anew; whether it completes an order
    `repeated`ly, and with `other` facts."""

    order: Order
    found: list[Pending]
    foreign: int
    cause: Cause
    repeated: bool = False
    other: bool = False


class OrderStore:
    """Takes in messages of orders and keeps what they amount to."""

    def __init__(
        self,
        catalogue: Catalogue,
        tokens: Tokens,
        unlisted: Unlisted | None = None,
        shared: SharedOrders | None = None,
    ) -> None:
        self._tokens, self._unlisted = tokens, unlisted or Unlisted(catalogue)
        self.use(catalogue)
        self.orders: dict[str, Order] = {}
        self._known = KnownMessages()
        self._said: dict[str, int] = {}  # how new it was when a segment said the whole of it, by order
        shared = shared or SharedOrders(0, 1)
        self._namesakes = Namesakes(shared.namesakes)
        self._unclaimed = Unclaimed(self._completed, self._namesakes, shared)
        self._priced: dict[str, Counter[str]] = {}  # how many refunds are in which currency, by order
        self.buyers = Buyers()

    def use(self, catalogue: Catalogue) -> None:
        """Say by that catalogue, from now on, what a completion's campaign is when it comes."""
        self._campaigns = Campaigns(catalogue)

    def seen(self, event: OrderEvent, key: OrderKey) -> tuple[bool, bool]:
        """Whether that message of an order was taken in before; whether another was with its id."""
        return self._known.seen(event.message.message_id, event_of(event), key.key)

    def apply(self, event: OrderEvent, key: OrderKey, pending: Pending) -> Booked:
        """Take in a message that was not seen before; `pending` is it as it came."""
        order = self.orders.get(key.key) or Order(key.key, bare=key.bare)
        if isinstance(event, canonical.CompletionEvent):
            booked = self._complete(order, event)
        else:
            before = order.stated, order.raised
            taken = self._taken(order, event, pending)
            corrected = (order.stated, order.raised) != before
            reversed_ = isinstance(event, Reversal) and _takes(event)
            cause = Cause.CORRECTION if corrected else Cause.REVERSAL if reversed_ else Cause.CATALOGUE
            booked = Booked(order, *taken, cause)
        order.note(event_of(event), event.message.message_id, event.message.time)
        self._keep(order, order.messages[-1:])
        return booked

    def _complete(self, order: Order, event: canonical.CompletionEvent) -> Booked:
        standing, completion = order.completions.get(event.event), self._completion(event)
        back, before = standing is not None and cancelled(self.whole(order), event.event), self._foreign(order)
        found = order.complete(event.event, completion)
        self._price(order, found)
        foreign = max(self._foreign(order) - before, 0)
        if standing is None:
            return Booked(order, found, foreign, Cause.CATALOGUE)
        other = (standing.user, standing.currency) != (completion.user, completion.currency)
        moved = order.completions[event.event] is not standing
        restored = back and not cancelled(self.whole(order), event.event)
        cause = Cause.CORRECTION if moved or restored else Cause.CATALOGUE
        return Booked(order, found, foreign, cause, repeated=True, other=other)

    def _taken(self, order: Order, event: Update | Reversal, pending: Pending) -> tuple[list[Pending], int]:
        key, before = (event.message.time, event.message.message_id), self._foreign(order)
        again = order.knows(key)
        _effect(order, event, key)
        if not order.completions:
            order.wait(pending, again)
            return [], 0
        self._price(order, [pending])
        return [pending], max(self._foreign(order) - before, 0)

    def _price(self, order: Order, found: Iterable[Pending]) -> None:
        """Keep the refunds among those messages that name a currency: a later message may say that it is another than
        the order's."""
        priced = [pending for pending in found if pending.currency]
        if priced:
            order.priced += priced
            self._priced.setdefault(order.order_id, Counter()).update(pending.currency for pending in priced)

    def _foreign(self, order: Order) -> int:
        """How many refunds take nothing of an order since they are in another currency."""
        priced = self._priced.get(order.order_id)
        own = currencies(order) if priced else set()
        return sum(n for currency, n in priced.items() if currency not in own) if priced and own else 0

    def _completion(self, event: canonical.CompletionEvent) -> Completion:
        message, refused, words = event.message, event.message.denied is True, Words()
        if not refused:
            words = self._unlisted.kept(event.words, self._campaigns.of_checkout(event.words), message.time)[1]
        return Completion(
            time=message.time,
            message_id=message.message_id,
            user=0 if refused else self._tokens.hash(message.token),
            denied=message.denied,
            words=words,
            amounts=event.amounts,
            currency=event.currency,
            customer=CUSTOMERS[event.new],
            properties=dict(event.properties),
        )

    def put(self, order: Order) -> None:
        """Take in what a segment says of an order; the segment keeps its messages, by which others are told of it."""
        standing = self.orders.get(order.order_id)
        merged = standing.merge(order) if standing else structs.replace(order)
        self._keep(merged, order.messages)
        if merged.priced:
            self._priced[order.order_id] = Counter(pending.currency for pending in merged.priced)
        merged.messages, merged.claims = [], []

    def journaled(self, orders: Iterable[Order]) -> list[Order]:
        """What a segment says of those orders: what is new, or now and then the whole. A segment with the whole stays
        for AGAIN longer than the order would be known without what came since."""
        return [order.journaled(self._whole(order)) for order in orders]

    def _whole(self, order: Order) -> bool:
        whole = order.newest - self._said.get(order.order_id, -END_OF_TIME) > AGAIN
        if whole:
            self._said[order.order_id] = order.newest
        return whole

    def _keep(self, order: Order, messages: Iterable[tuple[str, str]] = ()) -> None:
        """Keep an order; those are the messages of it that are new."""
        self.orders[order.order_id] = order
        for event, message_id in messages:
            self._known.add(message_id, event, order.order_id)
        for completion in order.completions.values():
            if completion.user:
                self.buyers.note(completion.user, order.order_id, completion.time)
        for user in order.former:
            self.buyers.note_former(user, order.order_id)
        self._namesakes.add(order)

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What the store keeps, by sort: to be measured."""
        return {"orders": self.orders, "messages of orders": self._known.places, "buyers": self.buyers.bought}

    def whole(self, order: Order) -> Order:
        """The order with what was said of it by messages that name no scope."""
        bare = self.orders.get(order.bare) if order.bare else None
        if bare is None or bare.completions or not self._namesakes.only(order.bare):
            return order
        return order.merge(bare.replica)

    def others(self, event: OrderEvent, booked: Booked) -> list[tuple[Order, Cause]]:
        """The order beside its own that a message bears on because one of both names no scope, and why it is stated
        anew: the message is its, or who completes another order decides that none without a scope is. None where
        several orders have that id, since none of them has such messages."""
        if self._namesakes.none_here:
            return []
        own = booked.order
        bare = self.orders.get(own.bare) if own.bare else own
        scoped = self._namesakes.of(own.bare or own.order_id) - {own.order_id}
        if len(scoped) != 1 or bare is None:
            return []
        mine = [self.orders[each] for each in scoped & self.orders.keys()]
        if not isinstance(event, canonical.CompletionEvent):
            return [(each, booked.cause) for each in mine if own is bare and not bare.completions]
        first = not booked.repeated and len(own.completions) == 1 and (own is bare or not bare.completions)
        return [(each, _cause_of(bare)) for each in mine if first]

    def alike(self, bares: Iterable[str]) -> Iterator[tuple[Order, Cause]]:
        """The orders here with those ids without their scopes, and why they are stated anew where there is news of
        others with them."""
        for bare in (self.orders[each] for each in bares if each in self.orders):
            keys = self._namesakes.here(bare.order_id) & self.orders.keys()
            yield from ((self.orders[key], _cause_of(bare)) for key in keys)

    def erase(self, token: int) -> bool:
        """Forget that a token (a hash) has bought anything; whether there was anything of it. Relate anew after it."""
        changed = erase_from(self.orders, token)
        self.buyers = Buyers()
        for order in self.orders.values():
            self._keep(order)
        return changed

    def relate(self, links: IdentityGraph, buyers: Iterable[int] | None = None) -> None:
        """Let the orders of those tokens, or of all, be found by what the links say is their canonical token, too."""
        self.buyers.relate(links, buyers)

    def of_buyer(self, token: int) -> list[Order]:
        """The orders of that token (a hash), and of those that have it as their canonical token."""
        return [self.orders[order_id] for order_id in self.buyers.bought.get(token, {})]

    def affected(self, user: U64, time: I64) -> list[Order]:
        """The orders that touches of those users at those times may bear on."""
        return [self.orders[order_id] for order_id in self.buyers.affected(user, time)]

    def expire(self, before: int) -> list[DeadLetter]:
        """Forget the orders that had no message since that time (ms); dead letters for what never found its order."""
        gone = [order for order in self.orders.values() if order.newest < before]
        letters = self._unclaimed.of(gone) if gone else []
        for order in gone:
            del self.orders[order.order_id]
        known = self.orders.keys()
        self._said = {order_id: newest for order_id, newest in self._said.items() if order_id in known}
        self._priced = {order_id: priced for order_id, priced in self._priced.items() if order_id in known}
        self._known.keep(known)
        self.buyers.keep(known)
        self._namesakes.expire(known)
        return letters

    def unclaimed(self) -> list[DeadLetter]:
        """Dead letters for all messages that still wait for their order, or take nothing of it: the end of a replay."""
        return self._unclaimed.of(self.orders.values())

    def _completed(self, key: str) -> Order | None:
        """The order that messages with that key are of, with all that is said of it; None = nobody completed one."""
        order = self.orders.get(key)
        if order and order.completions:
            return self.whole(order)
        only = self._namesakes.only(key)
        return self.whole(self.orders[only]) if only in self._namesakes.here(key) else None


def _effect(order: Order, event: Update | Reversal, key: tuple[int, str]) -> None:
    time, message_id = key
    if isinstance(event, Update):
        if amount_of(event.amounts) is not None:
            order.update(OrderAmount(time, message_id, event.amounts, event.currency))
    elif event.whole:
        (order.cancel if event.kind == "cancel" else order.take_back)(key)
    elif event.refunded_total is not None:
        order.refund_to(OrderAmount(time, message_id, Amounts(total=event.refunded_total), event.currency))
    elif amount_of(event.amounts) is not None:
        order.refund(message_id, Refund(event.amounts, event.currency))


def _cause_of(bare: Order) -> Cause:
    """Why an order is stated anew that gets or loses what was said of it by messages that name no scope."""
    if bare.stated or bare.raised:
        return Cause.CORRECTION
    return Cause.REVERSAL if bare.cancelled or bare.returned or bare.refunds or bare.refunded else Cause.CATALOGUE


def _takes(reversal: Reversal) -> bool:
    """Whether it says how much of an order is taken back."""
    return reversal.whole or reversal.refunded_total is not None or amount_of(reversal.amounts) is not None
