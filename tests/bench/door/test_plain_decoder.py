"""The yardstick of the door's speed: valid events come through whole; others are rejected with a reason."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.events.dead_letters import REASONS
from streams.core.parsing.decoding import END_OF_TIME, Rejected
from streams.core.parsing.limits import LIMIT
from tests.bench.door import plain_decoder
from tests.bench.door.plain_decoder import Checkout, Engagement, checkouts, engagements, milliseconds
from tests.support.messages import HOUR, NOON, denied, message, order, refund, touch
from tests.support.strategies import CATALOGUE, streams

EXAMPLES = Path(__file__).parents[3] / "schemas" / "events" / "examples"
Decoded = Engagement | Checkout | Rejected | None


def decoded(topic: str, *values: bytes | None) -> list[Any]:
    if topic == "engagement":
        return list(engagements(values))
    return list(checkouts(values, CATALOGUE.events, CATALOGUE.base_currency))


def examples(kind: str) -> list[Any]:
    paths = [path for topic in ("engagement", "checkout") for path in sorted((EXAMPLES / kind / topic).glob("*.json"))]
    return [pytest.param(path.parent.name, path.read_bytes(), id=f"{path.parent.name}/{path.stem}") for path in paths]


@pytest.mark.parametrize(("topic", "raw"), examples("valid"))
def test_valid_examples_are_decoded(topic: str, raw: bytes) -> None:
    (event,) = decoded(topic, raw)
    counted = {*CATALOGUE.events, *plain_decoder.REVERSALS, plain_decoder.SOCIAL}
    assert isinstance(event, Engagement | Checkout) == (json.loads(raw)["event"] in counted)
    assert not isinstance(event, Rejected), event


@pytest.mark.parametrize(("topic", "raw"), examples("invalid"))
def test_invalid_examples_are_malformed(topic: str, raw: bytes) -> None:
    (event,) = decoded(topic, raw)
    assert isinstance(event, Rejected)
    assert (event.reason, bool(event.error)) == ("malformed", True)


def test_an_engagement_event_comes_through_with_all_that_is_used_of_it() -> None:
    campaign = {"id": "a", "name": "b", "source": "c", "medium": "d"}
    raw = touch("m", NOON + 1, action="like", campaign=campaign, consent=denied(), coupon="X", target="post", user="u")
    (event,) = decoded("engagement", raw)
    assert (event.message_id, event.user_id, event.anonymous_id) == ("m", "u", None)
    assert (event.context.campaign.id, event.context.campaign.name, event.context.campaign.source) == ("a", "b", "c")
    assert (event.properties.action, event.properties.network, event.properties.coupon) == ("like", "facebook", "X")
    assert plain_decoder.denied(event)
    assert plain_decoder.times([event.timestamp]).tolist() == [milliseconds(event.timestamp)] == [NOON + 1]


def test_a_checkout_event_comes_through_with_all_that_is_used_of_it() -> None:
    raw = order("m", NOON, "o", "19.90", currency="sek", coupon="X", new_customer=True, size=[1, "x"])
    (event,) = decoded("checkout", raw)
    assert event[1:7] == (NOON, "o", 19_900_000, "SEK", "X", True)
    assert {name: bytes(raw) for name, raw in event.properties.items()}["size"] == b'[1, "x"]'


def test_what_a_checkout_event_leaves_out_has_its_defaults() -> None:
    (event,) = decoded("checkout", message("Visit Booked", "m", NOON))
    assert event[1:] == (NOON, "m", None, "NOK", None, None, {})
    (event,) = decoded("checkout", refund("r", NOON, "", currency=None))
    assert (event.order_id, event.amount, event.currency) == ("r", None, "NOK")


@pytest.mark.parametrize(
    ("properties", "amount"),
    [
        ({"revenue": 1, "total": 2, "value": 3}, 1_000_000),
        ({"revenue": None, "total": 2, "value": 3}, 2_000_000),
        ({"value": 3}, 3_000_000),
        ({"revenue": "1.5"}, 1_500_000),
        ({"revenue": 0}, 0),
        ({}, None),
    ],
)
def test_the_first_amount_that_is_given_counts(properties: dict[str, Any], amount: int | None) -> None:
    (event,) = decoded("checkout", message("Visit Booked", "m", NOON, **properties))
    assert event.amount == amount


def test_an_amount_is_read_from_its_own_text_and_never_through_a_float() -> None:
    raw = order("m", NOON, "o", revenue="@").replace(b'"@"', b"123456789012.345678")
    (event,) = decoded("checkout", raw)
    assert event.amount == 123_456_789_012_345_678


@pytest.mark.parametrize(
    ("consent", "refuses"),
    [
        (denied(False), True),
        (denied(True), False),
        ({"categoryPreferences": {"advertising": None}}, False),
        ({"categoryPreferences": {"functional": False}}, False),
        ({"categoryPreferences": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_consent_is_denied_only_by_saying_so(consent: Any, refuses: bool) -> None:
    (event,) = decoded("engagement", touch("m", NOON, consent=consent))
    assert plain_decoder.denied(event) is refuses


def test_events_that_nobody_counts_are_none_whatever_their_properties() -> None:
    assert decoded("engagement", message("Page Viewed", "m", NOON, action=7)) == [None]
    assert decoded("checkout", message("Cart Viewed", "m", NOON, revenue="much")) == [None]
    assert decoded("checkout", touch("m", NOON)) == [None]


def test_a_tombstone_is_malformed_and_a_giant_is_oversized_before_it_is_read() -> None:
    for topic in ("engagement", "checkout"):
        tombstone, fits, giant = decoded(topic, None, b" " * LIMIT, b" " * (LIMIT + 1))
        assert [tombstone.reason, fits.reason, giant.reason] == ["malformed", "malformed", "oversized"]


def test_an_event_of_exactly_the_limit_is_taken() -> None:
    raw = touch("m", NOON, target="x")
    filled = raw.replace(b'"x"', b'"' + b"x" * (LIMIT - len(raw) + 1) + b'"')
    assert len(filled) == LIMIT
    assert isinstance(decoded("engagement", filled)[0], Engagement)
    assert decoded("engagement", filled + b" ")[0].reason == "oversized"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_too_deep_is_malformed(opening: bytes) -> None:
    raw = touch("m", NOON, target="x").replace(b'"x"', opening * 10_000)
    for topic in ("engagement", "checkout"):
        assert decoded(topic, raw)[0].reason == "malformed"
    deep = order("m", NOON, "o", size="@").replace(b'"@"', b"[" * 10_000 + b"]" * 10_000)
    assert decoded("checkout", deep)[0].reason == "malformed"


def test_a_bad_record_does_not_touch_those_beside_it() -> None:
    good, other = touch("a", NOON), message("Page Viewed", "m", NOON)
    first, bad, none, empty, last = decoded("engagement", good, b"{", other, b"", good)
    assert first == last == decoded("engagement", good)[0]
    assert (bad.reason, none, empty.reason) == ("malformed", None, "malformed")


def test_a_defect_of_ours_is_internal_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(plain_decoder, "_engagement", fails)
    monkeypatch.setattr(plain_decoder, "_checkout", fails)
    for topic, raw in (("engagement", touch("m", NOON)), ("checkout", order("m", NOON, "o"))):
        (rejected,) = decoded(topic, raw)
        assert rejected.reason == "internal"
        assert "ZeroDivisionError: a defect" in rejected.error


@pytest.mark.parametrize("ms", [0, 1, 999, NOON, NOON + 999, 2**31 * 1000 - 1, END_OF_TIME - 1])
@pytest.mark.parametrize("microseconds", [0, 1, 499, 999])
def test_times_are_whole_milliseconds_rounded_down(ms: int, microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms, microseconds=microseconds)
    elsewhere = moment.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert milliseconds(moment) == milliseconds(elsewhere) == ms
    assert plain_decoder.times([moment, elsewhere]).tolist() == [ms, ms]


@given(st.timedeltas(timedelta(0), timedelta(milliseconds=END_OF_TIME - 1)))
def test_many_times_at_once_are_those_of_each(since: timedelta) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since
    assert plain_decoder.times([moment]).tolist() == [milliseconds(moment)]


@pytest.mark.parametrize("year", ["0001", "1969", "2107", "9999"])
def test_a_time_that_no_column_holds_is_malformed(year: str) -> None:
    raw = order("m", NOON, "o").replace(b"2026-11", f"{year}-11".encode())
    (rejected,) = decoded("checkout", raw)
    assert (rejected.reason, "1970-01-01 to 2106-02-07" in rejected.error) == ("malformed", True)


def is_expected(event: Decoded, valid: type) -> bool:
    """A value, an event that nobody counts, or a reason of the contract that is no defect of ours."""
    if isinstance(event, Rejected):
        return event.reason in REASONS and event.reason != "internal" and bool(event.error)
    return event is None or isinstance(event, valid)


def check(raw: bytes) -> None:
    assert is_expected(decoded("engagement", raw)[0], Engagement)
    assert is_expected(decoded("checkout", raw)[0], Checkout)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_arbitrary_bytes_are_malformed_and_nothing_else_happens(raw: bytes) -> None:
    for topic in ("engagement", "checkout"):
        (rejected,) = decoded(topic, raw)
        assert isinstance(rejected, Rejected)
        assert rejected.reason == "malformed"


def spliced(raw: bytes, start: float, length: int, piece: bytes) -> bytes:
    at = round(start * len(raw))
    return raw[:at] + piece + raw[at + length :]


PIECES = st.binary(max_size=4) | st.sampled_from(
    [b"null", b"NaN", b"1e999", b"-1", b'"', b"{", b"}", b"[", b"]", b",", b"\\ud800", b"\\u0000", b"9" * 5000, b"\xff"]
)


@given(streams(max_size=3), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=3))
def test_events_with_anything_put_in_raise_nothing(stream: list[tuple[str, bytes]], changes: list[Any]) -> None:
    for _, raw in stream:
        for change in changes:
            raw = spliced(raw, *change)
        check(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = ["type", "event", "messageId", "timestamp", "userId", "anonymousId", "context", "properties"] + [
    f"properties.{name}" for name in ("action", "network", "coupon", "order_id", "revenue", "currency", "new_customer")
] + ["context.campaign", "context.consent"]  # fmt: skip


@given(st.sampled_from(PLACES), JSON, st.sampled_from([touch("m", NOON), order("m", NOON + HOUR, "o")]))
def test_any_value_in_any_field_raises_nothing(place: str, value: Any, raw: bytes) -> None:
    event = json.loads(raw)
    *parents, name = place.split(".")
    inner = event
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    check(json.dumps(event).encode())


@given(st.lists(st.sampled_from([touch("m", NOON), b"{", message("Page Viewed", "p", NOON), None])))
def test_a_batch_is_decoded_as_its_records_one_by_one(values: list[bytes | None]) -> None:
    apart = [repr(decoded("engagement", value)[0]) for value in values]
    assert [repr(event) for event in decoded("engagement", *values)] == apart
