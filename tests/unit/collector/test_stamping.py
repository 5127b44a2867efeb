"""What the collector makes of a call: its time by our clock, its id, and nothing about who sent it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.api.stamping import AHEAD, Arrival, corrected, stamp, written
from streams.core.door.canonical import END_OF_TIME, Rejected
from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import message_object
from streams.core.door.fields.times import from_text, milliseconds
from streams.core.door.reader import read

READING = Reading({"order completed": "Order Completed"})
NOON = 1_790_000_000_000


def stamped(message: dict[str, Any], received: int = NOON, **sent: Any) -> dict[str, Any]:
    found = stamp(message_object(json.dumps(message).encode()), Arrival(received, **sent), READING)
    event: dict[str, Any] = json.loads(found.value)
    return event


def raw(value: object) -> bytes | None:
    return None if value is None else json.dumps(value).encode()


@given(st.integers(0, NOON), st.integers(0, NOON), st.integers(0, 2 * NOON))
def test_an_event_is_as_long_ago_as_its_sender_says(received: int, original: int, sent: int) -> None:
    expected = received - (sent - original)
    if 0 <= expected < END_OF_TIME and expected <= received + AHEAD:
        assert corrected(original, sent, received) == expected
    else:
        with pytest.raises(Rejected):
            corrected(original, sent, received)


@given(st.integers(0, END_OF_TIME - 1))
def test_a_time_is_written_as_it_is_read(time: int) -> None:
    assert from_text(written(time)) == time


@given(st.from_regex(r"(19|20)\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d\.\d{3}Z", fullmatch=True))
def test_a_time_as_sdks_write_it_is_read_as_the_worker_reads_it(text: str) -> None:
    time = milliseconds(json.dumps(text).encode())
    if time is None or time > NOON:
        return
    assert from_text(stamped({"type": "page", "timestamp": text})["timestamp"]) == time


@pytest.mark.parametrize("unreadable", [None, "yesterday", {}, "", -1])
def test_a_time_that_nobody_can_read_is_that_of_its_arrival(unreadable: object) -> None:
    said = {"timestamp": unreadable, "originalTimestamp": unreadable, "sentAt": written(NOON - 9)}
    found = stamped({"type": "page", **said})
    assert found["timestamp"] == found["receivedAt"] == written(NOON)


def test_without_the_time_of_sending_its_own_time_stands() -> None:
    found = stamped({"type": "page", "timestamp": written(NOON - 60_000)})
    assert (found["timestamp"], found["originalTimestamp"]) == (written(NOON - 60_000),) * 2


def test_the_message_s_own_time_of_sending_goes_before_its_batch_s() -> None:
    message = {"type": "page", "timestamp": written(5_000), "sentAt": written(6_000)}
    assert stamped(message, sent_at=raw(written(9_000)))["timestamp"] == written(NOON - 1_000)
    del message["sentAt"]
    assert stamped(message, sent_at=raw(written(9_000)))["timestamp"] == written(NOON - 4_000)


@pytest.mark.parametrize("context", ["192.0.2.1", ["192.0.2.1"], 7, {"ip": "192.0.2.1"}, {"traits": {}}, None])
def test_a_context_never_tells_who_it_is(context: object) -> None:
    assert stamped({"type": "page", "context": context})["context"] == {}


def test_a_name_that_is_escaped_is_the_same_name() -> None:
    message = rb'{"type":"page","\u0074raits":{"a":1},"context":{"\u0069p":"192.0.2.1","locale":"nb"},"traits":2}'
    found = json.loads(stamp(message_object(message), Arrival(NOON), READING).value)
    assert "traits" not in found
    assert found["context"] == {"locale": "nb"}


IDS: st.SearchStrategy[object] = st.sampled_from(("", " u ", "null", 0, 17, None, "å" * 2000, "x" * 300, {}, "guest"))


@given(st.dictionaries(st.sampled_from(("userId", "anonymousId", "messageId")), IDS, max_size=3))
def test_the_key_is_the_one_that_the_worker_gives_it(said: dict[str, object]) -> None:
    message = {"type": "track", "event": "Order Completed", **said}
    found = stamp(message_object(json.dumps(message).encode()), Arrival(NOON), READING)
    (item,) = read(found.value, (), READING)
    assert found.key.decode() == item.events[0].message.routing_key  # type: ignore[union-attr]
    assert item.events[0].message.own_id  # type: ignore[union-attr]
