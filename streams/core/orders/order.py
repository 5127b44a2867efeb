"""One order: a summary of all its messages that depends on their set alone."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

from msgspec import Struct, structs

from streams.core.door.canonical import Amounts, Words

_FORMER = 100  # who completed it once and is remembered: an id that everybody's orders have must not grow
Key = tuple[int, str]  # of a message of an order: its time in ms, its id
V = TypeVar("V")


class Completion(Struct, array_like=True, frozen=True, gc=False):
    """One completion of an order: the facts that goals are counted by. `time` in ms, amounts in millionths.

    `user` is a token hash, 0 = none; `denied` the message's own consent, None where it says nothing; `customer` is new,
    returning or unknown; `properties` are raw JSON values that some goal's `where` asks for.
    """

    time: int
    message_id: str
    user: int
    denied: bool | None
    words: Words
    amounts: Amounts
    currency: str
    customer: str
    properties: dict[str, bytes] = {}
    erased: bool = False  # its user was, and what could tell who it was

    @property
    def key(self) -> Key:
        """The message's place among the messages of its order."""
        return self.time, self.message_id

    def anonymised(self) -> "Completion":
        """The completion, of nobody."""
        return structs.replace(self, user=0, words=Words(), erased=True)


class OrderAmount(Struct, array_like=True, frozen=True, gc=False):
    """What an `Order Updated` says the order is; `currency` is '' where it does not say. Or a sum refunded so far."""

    time: int
    message_id: str
    amounts: Amounts
    currency: str

    @property
    def key(self) -> Key:
        """The message's place among the messages of its order."""
        return self.time, self.message_id


class Refund(Struct, array_like=True, frozen=True, gc=False):
    """A part that was taken back, in millionths, and its currency, '' = the order's."""

    amounts: Amounts
    currency: str


class Pending(Struct, array_like=True, frozen=True, gc=False):
    """A reversal or update as it arrived, kept until it is known what becomes of it.

    `partition` and `offset` say where it lies in its source `topic`, `key` and `value` are its dead letter's; `home` is
    the partition that writes that, None = this one. `orders` are all keys of orders that it may be for, `tokens` the
    hashes of whom it names.
    """

    message_id: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    currency: str = ""
    orders: tuple[str, ...] = ()
    tokens: tuple[int, ...] = ()
    home: int | None = None


