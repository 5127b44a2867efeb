"""Records of a topic, read: bytes in; for each message of a record the events that it is, or why it is none, out."""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Raw

from streams.core.door import segment
from streams.core.door.canonical import Event, Ignored, Item, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import Fields, Notes, json_type, message_object
from streams.core.door.formats import FORMATS, WEBHOOKS, cloudevents, posthog
from streams.core.door.recognise import CLOUDEVENTS, POSTHOG, SEGMENT, is_snowplow_line, misplaced

Headers = Sequence[tuple[str, bytes]]
NO_HEADERS: Headers = ()


def read(value: bytes | None, headers: Headers, reading: Reading) -> list[Item]:
    """What a record is: one item, or of a batch one for each message. Never raises."""
    try:
        return _record(value, headers, reading)
    except Rejected as rejected:
        return [Item(value or b"", rejected=rejected)]
    except Exception:
        return [Item(value or b"", rejected=Rejected("internal", traceback.format_exc(limit=-3)))]


def _record(value: bytes | None, headers: Headers, reading: Reading) -> list[Item]:
    if value is None:
        raise Rejected("malformed", "the record has no value (a tombstone)")
    name = _format(headers, reading)
    most = max(reading.limit, reading.batch_limit)
    if len(value) > most:
        raise _oversized(len(value), most)
    if name == SEGMENT:
        return _segment(value, None, reading)
    if name == CLOUDEVENTS and (body := cloudevents.batch(value, headers)):
        return _segment(*body, reading)
    if name == POSTHOG and (batch := posthog.batch(value)):
        return [_of_posthog(raw, batch, reading) for raw in batch.items("batch")] or _empty(value)
    if len(value) > reading.limit and name not in WEBHOOKS:
        raise _oversized(len(value), reading.limit)
    return [_attempt(value, lambda notes: FORMATS[name](value, headers, notes, reading))]


def _format(headers: Headers, reading: Reading) -> str:
    """The format that a record is read as: the collector's header goes before the topic's."""
    for key, content in headers:
        if key == "format" and (name := (content or b"").decode("ascii", "replace")) in (SEGMENT, *FORMATS):
            return name
    return reading.format


def _oversized(length: int, limit: int) -> Rejected:
    return Rejected("oversized", f"{length} bytes; at most {limit} are taken")


def _empty(value: bytes) -> list[Item]:
    return [Item(value, (Ignored("batch"),))]


def _segment(value: bytes, sent_at: bytes | None, reading: Reading) -> list[Item]:
    try:
        fields = _fields(value)
    except Rejected:
        if len(value) > reading.limit:
            raise _oversized(len(value), reading.limit) from None
        raise
    batch = fields.get("batch")
    if batch is not None and "type" not in fields and json_type(bytes(batch).lstrip()) == "array":
        body = Fields(fields, "", Notes())
        at = body.raw("sentAt") or sent_at
        return [_of_segment(raw, at, reading) for raw in body.items("batch")] or _empty(value)
    if len(value) > reading.limit:
        raise _oversized(len(value), reading.limit)
    return [_attempt(value, lambda notes: (call(fields, notes, reading),))]


def _fields(value: bytes) -> dict[str, Raw]:
    """The fields of a message. Raises Rejected with the format's name where it is no JSON but another's line."""
    if is_snowplow_line(value):
        raise Rejected("malformed", 'this is an enriched event of Snowplow; give the topic format = "snowplow"')
    return message_object(value)


def _of_batch(raw: bytes, reader: Callable[[Notes], Iterable[Event]], reading: Reading) -> Item:
    """A message of a batch, which must not be longer than one that comes alone."""
    if len(raw) > reading.limit:
        return Item(raw, rejected=_oversized(len(raw), reading.limit))
    return _attempt(raw, reader)


def _of_segment(raw: bytes, sent_at: bytes | None, reading: Reading) -> Item:
    """A message of a batch; the batch's `sentAt` is for those that have no time."""
    return _of_batch(raw, lambda notes: (call(message_object(raw), notes, reading, sent_at),), reading)


def _of_posthog(raw: bytes, batch: Fields, reading: Reading) -> Item:
    """An event of a batch of PostHog's; the batch's time is for those that have none."""
    sent_at = batch.raw("sent_at") or batch.raw("sentAt")
    return _of_batch(raw, lambda notes: posthog.read_one(raw, notes, reading, sent_at), reading)


def call(fields: Mapping[str, Raw], notes: Notes, reading: Reading, sent_at: bytes | None = None) -> Event:
    """The event that a Segment call is. Raises Rejected, naming its format where it is of another."""
    try:
        return segment.read(Fields(fields, "", notes), reading, sent_at)
    except Rejected as rejected:
        called = misplaced(fields, SEGMENT)
        raise Rejected("malformed", called) if called else rejected from None


def _attempt(raw: bytes, reader: Callable[[Notes], Iterable[Event]]) -> Item:
    notes, events, rejected = Notes(), tuple[Event, ...](), None
    try:
        events = tuple(reader(notes))
    except Rejected as refused:
        rejected = refused
    except Exception:
        rejected = Rejected("internal", traceback.format_exc(limit=-3))
    return Item(raw, events, rejected, tuple(dict.fromkeys(notes.faults)), notes.placeholders)
