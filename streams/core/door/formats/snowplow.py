"""Snowplow: enriched events, as lines of tab-separated values or as the JSON that its analytics SDKs make of them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw

from streams.core.door.canonical import Event, Ignored, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields import urls
from streams.core.door.fields.json_fields import UNREADABLE, Fields, Notes, string
from streams.core.door.fields.names import normal
from streams.core.door.formats import shape
from streams.core.door.formats.shape import Call
from streams.core.door.origin import of_host
from streams.core.door.recognise import SNOWPLOW, SNOWPLOW_FIELDS, is_snowplow_line

# Where the fields that are read stand in a line, of SNOWPLOW_FIELDS.
COLUMNS = {
    "collector_tstamp": 3, "event": 5, "event_id": 6, "user_id": 12, "domain_userid": 15, "network_userid": 17,
    "page_url": 29, "page_referrer": 31, "refr_medium": 44, "refr_source": 45, "mkt_medium": 47, "mkt_source": 48,
    "mkt_campaign": 51, "contexts": 52, "se_action": 54, "unstruct_event": 58, "tr_orderid": 59, "tr_affiliation": 60,
    "tr_total": 61, "tr_currency": 108, "mkt_clickid": 116, "mkt_network": 117, "derived_contexts": 122,
    "derived_tstamp": 124, "event_name": 126,
}  # fmt: skip
PLACES = {
    "properties.total": "tr_total", "properties.currency": "tr_currency", "properties.order_id": "tr_orderid",
    "properties.revenue": "transaction.revenue", "timestamp": "derived_tstamp", "userId": "user_id",
    "anonymousId": "domain_userid", "messageId": "event_id", "context.campaign.name": "mkt_campaign",
    "context.campaign.source": "mkt_source", "context.page.url": "page_url",
}  # fmt: skip
_ECOMMERCE = "com_snowplowanalytics_snowplow_ecommerce_"
_NETWORKS = {"doubleclick": "google", "microsoft": "bing"}  # of click ids, as Snowplow calls them
_DENYING, _ALLOWING = ("deny_all", "withdrawn", "expired"), ("allow_all", "implicit_consent")


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of an enriched event. Raises Rejected."""
    line = is_snowplow_line(value)
    row = (
        Fields(_of_line(value), "", notes)
        if line
        else shape.opened(value, SNOWPLOW, "enriched events of Snowplow", notes)
    )
    if row.raw("event_id") is None and row.raw("collector_tstamp") is None:
        raise Rejected("malformed", f"`event_id` is missing; an enriched event has {SNOWPLOW_FIELDS} fields or is JSON")
    entities = dict(_entities(row))
    said = _said(row, entities)
    name = row.text("event_name") or row.text("event")
    if not said:
        return (Ignored(name or "an event without a name"),)
    return shape.events([{"name": name, **_sender(row, entities, reading), **said}], PLACES, notes, reading)


def _of_line(value: bytes) -> dict[str, Raw]:
    """The fields of a line that are not empty, as JSON."""
    try:
        columns = value.decode().rstrip("\r\n").split("\t")
    except UnicodeDecodeError as error:
        raise Rejected("malformed", f"not UTF-8 at byte {error.start}") from None
    found: dict[str, Raw] = {}
    for name, at in COLUMNS.items():
        if columns[at]:
            found[name] = Raw(msgspec.json.encode(columns[at]))
    return found


def _entities(row: Fields) -> Iterator[tuple[str, Fields]]:
    """What is attached to an event and what it says of itself, by vendor and name, as the SDKs call their fields."""
    for name in ("contexts", "derived_contexts", "unstruct_event"):
        if raw := row.raw(name):
            yield from _described(Raw(raw), name, row.notes)
    for name, raw_ in row.values.items():
        for prefix in ("contexts_", "unstruct_event_"):
            if name.startswith(prefix):
                bare = name.removeprefix(prefix).rstrip("0123456789").rstrip("_")
                yield from ((bare, fields) for fields in _objects(raw_, name, row.notes))


def _described(raw: Raw, name: str, notes: Notes) -> Iterator[tuple[str, Fields]]:
    """The self-describing data in self-describing data, which may stand in a text."""
    text = string(bytes(raw)) if bytes(raw).startswith(b'"') else None
    for outer in _objects(Raw(text.encode()) if text else raw, name, notes):
        inner = outer.values.get("data")
        for one in _objects(inner, f"{name}.data", notes) if inner is not None else ():
            schema = one.text("schema").removeprefix("iglu:").split("/")
            data = one.values.get("data")
            if len(schema) > 1 and data is not None:
                bare = "_".join((schema[0].replace(".", "_").replace("-", "_"), schema[1]))
                yield from ((bare, fields) for fields in _objects(data, bare, notes))


