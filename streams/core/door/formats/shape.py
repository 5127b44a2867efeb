"""What the formats share: from what a message says to Segment calls, and from those to events."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from streams.core.door import segment
from streams.core.door.canonical import Event, Fault, Ignored, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import Fields, Notes, message_object
from streams.core.door.recognise import misplaced

Call = dict[str, Any]
ANONYMOUS = ("anonymous_id", "ajs_anonymous_id", "rl_anonymous_id")


def opened(value: bytes, expected: str, called: str, notes: Notes) -> Fields:
    """The fields of a message of the expected format. Raises Rejected where it is no JSON object, or of another."""
    fields = message_object(value)
    if other := misplaced(fields, expected):
        raise Rejected("malformed", other)
    if not fields:
        raise Rejected("malformed", f"an empty object; this topic has {called}")
    return Fields(fields, "", notes)


def events(calls: Iterable[Call], places: Mapping[str, str], notes: Notes, reading: Reading) -> tuple[Event, ...]:
    """The events of calls; what is left out of them is noted at the `places` where the message has it."""
    inner = Notes()
    try:
        return tuple(_event(call, inner, reading) for call in calls)
    except Rejected as rejected:
        place = rejected.error.split("`")[1] if "`" in rejected.error else ""
        raise Rejected(rejected.reason, rejected.error.replace(f"`{place}`", f"`{places.get(place, place)}`")) from None
    finally:
        notes.placeholders += inner.placeholders
        notes.faults += (Fault(places.get(fault.place, fault.place), fault.type) for fault in inner.faults)


def _event(call: Call, notes: Notes, reading: Reading) -> Event:
    """The event of a call; one that is ignored is called as the message calls it, by the call's `name`."""
    event = segment.read(Fields(_fields(call), "", notes), reading)
    if not isinstance(event, Ignored) or "name" not in call:
        return event
    return segment.ignored(call["name"])._replace(read_as="" if call["type"] == "track" else call["type"])


def _fields(call: Call) -> dict[str, Raw]:
    return message_object(msgspec.json.encode(call))


def raw(fields: Fields, name: str) -> Raw | None:
    """A field as it stands, for a call."""
    return fields.values.get(name)


def utc(text: str) -> str:
    """A time that is said to be in UTC, with its zone."""
    bare = text.strip()
    return bare if not bare or bare[-1] in "Zz" or "+" in bare[10:] or "-" in bare[10:] else f"{bare}Z"


def pairs(fields: Fields, name: str, key: str, value: str) -> dict[str, Raw]:
    """A list of objects, each of a key and a value, as one object: the first of each key counts."""
    found: dict[str, Raw] = {}
    for pair in fields.objects(name):
        if (label := pair.text(key)) and value in pair.values:
            found.setdefault(label, pair.values[value])
    return found


def anonymous(fields: Fields) -> str:
    """The anonymous id among attributes that a shop keeps with an order."""
    return next((found for name in ANONYMOUS if (found := fields.id(name))), "")


def consent(denied: bool | None, reading: Reading) -> Call:
    """The context of a call that says that much of consent to advertising."""
    if denied is None or not reading.advertising:
        return {}
    return {"consent": {"categoryPreferences": {min(reading.advertising): not denied}}}


def with_parameter(url: str, name: str, value: str) -> str:
    """An address with one more parameter, where the value is there."""
    if not value:
        return url
    bare, hash_, fragment = url.partition("#")
    return f"{bare}{'&' if '?' in bare else '?'}{name}={value}{hash_}{fragment}"
