"""What an order is worth for a goal, and what of it remains, in exact fractions."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from streams.core.door.canonical import Amounts
from streams.core.orders.order import Completion, Order, OrderAmount, Refund, amount_of

OPEN, PARTLY, REVERSED = "open", "partly_reversed", "reversed"
NONE_LEFT = Fraction(1)


class ConversionValue(NamedTuple):
    """What one conversion is worth, in millionths: its `value`, what is `remaining`; OPEN, PARTLY or REVERSED; whether
    the order had a usable amount; its currency."""

    value: int
    remaining: int
    status: str
    known: bool
    currency: str


def value_for(order: Order, event: str, fixed: int | None) -> ConversionValue:
    """The value of a conversion of that normalised event, which the order has; `fixed` is the goal's own, or None."""
    completion = order.completions[event]
    amounts, currency = in_force(order, completion)
    amount = amount_of(amounts)
    value = (amount or 0) if fixed is None else fixed
    known = fixed is not None or amount is not None
    if not (order.cancelled or order.returned or order.refunds or order.refunded):
        return ConversionValue(value, value, OPEN, known, currency)  # as nearly all
    taken = NONE_LEFT if cancelled(order, event) else taken_back(order, amounts, currency)
    status = REVERSED if taken == NONE_LEFT else PARTLY if taken else OPEN
    return ConversionValue(value, int(value * (1 - taken)), status, known, currency)


def in_force(order: Order, completion: Completion) -> tuple[Amounts, str]:
    """The amounts that the order has now, of one message, and its currency."""
    if order.stated is None:
        return completion.amounts, completion.currency
    return order.stated.amounts, order.stated.currency or completion.currency


def cancelled(order: Order, event: str) -> bool:
    """Whether all was taken back, and neither an update above 0 nor another completion came after that. Where the sum
    of refunds is stated in the order's currency, a refund without an amount does not count."""
    if not (order.cancelled or order.returned):
        return False
    summed = order.returned and _so_far(order, in_force(order, order.completions[event])[1])
    wholes = (order.cancelled, None if summed else order.returned)
    again = order.last[event] if order.last[event] != order.completions[event].key else None
    last = max((key for key in wholes if key is not None), default=None)
    return last is not None and not any(key is not None and key > last for key in (order.raised, again))


def taken_back(order: Order, amounts: Amounts, currency: str) -> Fraction:
    """The share that was taken back by parts, 1 at the most. Refunds in another currency take nothing."""
    if so_far := _so_far(order, currency):
        last = max(so_far, key=lambda stated: stated.key)
        return min(_sum([Refund(last.amounts, "")], amounts), NONE_LEFT)
    return min(_sum([r for r in order.refunds.values() if r.currency in ("", currency)], amounts), NONE_LEFT)


def _so_far(order: Order, currency: str) -> list[OrderAmount]:
    """The sums of refunds that are stated in that currency."""
    return [stated for stated in order.refunded.values() if stated.currency in ("", currency)]


def _sum(refunds: list[Refund], amounts: Amounts) -> Fraction:
    """The sum of shares: parts of one whole are added up as integers."""
    parts: Counter[int] = Counter()
    for refund in refunds:
        for taken, whole in _share(refund.amounts, amounts):
            parts[whole] += taken
    return sum((Fraction(taken, whole) for whole, taken in parts.items()), Fraction())


def _share(taken: Amounts, whole: Amounts) -> Iterator[tuple[int, int]]:
    """What a refund takes of what: of the first of total, revenue, value that both have, else of the order's worth."""
    pairs = ((taken.total, whole.total), (taken.revenue, whole.revenue), (taken.value, whole.value))
    common = next(((t, w) for t, w in pairs if t is not None and w), None)
    first, worth = next((t for t, _ in pairs if t is not None), None), amount_of(whole)
    if common:
        yield common
    elif first is not None and worth:
        yield first, worth
