"""Orders that are written plainly: completions, updates and reversals none of whose fields needs mending."""

from collections.abc import Mapping

from msgspec import Raw

from streams.core.door.canonical import Amounts, CompletionEvent, Message, Reversal, Update
from streams.core.door.context import Reading
from streams.core.door.fields.names import event_name
from streams.core.door.orders import MESSAGE_ID, NEW_CUSTOMER
from streams.core.door.plain import calls
from streams.core.door.plain.calls import NULL, Call, Properties
from streams.core.door.plain.touches import CANCELLATION, COMPLETION, UPDATE, Kinds

Order = CompletionEvent | Update | Reversal

_NOTHING = Properties()
_FLAGS = {b"null": None, b"true": True, b"false": False}
_PLACES = 6
_LONGEST = 256  # characters of an id that is read here


class NotPlainError(Exception):
    """A field that has to be read as people write it."""


class Orders:
    """Reads orders of one topic."""

    def __init__(self, reading: Reading, kinds: Kinds) -> None:
        self._reading, self._kinds = reading, kinds
        self._more_ids = tuple(name for name in reading.id_fields if name not in ("order_id", MESSAGE_ID))
        self._asked = tuple(name for name in reading.where if name != NEW_CUSTOMER)
        self._by_order_id = "order_id" in reading.id_fields
        self._by_message_id = MESSAGE_ID in reading.id_fields

    def read(self, verdict: int, message: Message, call: Call, value: bytes) -> Order | None:
        """What the verdict says that it is, None where some field is not plain."""
        try:
            return (
                self._completion(message, call, value)
                if verdict == COMPLETION
                else self._other(verdict, message, call, value)
            )
        except (NotPlainError, UnicodeDecodeError):
            return None

    def _completion(self, message: Message, call: Call, value: bytes) -> CompletionEvent | None:
        of, reading = call.properties or _NOTHING, self._reading
        words = self._kinds.completion(call)
        if words is None:
            return None
        currency = _currency(of.currency)
        properties = calls.properties(value) if self._more_ids or self._asked else {}
        return CompletionEvent(
            message,
            event_name(call.event or ""),
            self._keys(message, of, properties),
            self._scope(of),
            _amounts(of),
            currency or reading.base_currency,
            currency != "",
            _flag(of.new_customer),
            words,
            {name: raw for name in self._asked if (raw := bytes(properties.get(name, NULL))) != b"null"},
        )

    def _other(self, verdict: int, message: Message, call: Call, value: bytes) -> Update | Reversal | None:
        of = call.properties or _NOTHING
        keys, scope = self._keys(message, of, calls.properties(value) if self._more_ids else {}), self._scope(of)
        if verdict == CANCELLATION:
            return Reversal(message, "cancel", keys, scope, True, Amounts(), "")
        currency, amounts = _currency(of.currency), _amounts(of)
        if verdict == UPDATE:
            return Update(message, keys, scope, amounts, currency)
        if not (of.products is of.refunded_total is NULL):
            return None
        return Reversal(message, "refund", keys, scope, amounts == Amounts(), amounts, currency)

    def _keys(self, message: Message, of: Properties, properties: Mapping[str, Raw]) -> dict[str, str]:
        keys = {}
        if self._by_order_id and (key := _text(of.order_id)):
            keys["order_id"] = key
        for name in self._more_ids:
            if key := _text(properties.get(name, NULL)):
                keys[name] = key
        if self._by_message_id:
            keys[MESSAGE_ID] = message.message_id
        return keys

    def _scope(self, of: Properties) -> str:
        reading = self._reading
        return reading.scope or (_text(of.affiliation) if reading.scoped_by_affiliation else "")


def _amounts(of: Properties) -> Amounts:
    return Amounts(_amount(of.revenue), _amount(of.total), _amount(of.value))


def _text(field: Raw) -> str:
    """An id that needs no mending."""
    if field is NULL:
        return ""
    raw = bytes(field)
    if raw.isdigit() and len(raw) <= _LONGEST:
        return raw.decode()
    text = raw[1:-1]
    if raw[:1] != b'"' or b"\\" in text or not text.isascii() or len(text) > _LONGEST or text.strip() != text:
        raise NotPlainError
    return text.decode()


def _currency(field: Raw) -> str:
    if field is NULL:
        return ""
    raw = bytes(field)
    if len(raw) != 5 or raw[:1] != b'"' or not raw[1:-1].isalpha():
        raise NotPlainError
    return raw[1:-1].decode("ascii").upper()


def _amount(field: Raw) -> int | None:
    """Millionths of digits with a point and at most six places, as number or text."""
    if field is NULL:
        return None
    raw = bytes(field)
    whole, _, places = (raw[1:-1] if raw[:1] == b'"' else raw).partition(b".")
    if not whole.isdigit() or len(whole) > 12 or len(places) > _PLACES or (places and not places.isdigit()):
        raise NotPlainError
    return int(whole) * 1_000_000 + (int(places.ljust(_PLACES, b"0")) if places else 0)


def _flag(field: Raw) -> bool | None:
    if field is NULL:
        return None
    raw = bytes(field)
    if raw not in _FLAGS:
        raise NotPlainError
    return _FLAGS[raw]
