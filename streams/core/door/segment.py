"""Segment calls, as SDKs of Segment, RudderStack and others send them: which event each is."""

from collections.abc import Callable

from streams.core.door import orders, touches
from streams.core.door.canonical import ConsentWord, Event, Ignored, Link, Message, Rejected, Touch
from streams.core.door.context import Reading
from streams.core.door.fields import consent, ids, times
from streams.core.door.fields.json_fields import Fields, string
from streams.core.door.fields.names import event_name

TYPES = frozenset({"track", "page", "screen", "identify", "alias", "group"})
CONSENT = frozenset({"segment consent preference updated", "consent updated"})
# What a message of these means is given: neither a goal counts them, nor are they named touches.
RESERVED = frozenset({orders.UPDATED, orders.CANCELLED, orders.REFUNDED, touches.SOCIAL, *CONSENT})
LONGEST_NAME = 64  # characters of the name of an ignored event


def read(record: Fields, reading: Reading, sent_at: bytes | None = None) -> Event:
    """The event that a call is; `sent_at` is of its batch, raw. Raises Rejected."""
    kind = record.text("type")
    if kind not in TYPES:
        raise Rejected(
            "malformed", f"`type` is {shown(record, 'type')}; it has to be one of {', '.join(sorted(TYPES))}"
        )
    time = times.of(record, sent_at)
    if time is None:
        raise Rejected("malformed", _no_time(record))
    return _READERS[kind](record, time, reading)


def shown(record: Fields, name: str) -> str:
    """A field's value for an error message, short."""
    raw = record.raw(name)
    return "missing" if raw is None else raw[:40].decode("utf-8", "replace")


def message_of(record: Fields, time: int, reading: Reading) -> Message:
    """Who sent a call, and when."""
    message_id, own = ids.message_id(record, reading)
    people = ids.person(record, "userId", reading), ids.person(record, "anonymousId", reading)
    return Message(message_id, own, time, *people, consent.denied(record.object("context"), reading))


def _no_time(record: Fields) -> str:
    said = f"`timestamp` is {shown(record, 'timestamp')}, no time from 1970 to 2106"
    return f"{said}; write it as 2026-11-02T09:00:00Z or as a number of seconds (no other field has one either)"


def _track(record: Fields, time: int, reading: Reading) -> Event:
    name = string(record.raw("event") or b"null") or ""
    if not name.strip():
        raise Rejected("malformed", f"`event` is {shown(record, 'event')}; a track call needs the event's name")
    event = event_name(name)
    if event in _ORDERS:
        return _ORDERS[event](message_of(record, time, reading), record, reading)
    if event in CONSENT:
        return _consent(record, time, name, reading)
    if event in reading.counted:
        return orders.completion(message_of(record, time, reading), record, event, reading)
    if event == orders.COMPLETED:
        return ignored(name)
    return _touch(record, time, name, event, reading)


def _touch(record: Fields, time: int, name: str, event: str, reading: Reading) -> Event:
    if event == touches.SOCIAL:
        return touches.social(message_of(record, time, reading), record, reading)
    if event in reading.touch:
        return touches.by_rule(message_of(record, time, reading), record, reading.touch[event], reading)
    if event in touches.SPECIFIED:
        return touches.of_specification(message_of(record, time, reading), record, event, reading)
    return ignored(name)


def ignored(name: str) -> Ignored:
    """An event that is not for us, by its name as sent."""
    return Ignored("".join(c if c.isprintable() else " " for c in name[: 4 * LONGEST_NAME]).strip()[:LONGEST_NAME])


def _consent(record: Fields, time: int, name: str, reading: Reading) -> Event:
    message = message_of(record, time, reading)
    said = message.denied is not None and message.token
    return ConsentWord(message, bool(message.denied)) if said else ignored(name)


def _visit(record: Fields, time: int, reading: Reading) -> Event:
    visit = touches.visit(record, reading)
    return Touch(message_of(record, time, reading), *visit) if visit else Ignored(record.text("type"))


def _identify(record: Fields, time: int, reading: Reading) -> Event:
    message = message_of(record, time, reading)
    if not (message.user_id and message.anonymous_id) or message.user_id == message.anonymous_id:
        return Ignored("identify")
    return Link(message, message.anonymous_id, message.user_id)


def _alias(record: Fields, time: int, reading: Reading) -> Event:
    message = message_of(record, time, reading)
    previous = ids.person(record, "previousId", reading)
    if not (message.user_id and previous) or message.user_id == previous:
        return Ignored("alias")
    return Link(message, previous, message.user_id)


def _group(record: Fields, time: int, reading: Reading) -> Event:
    return Ignored("group")


_READERS: dict[str, Callable[[Fields, int, Reading], Event]] = {
    "track": _track, "page": _visit, "screen": _visit, "identify": _identify, "alias": _alias, "group": _group,
}  # fmt: skip
_ORDERS: dict[str, Callable[[Message, Fields, Reading], Event]] = {
    orders.UPDATED: orders.update,
    orders.CANCELLED: orders.cancellation,
    orders.REFUNDED: orders.refund,
}
