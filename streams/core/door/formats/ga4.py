"""Google Analytics 4: rows of the export to BigQuery, as JSON."""

from collections.abc import Mapping, Sequence

from msgspec import Raw

from streams.core.door.canonical import Event, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields.ids import made
from streams.core.door.fields.json_fields import Fields, Notes, string
from streams.core.door.fields.names import event_name
from streams.core.door.fields.times import from_number
from streams.core.door.formats import shape
from streams.core.door.formats.shape import Call
from streams.core.door.recognise import GA4

PLACES = {
    "properties.revenue": "ecommerce.purchase_revenue", "properties.value": "event_params.value",
    "properties.currency": "event_params.currency", "properties.coupon": "event_params.coupon",
    "properties.order_id": "ecommerce.transaction_id", "timestamp": "event_timestamp", "userId": "user_id",
    "anonymousId": "user_pseudo_id", "properties.products[].price": "items[].price",
    "properties.products[].quantity": "items[].quantity", "properties.products": "items",
}  # fmt: skip
_VISITS = ("page_view", "session_start", "first_visit")
_NAMES = {"purchase": "Order Completed", "refund": "Order Refunded"}
_ID = ("user_pseudo_id", "event_timestamp", "event_name", "event_bundle_sequence_id", "batch_event_index")
_VALUES = ("string_value", "int_value", "double_value", "float_value")
_NOT_SET = ("(not set)", "")


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of a row. Raises Rejected."""
    row = shape.opened(value, GA4, "rows of Google Analytics 4", notes)
    name = row.text("event_name")
    if not name.strip():
        raise Rejected("malformed", "`event_name` is missing")
    parameters = _parameters(row)
    said = {"type": "page"} if name in _VISITS else _track(row, name, parameters, reading)
    call = {**_sender(row, parameters, reading), **said, "name": name}
    return shape.events([call], PLACES, notes, reading)


def _sender(row: Fields, parameters: Mapping[str, Raw], reading: Reading) -> Call:
    """Who sent the row, when, from which page, and with what consent."""
    storage = row.object("privacy_info").text("ads_storage").strip().lower()
    return {
        "messageId": made([GA4, *map(row.text, _ID)]),
        "timestamp": _seconds(row),
        "userId": row.id("user_id"),
        "anonymousId": row.id("user_pseudo_id"),
        "context": {
            "campaign": _campaign(row),
            "page": _page(row, parameters),
            **shape.consent({"no": True, "yes": False}.get(storage), reading),
        },
    }


def _seconds(row: Fields) -> str | Raw | None:
    """The time in seconds, of one in microseconds."""
    text = row.text("event_timestamp").strip()
    if not text.isdecimal() or not text.isascii() or len(text) > 20:
        return shape.raw(row, "event_timestamp")
    padded = text.zfill(7)
    seconds = f"{padded[:-6]}.{padded[-6:]}"
    return seconds if from_number(seconds) is not None and len(text) < 17 else None


def _parameters(row: Fields) -> dict[str, Raw]:
    """The parameters of an event, by name: of each the value of whatever type it is."""
    found: dict[str, Raw] = {}
    for parameter in row.objects("event_params"):
        value = parameter.object("value")
        typed = next((name for name in _VALUES if value.raw(name) is not None), None)
        if typed and (key := parameter.text("key")):
            found.setdefault(key, value.values[typed])
    return found


def _campaign(row: Fields) -> Call:
    of, prefix = row.object("collected_traffic_source"), "manual_"
    if all(of.raw(name) is None for name in of.values) and row.text("event_name") == "first_visit":
        of, prefix = row.object("traffic_source"), ""
    names = (
        ("id", "campaign_id"),
        ("name", "campaign_name" if prefix else "name"),
        ("source", "source"),
        ("medium", "medium"),
    )
    return {name: of.values[prefix + field] for name, field in names if prefix + field in of.values}


def _text(parameters: Mapping[str, Raw], name: str) -> str:
    return string(bytes(parameters[name])) or "" if name in parameters else ""


def _page(row: Fields, parameters: Mapping[str, Raw]) -> Call:
    url, collected = _text(parameters, "page_location"), row.object("collected_traffic_source")
    for name in ("gclid", "dclid"):
        url = shape.with_parameter(url, name, collected.text(name))
    return {"url": url, "referrer": _text(parameters, "page_referrer")}


def _track(row: Fields, name: str, parameters: Mapping[str, Raw], reading: Reading) -> Call:
    properties: Call = dict(parameters)
    if name in _NAMES:
        ecommerce = row.object("ecommerce")
        key = ecommerce.id("transaction_id")
        properties["order_id"] = parameters.get("transaction_id") if key in _NOT_SET else key
        properties |= _of_purchase(row, ecommerce) if name == "purchase" else _of_refund(row, parameters)
    counted = event_name(name) in reading.counted
    return {"type": "track", "event": name if counted else _NAMES.get(name, name), "properties": properties}


def _of_purchase(row: Fields, ecommerce: Fields) -> Call:
    """What an order is worth, and the coupons of its items."""
    revenue = shape.raw(ecommerce, "purchase_revenue")
    coupons = [{"coupon": item.values["coupon"]} for item in row.objects("items") if item.id("coupon") not in _NOT_SET]
    return {**({"revenue": revenue} if revenue is not None else {}), "products": coupons}


def _of_refund(row: Fields, parameters: Mapping[str, Raw]) -> Call:
    """The value that is taken back, else the items; `revenue` and `total` are no words of Google's."""
    if "value" in parameters:
        return {}
    items = [{name: item.values.get(name) for name in ("price", "quantity")} for item in row.objects("items")]
    return {"products": items}
