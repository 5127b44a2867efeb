"""Order keys: under which keys a message of an order is kept."""

from typing import NamedTuple

from streams.core.catalogue.model import ORDER_ID, Catalogue
from streams.core.door.canonical import CompletionEvent, Reversal, Update
from streams.core.door.orders import CANCELLED, MESSAGE_ID, REFUNDED, UPDATED

_MARK = "\0"  # before and behind the property's name, where that is not `order_id`

OrderEvent = CompletionEvent | Update | Reversal


class OrderKey(NamedTuple):
    """The key of an order; `bare` is the key without the scope, '' where there is none."""

    key: str
    bare: str = ""


def keys_of(event: OrderEvent, catalogue: Catalogue) -> list[OrderKey]:
    """The orders that a message is of: one for each property that is an id for some goal."""
    if isinstance(event, CompletionEvent):
        fields = catalogue.id_fields_of.get(event.event, (ORDER_ID,))
    else:
        fields = tuple(field for field in catalogue.id_fields if field != MESSAGE_ID) or (ORDER_ID,)
    return [_key(field, event, _id(event, field)) for field in fields]


def _id(event: OrderEvent, field: str) -> str:
    own = event.message.message_id
    return own if field == MESSAGE_ID else event.ids.get(field) or own


def _key(field: str, event: OrderEvent, id_: str) -> OrderKey:
    if not event.scope:
        return OrderKey(_of_field(field, id_))
    return OrderKey(_of_field(field, f"{event.scope}:{id_}"), _of_field(field, id_))


def _of_field(field: str, id_: str) -> str:
    plain = field == ORDER_ID and not id_.startswith(_MARK)
    return id_ if plain else f"{_MARK}{field}{_MARK}{id_}"


def field_of(key: str) -> str:
    """The property that an order's key is of."""
    return key.split(_MARK, 2)[1] if key.startswith(_MARK) else ORDER_ID


def shown(key: str) -> str:
    """The id of a conversion, as people know it."""
    return key.split(_MARK, 2)[2] if key.startswith(_MARK) else key


def event_of(event: OrderEvent) -> str:
    """The normalised name of an order's event."""
    if isinstance(event, CompletionEvent):
        return event.event
    return UPDATED if isinstance(event, Update) else CANCELLED if event.kind == "cancel" else REFUNDED
