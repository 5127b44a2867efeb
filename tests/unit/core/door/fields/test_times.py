"""Times as messages write them, to the whole millisecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.door.fields.times import from_text, milliseconds
from tests.unit.core.door.said import NOON, NOON_MS, call, completion, faults, item, order, refused


@pytest.mark.parametrize(
    "raw",
    [
        '"2026-11-02T12:00:00Z"', '"2026-11-02 12:00:00Z"', '"2026-11-02t12:00:00z"', '"2026-11-02T13:00:00+01:00"',
        '"2026-11-02T13:00:00+0100"', '"2026-11-02 13:00:00 +0100"', '"2026-11-02 13:00:00+01"',
        '"2026-11-02T12:00:00.000999Z"', "1793620800",
        '"2026-11-02T12:00:00-00:00"', '"1793620800"', "1793620800000", '"1793620800000"', "1793620800.0009",
        "1.7936208e9", '" 2026-11-02T12:00:00Z "', '"2026-11-02 12:00:00 UTC"', '"2026-11-02T11:59:60Z"',
        '"2026-11-02T06:30:00-05:30"', "1793620800000.9", '"2026-11-02T12:00:00.0009999999999Z"',
    ],
)  # fmt: skip
def test_spellings_of_one_time(raw: str) -> None:
    assert milliseconds(raw.encode()) == NOON_MS


@pytest.mark.parametrize(
    "raw",
    [
        '"2026-11-02T12:00:00"', '"2026-11-02"', '"2026-02-30T12:00:00Z"', '"2026-11-02T24:00:00Z"', '"noon"', '""',
        "-1", "4294967296000", "4294967296", "17936964100", "1e30", "1e999999999", "[]", "{}", "true",
        '"2026-11-02T12:60:00Z"',
        '"2026-11-02T12:00:00+25:00"', '"0000-01-01T00:00:00Z"', '"1969-12-31T23:59:59Z"', '"2106-02-07T06:28:16Z"',
        '"٢٠٢٦-11-02T12:00:00Z"', '"20261102T120000Z"', '"2026-W45-1T12:00:00Z"', '"1793620800000000"',
    ],
)  # fmt: skip
def test_what_is_no_time(raw: str) -> None:
    assert milliseconds(raw.encode()) is None


@given(
    st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2106-01-01")),
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from("T t"),
)
def test_any_moment_in_any_zone(moment: datetime, offset: int, between: str) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    exact = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    text = aware.isoformat(sep=between)
    assert from_text(text) == exact
    assert from_text(text[:-3] + text[-2:]) == exact
    assert from_text(moment.isoformat(), zoned=False) == from_text(f"{moment.isoformat()}Z")


def test_other_fields_stand_in_for_a_time_that_cannot_be_read() -> None:
    message = order({"order_id": "1"}, timestamp="yesterday", originalTimestamp=None, sentAt=NOON, receivedAt="x")
    assert completion(message).message.time == NOON_MS
    assert faults(message) == ["timestamp"]


@pytest.mark.parametrize("type_", ["track", "page", "group", "identify"])
def test_a_message_without_a_time_is_refused(type_: str) -> None:
    reason, error = refused(call(type_, event="Order Completed", timestamp=None))
    assert reason == "malformed"
    assert "`timestamp` is missing" in error


def test_the_time_of_a_message_that_says_none_is_its_batch_s() -> None:
    message = order({"order_id": "1"})
    del message["timestamp"]
    assert completion({"batch": [message], "sentAt": NOON, "writeKey": "k"}).message.time == NOON_MS
    assert item({"batch": [message], "sentAt": "x"}).rejected is not None
