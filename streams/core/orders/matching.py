"""Matching: which goals an order counts for."""

from collections.abc import Iterator, Mapping

import msgspec

from streams.core.catalogue.model import Goal
from streams.core.door.fields.names import event_name
from streams.core.door.orders import NEW_CUSTOMER
from streams.core.orders.keys import field_of
from streams.core.orders.order import Completion, Order

_YES, _NO = {"true", "yes", "1"}, {"false", "no", "0"}  # as messages say it too


def counts(order: Order, goal: Goal) -> bool:
    """Whether an order is a conversion of a goal: the earliest completion by its event is what it asks for."""
    completion = order.completions.get(event_name(goal.event))
    return completion is not None and field_of(order.order_id) == goal.id_field and fits(completion, goal)


def fits(completion: Completion, goal: Goal) -> bool:
    """Whether a completion has all the properties that a goal asks for."""
    return next(unfit(completion.customer, completion.properties, goal), None) is None


def unfit(customer: str, properties: Mapping[str, bytes], goal: Goal) -> Iterator[str]:
    """The properties that a goal asks for and that are not so, of that customer with those raw properties."""
    for name, wanted in goal.where.items():
        if not (_is(customer, wanted) if name == NEW_CUSTOMER else _same(properties.get(name), wanted)):
            yield name


def _is(customer: str, wanted: str | int | float | bool) -> bool:
    text = str(wanted).strip().casefold()
    return customer == ("new" if text in _YES else "returning" if text in _NO else None)


def _same(raw: bytes | None, wanted: str | int | float | bool) -> bool:
    """Equal as JSON: numbers by value, and a boolean is no number. A list or an object is equal to nothing."""
    if raw is None or raw.lstrip()[:1] in (b"[", b"{"):
        return False
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted
