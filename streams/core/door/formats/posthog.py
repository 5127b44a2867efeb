"""PostHog: captured events."""

from collections.abc import Sequence

from msgspec import Raw

from streams.core.door.canonical import Event, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields import urls
from streams.core.door.fields.ids import made
from streams.core.door.fields.json_fields import Fields, Notes, json_type, message_object
from streams.core.door.formats import shape
from streams.core.door.formats.shape import Call
from streams.core.door.recognise import POSTHOG

PLACES = {
    "userId": "distinct_id", "anonymousId": "distinct_id", "context.page.url": "properties.$current_url",
    "properties.url": "properties.$current_url", "properties.referrer": "properties.$referrer",
    "context.campaign.name": "properties.utm_campaign", "context.campaign.source": "properties.utm_source",
    "messageId": "uuid", "previousId": "properties.alias",
}  # fmt: skip
_PAGES = {"$pageview": "page", "$screen": "screen"}


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of a captured event. Raises Rejected."""
    return read_one(value, notes, reading)


def batch(value: bytes) -> Fields | None:
    """The body in which SDKs send many events, None where it is none."""
    fields = message_object(value) if b'"batch"' in value else {}
    several = "event" not in fields and json_type(bytes(fields.get("batch", b""))) == "array"
    return Fields(fields, "", Notes()) if several else None


def read_one(value: bytes, notes: Notes, reading: Reading, sent_at: bytes | None = None) -> tuple[Event, ...]:
    """The events of a captured event; `sent_at` is of its batch, raw. Raises Rejected."""
    body = shape.opened(value, POSTHOG, "events of PostHog", notes)
    name = body.text("event")
    if not name.strip():
        raise Rejected("malformed", "`event` is missing")
    properties = body.object("properties")
    call = {**_sender(body, properties, name), **_said(properties, name), "name": name}
    if sent_at:
        call["receivedAt"] = Raw(sent_at)
    return shape.events([call], PLACES, notes, reading)


def _sender(body: Fields, properties: Fields, name: str) -> Call:
    user, anonymous = _people(body, properties, name)
    id_ = body.id("uuid") or properties.id("uuid")
    return {
        "messageId": id_ or made([POSTHOG, _distinct(body, properties), body.text("timestamp"), name]),
        "timestamp": shape.raw(body, "timestamp"),
        "sentAt": shape.raw(body, "sent_at"),
        "userId": user,
        "anonymousId": anonymous,
        "context": {"campaign": _campaign(properties), "page": _page(properties)},
    }


def _distinct(body: Fields, properties: Fields) -> str:
    return body.id("distinct_id") or properties.id("distinct_id")


def _people(body: Fields, properties: Fields, name: str) -> tuple[str, str]:
    """The user id and the anonymous id: the distinct id is the user's once the person is identified."""
    distinct = _distinct(body, properties)
    before, device = properties.id("$anon_distinct_id"), properties.id("$device_id")
    if name == "$identify":
        return distinct, before or device
    if name == "$create_alias":
        return distinct, ""
    if properties.raw("$is_identified") == b"true":
        return distinct, device or before
    return "", device or before or distinct


def _said(properties: Fields, name: str) -> Call:
    """What kind of call the event is, and its properties."""
    if name in _PAGES:
        return {"type": _PAGES[name], "properties": _page(properties)}
    if name == "$identify":
        return {"type": "identify"}
    if name == "$create_alias":
        return {"type": "alias", "previousId": properties.id("alias")}
    own = {key: raw for key, raw in properties.values.items() if not key.startswith("$")}
    return {"type": "track", "event": name, "properties": own}


def _campaign(properties: Fields) -> Call:
    names = (("id", "utm_id"), ("name", "utm_campaign"), ("source", "utm_source"), ("medium", "utm_medium"))
    return {name: properties.values[of] for name, of in names if of in properties.values}


def _page(properties: Fields) -> Call:
    url = properties.text("$current_url")
    for name, _ in urls.CLICK_IDS:
        if name in properties.values and f"{name}=" not in url:
            url = shape.with_parameter(url, name, properties.text(name))
    return {"url": url, "referrer": properties.text("$referrer")}
