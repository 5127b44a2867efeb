"""Shopify: the webhooks of orders and refunds."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from streams.core.door.canonical import Event, Ignored
from streams.core.door.context import Reading
from streams.core.door.fields.ids import made
from streams.core.door.fields.json_fields import Fields, Notes, scalar
from streams.core.door.formats import shape
from streams.core.door.formats.shape import Call
from streams.core.door.recognise import SHOPIFY

PLACES = {
    "properties.total": "total_price", "properties.revenue": "subtotal_price", "properties.currency": "currency",
    "properties.discount_codes": "discount_codes", "timestamp": "processed_at", "userId": "customer.id",
    "properties.order_id": "id", "context.page.url": "landing_site", "context.page.referrer": "referring_site",
}  # fmt: skip
PLACES_OF_REFUND = {
    "properties.order_id": "order_id",
    "timestamp": "processed_at",
    "properties.total": "transactions[].amount",
}


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of a webhook's body. Raises Rejected."""
    body = shape.opened(value, SHOPIFY, "orders and refunds of Shopify", notes)
    if "order_id" in body.values and ("transactions" in body.values or "refund_line_items" in body.values):
        refunds = list(_refunds(body))
        return shape.events(refunds, PLACES_OF_REFUND, notes, reading) or (Ignored("refund without a payment"),)
    if "financial_status" not in body.values and "landing_site" not in body.values:
        return (Ignored("neither an order nor a refund"),)
    if body.text("abandoned_checkout_url"):
        return (Ignored("checkout that is no order"),)
    if body.raw("test") == b"true":
        return (Ignored("test order"),)
    return shape.events(_order(body, reading), PLACES, notes, reading)


def _order(body: Fields, reading: Reading) -> Iterator[Call]:
    key = body.id("id")
    people = _people(body, reading)
    if body.raw("cancelled_at") is not None or body.text("financial_status") == "voided":
        at = body.text("cancelled_at") or body.text("updated_at")
        yield _call("Order Cancelled", made([SHOPIFY, key, "cancel"]), at, {"order_id": key}, people)
        return
    worth: Call = {"order_id": key, **{name: shape.raw(body, of) for name, of in _WORTH}}
    bought = {**worth, **_coupons(body), "new_customer": _is_new(body.object("customer"))}
    at = body.text("processed_at") or body.text("created_at")
    yield _call("Order Completed", made([SHOPIFY, key]), at, bought, people)
    if updated := body.text("updated_at"):
        yield _call("Order Updated", made([SHOPIFY, key, "order", updated]), updated, worth, people)


_WORTH = (("total", "total_price"), ("revenue", "subtotal_price"), ("currency", "currency"))


def _call(event: str, message_id: str, at: str, properties: Call, people: Call) -> Call:
    said = {name: value for name, value in properties.items() if value is not None}
    return {"type": "track", "event": event, "messageId": message_id, "timestamp": at, "properties": said, **people}


def _people(body: Fields, reading: Reading) -> Call:
    attributes = Fields(shape.pairs(body, "note_attributes", "name", "value"), "note_attributes.", body.notes)
    customer = body.object("customer")
    user = customer.id("id")
    page = {"url": body.text("landing_site"), "referrer": body.text("referring_site")}
    return {
        "userId": user or (body.text("email") or customer.text("email")).strip().lower(),
        "anonymousId": shape.anonymous(attributes),
        "context": {"page": page, **_consent(body, reading)},
    }


def _consent(body: Fields, reading: Reading) -> Call:
    said = scalar(body.object("customer_privacy").raw("marketing") or b"null")
    allowed = {"yes": True, "no": False}.get(said.lower()) if isinstance(said, str) else said
    return shape.consent(not allowed if isinstance(allowed, bool) else None, reading)


def _coupons(body: Fields) -> Call:
    return {"discount_codes": shape.raw(body, "discount_codes")}


def _is_new(customer: Fields) -> bool | None:
    orders = scalar(customer.raw("orders_count") or b"null")
    return orders == 1 if isinstance(orders, int) and orders >= 1 else None


def _refunds(body: Fields) -> Iterator[Call]:
    """One refund for each currency in which something was paid back."""
    at = body.text("processed_at") or body.text("created_at")
    sums: dict[str, Decimal | None] = {}
    for paid in body.objects("transactions"):
        if paid.text("kind") == "refund" and (paid.raw("status") is None or paid.text("status") == "success"):
            currency, amount = paid.text("currency"), _number(paid)
            so_far = sums.get(currency, Decimal())
            sums[currency] = None if so_far is None or amount is None else so_far + amount
    for currency, total in sums.items():
        id_ = made([SHOPIFY, body.id("id"), "refund", body.text("updated_at"), currency])
        said = {"order_id": body.id("order_id"), "total": "unreadable" if total is None else str(total)}
        yield _call("Order Refunded", id_, at, {**said, "currency": currency or None}, {})


def _number(paid: Fields) -> Decimal | None:
    try:
        found = Decimal(paid.text("amount"))
    except ArithmeticError:
        return None
    return found if found.is_finite() and found.adjusted() < 15 else None
