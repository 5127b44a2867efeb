"""CloudEvents 1.0, structured or binary: an envelope, whose data is read as what it is."""

import base64
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from streams.core.door import segment
from streams.core.door.canonical import Event, Ignored, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields.ids import LONGEST_MESSAGE_ID, made
from streams.core.door.fields.json_fields import Fields, Notes, message_object, string
from streams.core.door.formats import ga4, posthog, shape, shopify, snowplow, stripe, woocommerce
from streams.core.door.recognise import (
    CLOUDEVENTS,
    GA4,
    POSTHOG,
    SEGMENT,
    SHOPIFY,
    SNOWPLOW,
    STRIPE,
    WOOCOMMERCE,
    is_snowplow_line,
    kind,
)

_READERS = {
    GA4: ga4.read, SHOPIFY: shopify.read, SNOWPLOW: snowplow.read, STRIPE: stripe.read,
    WOOCOMMERCE: woocommerce.read,
}  # fmt: skip
_BINARY = "ce_"
_CALL = {"messageId", "anonymousId"}  # what has one is a Segment call, with or without what it must have


def read(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of a CloudEvent's data; one that has none, or none that is JSON, is legal and ignored by its type.
    Raises Rejected."""
    data, envelope = _opened(value, headers, notes)
    if not data or not (_says_json(envelope) or is_snowplow_line(data)):
        return (_ignored(envelope),)
    return _data(data, envelope, notes, reading)


def _ignored(envelope: Fields) -> Ignored:
    return Ignored(envelope.text("type")[:64] or "a CloudEvent without a type")


def _says_json(envelope: Fields) -> bool:
    return "json" in (envelope.text("datacontenttype") or "json").lower()


def batch(value: bytes, headers: Sequence[tuple[str, bytes]]) -> tuple[bytes, bytes | None] | None:
    """The data of a CloudEvent that is a batch of Segment calls, with the event's time; None where it is none.
    Raises Rejected."""
    if b"batch" not in value and b"data_base64" not in value:
        return None
    data, envelope = _opened(value, headers, Notes())
    return (data, envelope.raw("time")) if b'"batch"' in data and _is_batch(message_object(data)) else None


def _is_batch(fields: Mapping[str, Raw]) -> bool:
    return "type" not in fields and kind(fields)[0] == SEGMENT


def _opened(value: bytes, headers: Sequence[tuple[str, bytes]], notes: Notes) -> tuple[bytes, Fields]:
    """The data of a CloudEvent, and its attributes."""
    attributes = {_attribute(name): content for name, content in headers}
    attributes.pop("", None)
    if "specversion" in attributes or "id" in attributes:
        return value, Fields({name: _text(content) for name, content in attributes.items()}, "", notes)
    envelope = shape.opened(value, CLOUDEVENTS, "CloudEvents", notes)
    if envelope.raw("specversion") is None:
        raise Rejected("malformed", "`specversion` is missing; this topic has CloudEvents 1.0")
    return _of_structured(envelope), envelope


def _attribute(header: str) -> str:
    """The attribute of a binary event that a header says, '' where it says none."""
    return "datacontenttype" if header == "content-type" else header[3:] if header.startswith(_BINARY) else ""


def _text(content: bytes | None) -> Raw:
    return Raw(msgspec.json.encode((content or b"").decode("utf-8", "replace")))


def _of_structured(envelope: Fields) -> bytes:
    """The data of a structured event, empty where it has none. Raises Rejected."""
    encoded = envelope.text("data_base64")
    if encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except ValueError:
            raise Rejected("malformed", "`data_base64` is no base64") from None
    raw = envelope.raw("data") or b""
    return (string(raw) or "").encode() if raw.startswith(b'"') else raw


def _data(value: bytes, envelope: Fields, notes: Notes, reading: Reading) -> tuple[Event, ...]:
    if is_snowplow_line(value):
        return snowplow.read(value, (), notes, reading)
    fields = message_object(value)
    name, called = kind(fields)
    if name == POSTHOG:
        return posthog.read_one(_with_uuid(value, fields, envelope), notes, reading, envelope.raw("time"))
    if name in _READERS:
        return _READERS[name](value, (), notes, reading)
    if not called and not _CALL & fields.keys():
        return (_ignored(envelope),)
    if name != SEGMENT or "type" not in fields:
        what = f"is {called}" if called else f"of type {envelope.text('type')[:60]} is of no known format"
        raise Rejected(
            "malformed", f"the data of this CloudEvent {what}; it can be a Segment call, or of another format"
        )
    call = Fields(_with_id(fields, envelope, notes), "data.", notes)
    return (segment.read(call, reading, envelope.raw("time")),)


def _with_uuid(value: bytes, fields: Mapping[str, Raw], envelope: Fields) -> bytes:
    """An event of PostHog, with the id of the CloudEvent where it has none."""
    given = envelope.id("id")
    if not given or "uuid" in fields:
        return value
    made_id = Raw(msgspec.json.encode(made([CLOUDEVENTS, envelope.text("source"), given])))
    return msgspec.json.encode({**fields, "uuid": made_id})


def _with_id(fields: Mapping[str, Raw], envelope: Fields, notes: Notes) -> Mapping[str, Raw]:
    """The fields of a call, with an id of the event's where it has none."""
    own = Fields(fields, "", Notes()).id("messageId")
    given = envelope.id("id")
    if not given or (own and len(own) <= LONGEST_MESSAGE_ID):
        return fields
    return {**fields, "messageId": Raw(msgspec.json.encode(made([CLOUDEVENTS, envelope.text("source"), given])))}
