"""WooCommerce: the webhooks of orders."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from streams.core.door.canonical import Event, Ignored
from streams.core.door.context import Reading
from streams.core.door.fields.ids import made
from streams.core.door.fields.json_fields import Fields, Notes
from streams.core.door.formats import shape
from streams.core.door.formats.shape import Call
from streams.core.door.recognise import WOOCOMMERCE

STANDING, TAKEN_BACK = ("processing", "completed"), ("cancelled", "refunded", "failed")
PLACES = {
    "properties.total": "total", "properties.revenue": "total_tax", "properties.currency": "currency",
    "properties.order_id": "id", "timestamp": "date_paid_gmt", "userId": "customer_id",
    "properties.discount_codes[].code": "coupon_lines[].code",
}  # fmt: skip
_OF_ATTRIBUTION = "_wc_order_attribution_"


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of a webhook's body. Raises Rejected."""
    body = shape.opened(value, WOOCOMMERCE, "orders of WooCommerce", notes)
    status = body.text("status").removeprefix("wc-")
    if "date_created_gmt" not in body.values or status not in STANDING + TAKEN_BACK:
        return (Ignored(f"order {status[:50]}" if status else "no order"),)
    return shape.events(_order(body, status), PLACES, notes, reading)


def _order(body: Fields, status: str) -> Iterator[Call]:
    key, modified = body.id("id"), body.text("date_modified_gmt")
    meta = Fields(shape.pairs(body, "meta_data", "key", "value"), "meta_data.", body.notes)
    people = _people(body, meta)
    made_at = body.text("date_paid_gmt") or body.text("date_created_gmt")
    if status in TAKEN_BACK:
        yield _call("Order Cancelled", [key, "cancel"], modified or made_at, {"order_id": key}, people)
        return
    worth = {"order_id": key, "total": shape.raw(body, "total"), "currency": shape.raw(body, "currency")}
    worth["revenue"] = _revenue(body)
    bought = {**worth, "discount_codes": shape.raw(body, "coupon_lines")}
    yield _call("Order Completed", [key], made_at, bought, {**people, "context": _context(meta)})
    if modified:
        yield _call("Order Updated", [key, "order", modified], modified, worth, people)
    for refund in body.objects("refunds"):
        said = {"order_id": key, "total": shape.raw(refund, "total"), "currency": shape.raw(body, "currency")}
        yield _call("Order Refunded", [key, "refund", refund.id("id")], modified or made_at, said, people)


def _call(event: str, id_: list[str], at: str, properties: Call, people: Call) -> Call:
    said = {name: value for name, value in properties.items() if value is not None}
    message_id = made([WOOCOMMERCE, *id_])
    return {
        "type": "track",
        "event": event,
        "messageId": message_id,
        "timestamp": shape.utc(at),
        "properties": said,
        **people,
    }


def _revenue(body: Fields) -> str | None:
    """The total without tax and shipping, None where one of them cannot be read."""
    if body.raw("total_tax") is None:
        return None
    try:
        total, tax = Decimal(body.text("total")), Decimal(body.text("total_tax"))
        revenue = total - tax - Decimal(body.text("shipping_total") or "0")
    except ArithmeticError:
        return None
    return f"{revenue:f}" if revenue.is_finite() and revenue >= 0 and -20 < revenue.adjusted() < 15 else None


def _people(body: Fields, meta: Fields) -> Call:
    user = body.id("customer_id")
    email = body.object("billing").text("email").strip().lower()
    return {"userId": user if user not in ("", "0") else email, "anonymousId": shape.anonymous(meta)}


def _context(meta: Fields) -> Call:
    names = (("id", "utm_id"), ("name", "utm_campaign"), ("source", "utm_source"), ("medium", "utm_medium"))
    campaign = {name: shape.raw(meta, _OF_ATTRIBUTION + of) for name, of in names}
    page = {"referrer": shape.raw(meta, f"{_OF_ATTRIBUTION}referrer")}
    return {"campaign": {name: value for name, value in campaign.items() if value is not None}, "page": page}