class Order(Struct, array_like=True, gc=False):
    """Everything known under one order key, or a part of it: what two parts say together is what `merge` says.

    By normalised event: `completions` has the earliest one, `last` the key of the latest. `stated` is the latest
    update with a usable amount, `raised` the key of the latest with one above 0; `cancelled` and `returned` are the
    keys of the latest cancellation and of the latest refund that names no amount. `refunds` are by message id,
    `refunded` has the latest sum so far by currency. `newest` is the latest time of its messages, ms. `messages`
    (event and id) and `claims` (ids of those that wait no more) are what no segment has yet. `waiting` are the
    messages of an order that nobody has completed yet, `priced` the refunds that name a currency: a later message may
    say that it is not the order's. `former` are those who completed it and are no buyers any more (hashes, sorted):
    whom the order was sent for has to know. `bare` is its key without the scope, '' where it has none.
    """

    order_id: str
    completions: dict[str, Completion] = {}
    last: dict[str, Key] = {}
    stated: OrderAmount | None = None
    raised: Key | None = None
    cancelled: Key | None = None
    refunds: dict[str, Refund] = {}
    refunded: dict[str, OrderAmount] = {}
    newest: int = 0
    messages: list[tuple[str, str]] = []
    waiting: list[Pending] = []
    priced: list[Pending] = []
    former: list[int] = []
    claims: list[str] = []
    bare: str = ""
    returned: Key | None = None

    def complete(self, event: str, completion: Completion) -> list[Pending]:
        """Take in a completion; the earliest one counts. Returns the messages that need not wait any longer."""
        found, self.waiting = self.waiting, []
        if not (self.completions or self.former):  # as nearly all
            self.completions[event], self.last[event] = completion, completion.key
            return found
        known = {*self.former, *self.buyers, completion.user}
        self.completions[event] = _earlier(self.completions.get(event, completion), completion)
        self.last[event] = max(self.last.get(event, completion.key), completion.key)
        self.former = self._no_buyers(known)
        return found

    def update(self, stated: OrderAmount) -> None:
        """Take in what an update says; it has a usable amount."""
        self.stated = _later(self.stated or stated, stated)
        if any((stated.amounts.revenue, stated.amounts.total, stated.amounts.value)):
            self.raised = max(self.raised or stated.key, stated.key)

    def cancel(self, key: Key) -> None:
        """Take all of it back, by a message with that key."""
        self.cancelled = max(self.cancelled or key, key)

    def take_back(self, key: Key) -> None:
        """Take all of it back, by a refund with that key that names no amount."""
        self.returned = max(self.returned or key, key)

    def refund(self, message_id: str, refund: Refund) -> None:
        """Take a part of it back."""
        self.refunds[message_id] = refund

    def refund_to(self, stated: OrderAmount) -> None:
        """Take in how much of it was taken back so far."""
        self.refunded[stated.currency] = _later(self.refunded.get(stated.currency, stated), stated)

    def wait(self, pending: Pending, again: bool) -> None:
        """Keep a message until somebody completes the order. Taken in `again`, after a crash, is as once."""
        if not (again and pending in self.waiting):
            self.waiting.append(pending)

    def knows(self, key: Key) -> bool:
        """Whether a message with that key has had an effect here."""
        stated = (each.key for each in (self.stated, *self.refunded.values()) if each)
        return key[1] in self.refunds or key in (self.cancelled, self.returned, self.raised, *stated)

    def note(self, event: str, message_id: str, time: int) -> None:
        """Count in a message of that time, ms."""
        self.messages.append((event, message_id))
        self.newest = max(self.newest, time)

    def claimed(self, message_ids: Collection[str]) -> None:
        """Let go of messages whose order another partition has; who completes it here too tells of their currency."""
        self.claims += message_ids
        self.priced += [each for each in self.waiting if each.currency and each.message_id in message_ids]
        self.waiting = [pending for pending in self.waiting if pending.message_id not in message_ids]

    def journaled(self, whole: bool = True) -> "Order":
        """What a segment says of it: the `whole`, or what came with messages that no segment has yet."""
        copy = structs.replace(self)
        if not whole:
            new = {message_id for _, message_id in self.messages}
            copy.refunds = {each: self.refunds[each] for each in new & self.refunds.keys()}
            copy.waiting = [pending for pending in self.waiting if pending.message_id in new]
            told = new.union(self.claims)
            copy.priced = [each for each in self.priced if each.message_id in told]
        self.messages, self.claims = [], []
        return copy

    @property
    def halves(self) -> tuple["Order", "Order"] | None:
        """Two parts of it, None where there is nothing to part; a message is in none before what it did."""
        lists = [list(self.refunds.items()), *(getattr(self, name) for name in _LISTS)]
        if (count := sum(map(len, lists))) <= 1:
            return None
        starts = accumulate(map(len, lists), initial=0)
        at = [min(max(count // 2 - start, 0), len(each)) for start, each in zip(starts, lists, strict=False)]
        pairs = list(zip(lists, at, strict=True))
        return self._part([each[:i] for each, i in pairs]), self._part([each[i:] for each, i in pairs])

    def _part(self, lists: Sequence[list[Any]]) -> "Order":
        return structs.replace(self, refunds=dict(lists[0]), **dict(zip(_LISTS, lists[1:], strict=True)))

    def _no_buyers(self, known: set[int]) -> list[int]:
        return sorted(known - self.buyers - {0})[:_FORMER]

    @property
    def buyers(self) -> set[int]:
        """The tokens (hashes) of those whose completion of it counts."""
        return {completion.user for completion in self.completions.values() if completion.user}

    def merge(self, other: "Order") -> "Order":
        """What both states of one order say together, in whichever order they came."""
        both = Order(
            self.order_id,
            _by_key(self.completions, other.completions, _earlier),
            _by_key(self.last, other.last, max),
            _known(self.stated, other.stated, _later),
            _known(self.raised, other.raised, max),
            _known(self.cancelled, other.cancelled, max),
            self.refunds | other.refunds,
            _by_key(self.refunded, other.refunded, _later),
            max(self.newest, other.newest),
            self.messages + other.messages,
            priced=_distinct(self.priced, other.priced),
            claims=self.claims + other.claims,
            bare=self.bare or other.bare,
            returned=_known(self.returned, other.returned, max),
        )
        both.former = both._no_buyers({*self.former, *other.former, *self.buyers, *other.buyers})
        if not both.completions:
            gone = set(both.claims)
            both.waiting = [p for p in _distinct(self.waiting, other.waiting) if p.message_id not in gone]
        return both

    @property
    def replica(self) -> "Order":
        """What other partitions are told of it."""
        return structs.replace(self, messages=[], waiting=[], priced=[], claims=[])

    def without(self, token: int) -> "Order":
        """The order where nothing is that token's (a hash): what it bought and took back counts on, and no message that
        names it is waited for. Itself where nothing is."""
        waiting, priced = ([p for p in each if token not in p.tokens] for each in (self.waiting, self.priced))
        untouched = len(waiting) == len(self.waiting) and len(priced) == len(self.priced)
        if token not in (*self.buyers, *self.former) and untouched:
            return self
        completions = {event: c.anonymised() if c.user == token else c for event, c in self.completions.items()}
        former = [user for user in self.former if user != token]
        return structs.replace(self, completions=completions, waiting=waiting, priced=priced, former=former)


_LISTS = ("waiting", "priced", "claims", "messages")


def amount_of(amounts: Amounts) -> int | None:
    """What an order is worth by one message, in millionths: revenue, else total, else value; None = unknown."""
    return next((each for each in (amounts.revenue, amounts.total, amounts.value) if each is not None), None)


def _earlier(one: Completion, other: Completion) -> Completion:
    """The earlier completion; of one that is known twice, the one whose user was erased."""
    return min(one, other, key=lambda each: (*each.key, not each.erased))


def _later(one: OrderAmount, other: OrderAmount) -> OrderAmount:
    return max(one, other, key=lambda each: each.key)


def _known(one: V | None, other: V | None, better: Callable[[V, V], V]) -> V | None:
    return better(one, other) if one is not None and other is not None else other if one is None else one


def _by_key(one: Mapping[str, V], other: Mapping[str, V], better: Callable[[V, V], V]) -> dict[str, V]:
    return {**one, **{key: better(one[key], value) if key in one else value for key, value in other.items()}}


def _distinct(one: Iterable[Pending], other: Iterable[Pending]) -> list[Pending]:
    return list({pending.message_id: pending for pending in (*one, *other)}.values())


def merge_into(known: dict[str, Order], orders: Iterable[Order]) -> list[Order]:
    """Merge orders with what is `known` of them, by their ids; those for which that says something new, as they are
    now."""
    changed = []
    for order in orders:
        standing = known.get(order.order_id)
        merged = standing.merge(order) if standing else order
        if merged != standing:
            known[order.order_id] = merged
            changed.append(merged)
    return changed


def merged_orders(orders: Iterable[Order]) -> list[Order]:
    """Of each order all that its parts say together."""
    known: dict[str, Order] = {}
    merge_into(known, orders)
    return list(known.values())


def erase_from(known: dict[str, Order], token: int) -> bool:
    """Put every order of the `known` ones as it is without that token (a hash), by `Order.without`; whether any
    changed."""
    changed = [new for order in known.values() if (new := order.without(token)) is not order]
    known.update((order.order_id, order) for order in changed)
    return bool(changed)
