"""Orders: messages that complete a conversion, say what an order is now, or take it back."""

import re
from collections.abc import Sequence
from itertools import compress

from streams.core.door import origin
from streams.core.door.canonical import Amounts, CompletionEvent, Message, Reversal, Update, Words
from streams.core.door.context import Reading
from streams.core.door.fields import amounts
from streams.core.door.fields.coupons import coupons
from streams.core.door.fields.flags import flag
from streams.core.door.fields.json_fields import Fields
from streams.core.door.fields.names import normal

COMPLETED, UPDATED = "order completed", "order updated"
CANCELLED, REFUNDED = "order cancelled", "order refunded"
AMOUNTS = ("revenue", "total", "value")
NEW_CUSTOMER = "new_customer"
MESSAGE_ID = "messageId"  # the `id_field` of goals whose every message is a conversion by itself
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)


def completion(message: Message, record: Fields, event: str, reading: Reading) -> CompletionEvent:
    """A message that completes a conversion."""
    properties = record.object("properties")
    currency = currency_of(properties)
    return CompletionEvent(
        message=message,
        event=event,
        ids=keys(message, properties, reading),
        scope=scope(properties, reading),
        amounts=_positive(read(properties, currency, reading), properties),
        currency=currency or reading.base_currency,
        own_currency=bool(currency),
        new=flag(properties, NEW_CUSTOMER),
        words=_words(record, properties, reading),
        properties=_asked(properties, reading),
    )


def _words(record: Fields, properties: Fields, reading: Reading) -> Words:
    found = origin.origin(record, origin.page_of_track(record, properties), reading)
    network = reading.networks.named(normal(properties.text("network")))
    return origin.of_completion(found, network, coupons(properties))


def _asked(properties: Fields, reading: Reading) -> dict[str, bytes]:
    wanted = ((name, properties.raw(name)) for name in reading.where if name != NEW_CUSTOMER)
    return {name: raw for name, raw in wanted if raw is not None}


def update(message: Message, record: Fields, reading: Reading) -> Update:
    """What an order is now."""
    properties = record.object("properties")
    currency = currency_of(properties)
    read_ = _positive(read(properties, currency, reading), properties)
    return Update(message, keys(message, properties, reading), scope(properties, reading), read_, currency or "")


def cancellation(message: Message, record: Fields, reading: Reading) -> Reversal:
    """An order that is taken back as a whole, whatever amounts it states."""
    properties = record.object("properties")
    key, where = keys(message, properties, reading), scope(properties, reading)
    return Reversal(message, "cancel", key, where, True, Amounts(), "")


def refund(message: Message, record: Fields, reading: Reading) -> Reversal:
    """An order of which a part is taken back; the whole of it where no amount and no products are said."""
    properties = record.object("properties")
    currency = currency_of(properties)
    said = any(properties.raw(name) is not None for name in (*AMOUNTS, "refunded_total"))
    found = read(properties, currency, reading) if said else _of_products(properties, currency, reading)
    return Reversal(
        message=message,
        kind="refund",
        ids=keys(message, properties, reading),
        scope=scope(properties, reading),
        whole=not said and found == Amounts(),
        amounts=_amounts([None if a is None else abs(a) for a in found[:3]], found.unreadable),
        currency=currency or "",
        refunded_total=_so_far(properties, currency, reading),
    )


def keys(message: Message, properties: Fields, reading: Reading) -> dict[str, str]:
    """The order's key by each `id_field` of goals that the message has."""
    found = {name: properties.id(name) for name in reading.id_fields if name != MESSAGE_ID}
    if MESSAGE_ID in reading.id_fields:
        found[MESSAGE_ID] = message.message_id
    return {name: key for name, key in found.items() if key}


def scope(properties: Fields, reading: Reading) -> str:
    """What goes before the order's key: the topic's, else the shop's where `sources.toml` says so."""
    return reading.scope or (properties.id("affiliation") if reading.scoped_by_affiliation else "")


def currency_of(properties: Fields) -> str | None:
    """The currency in upper case, '' where absent, None where it is no three letters (which is noted)."""
    raw = properties.raw("currency")
    text = properties.text("currency").strip()
    if _CURRENCY.fullmatch(text):
        return text.upper()
    if raw is None or (not text and raw.startswith(b'"')):
        return ""
    if text:
        properties.fault("currency", raw)
    return None


def read(properties: Fields, currency: str | None, reading: Reading) -> Amounts:
    """The amounts of a message, negative ones as they are; none where its `currency` cannot be read."""
    found = [_amount(properties, name, currency, reading) for name in AMOUNTS]
    there = [properties.raw(name) is not None for name in AMOUNTS]
    return _amounts(found, unreadable=any(t and a is None for a, t in zip(found, there, strict=True)))


def _amounts(found: Sequence[int | None], unreadable: bool) -> Amounts:
    revenue, total, value = found
    return Amounts(revenue, total, value, unreadable)


def _amount(properties: Fields, name: str, currency: str | None, reading: Reading) -> int | None:
    raw = properties.raw(name)
    if raw is None:
        return None
    found = None if currency is None else amounts.amount(raw, currency or reading.base_currency)
    if found is None:
        properties.fault(name, raw)
    return found


def _positive(found: Amounts, properties: Fields) -> Amounts:
    """The amounts of an order: negative ones are left out."""
    negative = [a is not None and a < 0 for a in found[:3]]
    if not any(negative):
        return found
    for name in compress(AMOUNTS, negative):
        properties.fault(name)
    return _amounts([None if n else a for a, n in zip(found[:3], negative, strict=True)], unreadable=True)


def _so_far(properties: Fields, currency: str | None, reading: Reading) -> int | None:
    found = _amount(properties, "refunded_total", currency, reading)
    return None if found is None else abs(found)


def _of_products(properties: Fields, currency: str | None, reading: Reading) -> Amounts:
    """The sum of price times quantity as revenue, where every product has both; nothing where there are none."""
    already = len(properties.notes.faults)
    sums = [_of_product(product, currency, reading) for product in properties.objects("products")]
    if not sums and len(properties.notes.faults) == already:
        return Amounts()
    unclear = None in sums or len(properties.notes.faults) > already
    revenue = None if unclear else amounts.rounded(abs(sum(a for a in sums if a is not None)))
    if revenue is None:
        properties.fault("products")
    return Amounts(revenue=revenue, unreadable=revenue is None)


def _of_product(product: Fields, currency: str | None, reading: Reading) -> int | None:
    """Price times quantity in millionths of millionths."""
    price, quantity = _amount(product, "price", currency, reading), _amount(product, "quantity", currency, reading)
    return None if price is None or quantity is None else price * quantity
