"""What an order is, from all that was said of it.

Chosen: "an amount above 0" of an update is any of its amounts; `refunded_total` is of the order's total, else of what
it is worth, and silences whole refunds too; a goal with a value of its own knows its value; messages with one time
and id come in the order of their tokens; of two copies of a refund, in topics with and without a scope, the
latter counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.door.meanings import Event
from tests.oracle.settings import Goal


@dataclass
class Order:
    """An order of one goal. `first` is its earliest completion, `stated` the message that says what it is worth;
    `remaining` the share that was not taken back, `mismatched` the refunds in another currency, `about`
    its updates and reversals."""

    key: str
    first: Event
    later: list[Event]
    stated: Event
    currency: str
    remaining: Fraction
    mismatched: list[Event]
    about: Sequence[Event]

    def value(self, goal: Goal) -> tuple[int, int]:
        """The value for a goal, in millionths: the whole, and what remains of it."""
        whole = (self.stated.worth or 0) if goal.value is None else goal.value
        return whole, int(whole * self.remaining)

    def known(self, goal: Goal) -> bool:
        return goal.value is not None or self.stated.worth is not None

    @property
    def reversals(self) -> list[Event]:
        return [event for event in self.about if event.kind == "reversal"]

    @property
    def updates(self) -> list[Event]:
        return [event for event in self.about if event.kind == "update"]

    @property
    def status(self) -> str:
        return "reversed" if not self.remaining else "partly_reversed" if self.remaining < 1 else "open"


def order(key: str, completions: Sequence[Event], about: Sequence[Event], base: str) -> Order:
    """`about` are the updates and reversals of the order; `base` is the base currency."""
    first, *later = sorted(completions, key=lambda event: event.at)
    updates = sorted((event for event in about if event.kind == "update"), key=lambda event: event.at)
    stated = next((update for update in reversed(updates) if update.worth is not None), first)
    currency = stated.currency or first.currency or base
    reversals = [event for event in about if event.kind == "reversal"]
    mismatched = [event for event in reversals if not event.whole and event.currency not in ("", currency)]
    matching = [event for event in reversals if event not in mismatched]
    taken = Fraction(1)
    if not _taken_as_a_whole(matching, updates, later):
        taken = _taken_in_part(matching, stated)
    return Order(key, first, later, stated, currency, 1 - taken, mismatched, about)


def _taken_as_a_whole(reversals: Sequence[Event], updates: Sequence[Event], later: Sequence[Event]) -> bool:
    so_far = any(event.so_far is not None for event in reversals)
    wholes = [event for event in reversals if event.whole and not (so_far and event.name == "order refunded")]
    restored = [event for event in updates if any(event.amounts.values())] + list(later)
    return any(not any(event.at[:2] > whole.at[:2] for event in restored) for whole in wholes)


def _taken_in_part(refunds: Sequence[Event], stated: Event) -> Fraction:
    """The share of the order that refunds took."""
    so_far = [refund for refund in refunds if refund.so_far is not None]
    if so_far:
        latest = max(so_far, key=lambda refund: refund.at)
        whole = stated.amounts.get("total") or stated.worth
        return min(Fraction(latest.so_far or 0, whole), Fraction(1)) if whole else Fraction(0)
    parts = sorted((refund for refund in refunds if not refund.whole), key=lambda refund: not refund.scope)
    distinct = {refund.message.message_id: refund for refund in parts}
    shares = [_share(refund, stated) for refund in distinct.values()]
    return min(sum(shares, Fraction(0)), Fraction(1))


def _share(refund: Event, stated: Event) -> Fraction:
    of_total_first = ("total", "revenue", "value")
    for key in of_total_first:
        if key in refund.amounts and stated.amounts.get(key, 0) > 0:
            return Fraction(refund.amounts[key], stated.amounts[key])
    given = next((refund.amounts[key] for key in of_total_first if key in refund.amounts), 0)
    return Fraction(given, stated.worth) if stated.worth else Fraction(0)
