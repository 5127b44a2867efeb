"""What the collector makes of a call: when it happened by our clock, its id, its key, and nothing about who sent it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from streams.core.door.canonical import END_OF_TIME, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields import ids
from streams.core.door.fields.json_fields import Fields, Notes, message_object
from streams.core.door.fields.times import milliseconds

AHEAD = 3_600_000  # ms that an event may be ahead of now, as the worker has it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERSONAL = frozenset({"ip", "request_ip", "userAgent", "userAgentData", "traits", "writeKey"})
_ORIGINAL = ("originalTimestamp", "timestamp")
_USUAL = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"')
_NAIVE_EPOCH, _MILLISECOND = datetime(1970, 1, 1), timedelta(milliseconds=1)  # noqa: DTZ001
_encode = msgspec.json.Encoder().encode


class Arrival(NamedTuple):
    """How messages came: when (ms), when their sender says so (raw), and their type where the path says it."""

    received: int
    sent_at: bytes | None = None
    type: str = ""


class Stamped(NamedTuple):
    """A message as it is recorded: its routing key, its bytes, its type and its time in ms."""

    key: bytes
    value: bytes
    type: str
    time: int


def stamp(fields: Mapping[str, Raw], sent: Arrival, reading: Reading) -> Stamped:
    """Stamp a message. Raises Rejected where it has no type, or a time that cannot be."""
    message = Fields(fields, "", Notes())
    kind = sent.type or message.text("type")
    if not kind:
        raise Rejected("malformed", "`type` is missing; say track, page, screen, identify, alias or group")
    said = [(raw, time) for raw in map(message.raw, _ORIGINAL) if raw and (time := _milliseconds(raw)) is not None]
    original, happened = said[0] if said else (None, None)
    sent_at = message.raw("sentAt") or sent.sent_at
    time = corrected(happened, _milliseconds(sent_at) if sent_at else None, sent.received)
    message_id, own = ids.message_id(message, reading)
    token = ids.person(message, "userId", reading) or ids.person(message, "anonymousId", reading)
    whole = {name: raw for name, raw in fields.items() if name not in _PERSONAL}
    if "context" in whole:
        whole["context"] = _impersonal(bytes(whole["context"]))
    added: dict[str, str | Raw] = {"type": kind, "timestamp": written(time), "receivedAt": _received(sent.received)}
    if original is not None:
        added["originalTimestamp"] = Raw(original)
    if sent_at is not None:
        added["sentAt"] = Raw(sent_at)
    if not own:
        added["messageId"] = message_id
    return Stamped((token or message_id).encode(), _encode(whole | added), kind, time)


def corrected(original: int | None, sent: int | None, received: int) -> int:
    """When something happened by our clock, ms: as long before it was received as, by its sender's clock, before it
    was sent. Raises Rejected where that is no time, or not yet."""
    before = 0 if original is None or sent is None else sent - original
    time = original if original is not None and sent is None else received - before
    if not 0 <= time < END_OF_TIME or time > received + AHEAD:
        raise Rejected("malformed", "`timestamp` is more than an hour ahead of now, or no time; set the sender's clock")
    return time


def written(time: int) -> str:
    """A time in ms as RFC 3339 has it."""
    return (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_received = lru_cache(maxsize=64)(written)


def _milliseconds(raw: bytes) -> int | None:
    """Milliseconds, as `milliseconds` reads them; what nearly every SDK writes is read in a fraction of the time."""
    if _USUAL.fullmatch(raw):
        try:
            time = (datetime.fromisoformat(raw[1:-2].decode()) - _NAIVE_EPOCH) // _MILLISECOND
            return time if 0 <= time < END_OF_TIME else None
        except ValueError:
            pass
    return milliseconds(raw)


def _impersonal(context: bytes) -> Raw:
    """A context without what tells of the person or the machine; empty where it is no object."""
    try:
        fields = message_object(context)
    except Rejected:
        return Raw(b"{}")
    return Raw(_encode({name: raw for name, raw in fields.items() if name not in _PERSONAL}))
