"""Orders: what was completed and taken back under one order id, whatever the order of arrival."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct, structs

from streams.core.catalogue import Goal

_FORMER = 100  # who completed it once and is remembered: an id that everybody's orders have must not grow
OPEN, PARTLY, REVERSED = "open", "partly_reversed", "reversed"


class Completion(Struct, array_like=True, frozen=True, gc=False):
    """One completion of an order: the facts that goals are counted by. Amounts in millionths, `time` in ms."""

    time: int
    message_id: str
    user: int  # token hash, 0 = none
    denied: bool  # consent to advertising was denied
    campaign: str  # the event's own, '' = none
    network: str
    amount: int
    currency: str
    customer: str  # new, returning, unknown
    goals: tuple[str, ...]  # ids of the goals it counts for
    erased: bool = False  # its user was, and what could tell who it was

    def disowned(self) -> "Completion":
        """The same, of nobody."""
        return structs.replace(self, user=0, campaign="", network="", erased=True)


def _rank(completion: Completion) -> tuple[int, str, bool]:
    """Of two completions of an order, the larger one counts."""
    return completion.time, completion.message_id, completion.erased


OURS = -1


class Reversal(Struct, array_like=True, frozen=True, gc=False):
    """A refund or cancellation whose order has not come yet, as it arrived; `home` is its own partition, or OURS.

    `partition` and `offset` say where it lies in its source topic: in its own partition, unless it was misrouted.
    """

    message_id: str
    key: bytes | None
    value: bytes
    offset: int
    home: int = OURS
    partition: int = 0


class Worth(NamedTuple):
    """What one conversion is worth, in millionths: its `value`, what is `remaining`; OPEN, PARTLY or REVERSED."""

    value: int
    remaining: int
    status: str


class Order(Struct, array_like=True, gc=False):
    """Everything known under one order id. What was `taken` back is by message id, in millionths, None = all of it;
    `newest` is the latest time of its messages, ms; `messages` are the ids of those that no segment has yet, so that a
    segment grows with its batch alone. `former` are those who completed it and are no buyers any more (hashes, sorted):
    whom it was lent for has to know."""

    order_id: str
    completions: dict[str, Completion] = {}
    taken: dict[str, int | None] = {}
    newest: int = 0
    messages: list[str] = []
    waiting: list[Reversal] = []
    former: list[int] = []

    def complete(self, event: str, completion: Completion) -> list[Reversal]:
        """The latest completion by (time, message id) counts. Returns the reversals that need not wait any longer."""
        known = {*self.former, *self.buyers, completion.user}
        self.completions[event] = max(self.completions.get(event, completion), completion, key=_rank)
        self.former = self._no_buyers(known)
        found, self.waiting = self.waiting, []
        return found

    def claimed(self, message_id: str) -> None:
        """Another partition has the order of that reversal."""
        self.waiting = [reversal for reversal in self.waiting if reversal.message_id != message_id]

    def reverse(self, amount: int | None, reversal: Reversal) -> None:
        """Take back `amount` millionths, or all where it is None."""
        self.taken[reversal.message_id] = amount
        if not self.completions:
            self.waiting.append(reversal)

    def note(self, message_id: str, time: int) -> None:
        """Count in a message of that time, ms."""
        self.messages.append(message_id)
        self.newest = max(self.newest, time)

    def journaled(self) -> "Order":
        """What a segment says of it."""
        copy = structs.replace(self)
        self.messages = []
        return copy

    def _no_buyers(self, known: set[int]) -> list[int]:
        return sorted(known - self.buyers - {0})[:_FORMER]

    @property
    def buyers(self) -> set[int]:
        """The tokens (hashes) of those who completed it."""
        return {completion.user for completion in self.completions.values() if completion.user}

    def joined(self, other: "Order") -> "Order":
        """What both states of one order say together, in whichever order they came."""
        completions = dict(self.completions)
        for event, completion in other.completions.items():
            completions[event] = max(completion, completions.get(event, completion), key=_rank)
        both = Order(self.order_id, completions, self.taken | other.taken, max(self.newest, other.newest))
        both.former = both._no_buyers({*self.former, *other.former, *self.buyers, *other.buyers})
        return both

    @property
    def shown(self) -> "Order":
        """What others are told of it."""
        return structs.replace(self, messages=[], waiting=[])

    def without(self, token: int, names: Callable[[Reversal], bool]) -> "Order":
        """The order where nothing is that token's (a hash): what it bought and took back counts on. `names` says which
        of the waiting reversals name the token: they are not waited for. Itself where nothing is."""
        waiting = [reversal for reversal in self.waiting if not names(reversal)]
        if token not in (*self.buyers, *self.former) and len(waiting) == len(self.waiting):
            return self
        completions = {event: c.disowned() if c.user == token else c for event, c in self.completions.items()}
        former = [user for user in self.former if user != token]
        return structs.replace(self, completions=completions, waiting=waiting, former=former)

    def worth(self, goal: Goal) -> Worth | None:
        """What it is worth for `goal`; None where it does not count for it. Formula: contract, section 5."""
        completion = self.completions.get(goal.event)
        if completion is None or goal.id not in completion.goals:
            return None
        value = completion.amount if goal.value is None else goal.value
        if None in self.taken.values():
            return Worth(value, 0, REVERSED)
        taken = min(sum(amount or 0 for amount in self.taken.values()), completion.amount)
        remaining = value * (completion.amount - taken) // completion.amount if completion.amount else value
        gone = value > 0 and remaining == 0
        return Worth(value, remaining, REVERSED if gone else PARTLY if taken else OPEN)


def take_in(known: dict[str, Order], orders: Iterable[Order]) -> list[Order]:
    """Join orders with what is `known` of them, by their ids; those for which that says something new, as they are
    now."""
    changed = []
    for order in orders:
        standing = known.get(order.order_id)
        joined = standing.joined(order) if standing else order
        if joined != standing:
            known[order.order_id] = joined
            changed.append(joined)
    return changed


def erased(known: dict[str, Order], token: int, names: Callable[[Reversal], bool]) -> bool:
    """Put every order of the `known` ones as it is without that token (a hash), by `Order.without`; whether any
    changed."""
    changed = [new for order in known.values() if (new := order.without(token, names)) is not order]
    known.update((order.order_id, order) for order in changed)
    return bool(changed)
