"""Stripe: events of payments, invoices and refunds."""

from collections.abc import Sequence
from decimal import Decimal

from streams.core.door.canonical import Event, Ignored, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields.ids import made
from streams.core.door.fields.json_fields import Fields, Notes
from streams.core.door.formats import shape
from streams.core.door.formats.shape import Call
from streams.core.door.recognise import STRIPE

PLACES = {
    "properties.total": "data.object.amount", "properties.refunded_total": "data.object.amount_refunded",
    "properties.currency": "data.object.currency", "timestamp": "created", "userId": "data.object.customer",
    "properties.order_id": "data.object.id", "anonymousId": "data.object.client_reference_id",
}  # fmt: skip
WITHOUT_CENTS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_SESSIONS = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of an event of Stripe. Raises Rejected."""
    body = shape.opened(value, STRIPE, "events of Stripe", notes)
    kind = body.text("type")
    if not kind:
        raise Rejected("malformed", "`type` is missing; an event of Stripe says what happened")
    said = body.object("data").object("object")
    if kind in _SESSIONS and said.text("payment_status") == "paid":
        calls = [_call(body, said, "Order Completed", {"total": _amount(said, "amount_total")})]
    elif kind == "invoice.paid":
        calls = [_call(body, said, "Order Completed", {"total": _amount(said, "amount_paid", "total")})]
    elif kind == "charge.refunded":
        calls = [_call(body, said, "Order Refunded", {"refunded_total": _amount(said, "amount_refunded")})]
    else:
        return (Ignored(kind[:64]),)
    return shape.events(calls, PLACES, notes, reading)


def _call(body: Fields, said: Fields, event: str, amounts: Call) -> Call:
    metadata = said.object("metadata")
    names = (("id", "utm_id"), ("name", "utm_campaign"), ("source", "utm_source"), ("medium", "utm_medium"))
    campaign = {name: shape.raw(metadata, of) for name, of in names if of in metadata.values}
    return {
        "type": "track",
        "event": event,
        "messageId": body.id("id") or made([STRIPE, *map(bytes, body.values.values())]),
        "timestamp": shape.raw(body, "created"),
        "userId": _reference(said, "customer") or _email(said),
        "anonymousId": said.id("client_reference_id") or shape.anonymous(metadata),
        "context": {"campaign": campaign},
        "properties": {"order_id": _key(said), "currency": shape.raw(said, "currency"), **amounts},
    }


def _key(said: Fields) -> str:
    """The order's key, one for the session, the invoice and the charge of one payment."""
    if said.text("object") == "invoice":
        return said.id("id")
    return _reference(said, "invoice") or _reference(said, "payment_intent") or said.id("id")


def _reference(said: Fields, name: str) -> str:
    """The id of an object that is referred to, which may stand there whole."""
    raw = said.raw(name)
    return said.object(name).id("id") if raw and raw.startswith(b"{") else said.id(name)


def _email(said: Fields) -> str:
    found = said.object("customer_details").text("email") or said.text("customer_email")
    return found.strip().lower()


def _amount(said: Fields, *names: str) -> str | None:
    """An amount in units of its currency, of one in its smallest unit."""
    name = next((name for name in names if said.raw(name) is not None), None)
    if name is None:
        return None
    currency = said.text("currency").strip().upper()
    places = 0 if currency in WITHOUT_CENTS else 3 if currency in THOUSANDTHS else 2
    text = said.text(name)
    digits = text.removeprefix("-")
    return (
        f"{Decimal(text).scaleb(-places):f}" if digits.isdecimal() and digits.isascii() and len(digits) < 20 else text
    )