def _objects(raw: Raw, name: str, notes: Notes) -> Iterator[Fields]:
    """The object, or each object of the list, that a value is."""
    try:
        many = msgspec.json.decode(raw, type=list[Raw]) if bytes(raw).startswith(b"[") else [raw]
        for one in many:
            yield Fields(msgspec.json.decode(one, type=dict[str, Raw]), f"{name}.", notes)
    except UNREADABLE:
        Fields({name: raw}, "", notes).fault(name)


def _sender(row: Fields, entities: Mapping[str, Fields], reading: Reading) -> Call:
    at = row.text("derived_tstamp") or row.text("collector_tstamp")
    return {
        "messageId": row.id("event_id"),
        "timestamp": shape.utc(at),
        "receivedAt": shape.utc(row.text("collector_tstamp")),
        "userId": row.id("user_id"),
        "anonymousId": row.id("domain_userid") or row.id("network_userid"),
        "context": {"campaign": _campaign(row, reading), "page": _page(row), **_consent(entities, reading)},
    }


def _page(row: Fields) -> Call:
    inside = row.text("refr_medium") == "internal"
    return {"url": row.text("page_url"), "referrer": "" if inside else row.text("page_referrer")}


def _campaign(row: Fields, reading: Reading) -> Call:
    source = row.text("mkt_source") or _of_click(row) or _of_referrer(row, reading)
    return {"name": row.text("mkt_campaign"), "source": source, "medium": row.text("mkt_medium")}


def _of_click(row: Fields) -> str:
    network = row.text("mkt_network") if row.raw("mkt_clickid") else ""
    return _NETWORKS.get(network.strip().lower(), network)


def _of_referrer(row: Fields, reading: Reading) -> str:
    """The network of a referrer that Snowplow knows and the table of networks does not."""
    host = urls.host(row.text("page_referrer"))
    if of_host(host, reading) or reading.own_hosts.have(host):
        return ""
    medium = row.text("refr_medium")
    return row.text("refr_source") if medium == "social" else medium if medium in ("search", "email") else ""


def _said(row: Fields, entities: Mapping[str, Fields]) -> Call | None:
    """What kind of call an event is; None where it has no name."""
    event, name = row.text("event"), row.text("event_name")
    if event == "page_view":
        return {"type": "page", "properties": _page(row)}
    action = entities.get(f"{_ECOMMERCE}snowplow_ecommerce_action")
    kind = action.text("type") if action else ""
    if (bought := entities.get(f"{_ECOMMERCE}transaction")) and kind in ("", "transaction"):
        return _track("Order Completed", _bought(bought))
    if (refunded := entities.get(f"{_ECOMMERCE}refund")) and kind in ("", "refund"):
        return _track(
            "Order Refunded", _given(refunded, order_id="transaction_id", total="refund_amount", currency="currency")
        )
    if event == "transaction":
        names = {
            "order_id": "tr_orderid",
            "total": "tr_total",
            "currency": "tr_currency",
            "affiliation": "tr_affiliation",
        }
        return _track("Order Completed", _given(row, **names))
    if name == "consent_preferences":
        return _track("Consent Updated", {})
    own = row.text("se_action") if event == "struct" else name or event
    return _track(own, _own(entities, name)) if own.strip() else None


def _track(name: str, properties: Call) -> Call:
    return {"type": "track", "event": name, "properties": properties}


def _given(fields: Fields, **names: str) -> Call:
    return {name: fields.values[of] for name, of in names.items() if of in fields.values}


def _bought(fields: Fields) -> Call:
    coupons = [fields.values[name] for name in ("coupon_code", "discount_code") if fields.raw(name)]
    return {**_given(fields, order_id="transaction_id", revenue="revenue", currency="currency"), "coupons": coupons}


def _own(entities: Mapping[str, Fields], name: str) -> Call:
    """The properties of a self-describing event: what it says of itself."""
    return next((dict(said.values) for label, said in entities.items() if label.endswith(f"_{name}")), {})


def _consent(entities: Mapping[str, Fields], reading: Reading) -> Call:
    """Consent by the preferences that are attached: by what was done, else by the scopes that are consented to."""
    said = next((fields for name, fields in entities.items() if name.endswith("_consent_preferences")), None)
    if said is None:
        return {}
    done = said.text("event_type")
    if done in (*_DENYING, *_ALLOWING):
        return shape.consent(done in _DENYING, reading)
    if said.text("basis_for_processing") != "consent":
        return {}
    return shape.consent(reading.advertising.isdisjoint(map(normal, said.ids("consent_scopes"))), reading)
