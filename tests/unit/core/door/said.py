"""Messages for the tests of the door, and what is read of them."""

import json
from dataclasses import replace
from typing import Any

from streams.core.door.canonical import CompletionEvent, Event, Item, Reversal, Touch, Update
from streams.core.door.context import Reading
from streams.core.door.reader import NO_HEADERS, read

READING = Reading(counted={"order completed": "Order Completed", "enquiry sent": "Enquiry sent"}, where=("plan",))
NOON = "2026-11-02T12:00:00Z"
NOON_MS = 1_793_620_800_000


def call(type_: str = "track", **fields: Any) -> dict[str, Any]:
    return {"type": type_, "messageId": "m1", "timestamp": NOON, "userId": "u1"} | fields


def track(event: str, properties: Any = None, **fields: Any) -> dict[str, Any]:
    return call("track", event=event, properties=properties or {}, **fields)


def order(properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return track("Order Completed", properties, **fields)


def item(message: Any, **reading: Any) -> Item:
    """The one item that a message is."""
    raw = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
    (found,) = read(raw, NO_HEADERS, replace(READING, **reading))
    return found


def event(message: Any, **reading: Any) -> Event:
    """The one event that a message is."""
    found = item(message, **reading)
    assert found.rejected is None, found.rejected
    (one,) = found.events
    return one


def touch(message: Any, **reading: Any) -> Touch:
    found = event(message, **reading)
    assert isinstance(found, Touch), found
    return found


def completion(message: Any, **reading: Any) -> CompletionEvent:
    found = event(message, **reading)
    assert isinstance(found, CompletionEvent), found
    return found


def reversal(event_: str, properties: dict[str, Any], **reading: Any) -> Reversal:
    found = event(track(event_, properties), **reading)
    assert isinstance(found, Reversal), found
    return found


def update(properties: dict[str, Any], **reading: Any) -> Update:
    found = event(track("Order Updated", properties), **reading)
    assert isinstance(found, Update), found
    return found


def faults(message: Any, **reading: Any) -> list[str]:
    return [fault.place for fault in item(message, **reading).faults]


def refused(message: Any, **reading: Any) -> tuple[str, str]:
    """Why a message is a dead letter: the reason and what is wrong."""
    found = item(message, **reading)
    assert found.rejected is not None, found.events
    assert not found.events
    return found.rejected.reason, found.rejected.error
