"""Records: what is JSON, how large it may be, batches, and formats that were not expected."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.door.canonical import Ignored, Touch
from streams.core.door.reader import NO_HEADERS, read
from streams.core.parsing.limits import LIMIT
from tests.unit.core.door.said import NOON, READING, call, completion, item, order, refused, track

ORDER = json.dumps(order({"order_id": "1"})).encode()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not a JSON object"), (b"x", "not a JSON object"), (b"[1]", "a JSON array"), (b'"x"', "a JSON string"),
        (b"null", "a JSON null"), (b'{"a":NaN}', "not a JSON object"), (ORDER[:-1], "not a JSON object"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"), (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deep"),
        (ORDER + b"{}", "not a JSON object"), (b"{}", "`type` is missing"), (b'{"type":"sing"}', '`type` is "sing"'),
        (b'{"type":5}', "`type` is 5"), (b'{"type":[]}', "`type` is []"),
    ],
)  # fmt: skip
def test_what_is_malformed(raw: bytes, said: str) -> None:
    reason, error = refused(raw)
    assert reason == "malformed"
    assert said in error


def test_a_tombstone_is_malformed() -> None:
    (found,) = read(None, NO_HEADERS, READING)
    assert found.rejected
    assert found.rejected.reason == "malformed"


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"no such format"])
def test_a_header_that_names_no_format_is_passed_over(content: bytes | None) -> None:
    assert read(ORDER, [("format", content)], READING) == read(ORDER, NO_HEADERS, READING)  # type: ignore[list-item]


@pytest.mark.parametrize("name", [None, "", " ", [], {}, True, 404])
def test_a_track_call_needs_its_events_name(name: Any) -> None:
    assert "`event` is" in refused(track(name))[1]


def test_a_mark_of_byte_order_is_passed_over() -> None:
    assert completion(b"\xef\xbb\xbf" + ORDER) == completion(ORDER)


@pytest.mark.parametrize("half", [rb"\ud83d", rb"\ude00", rb"\\\ud83dx", rb"\ud83d\ud83d"])
def test_half_of_a_surrogate_pair_costs_nothing(half: bytes) -> None:
    """JavaScript leaves halves where it cuts a text short."""
    raw = ORDER[:-1] + b', "title": "' + half + b'"}'
    assert completion(raw) == completion(ORDER)
    campaign = b', "context": {"campaign": {"name": "a' + half + b'"}}}'
    assert completion(ORDER[:-1] + campaign).words.name.startswith("a")


def test_sizes() -> None:
    large = order({"order_id": "1", "text": "x" * LIMIT})
    assert refused(large)[0] == "oversized"
    assert refused(large, batch_limit=2**20)[0] == "oversized"
    assert completion(large, limit=2**20).ids == {"order_id": "1"}
    assert refused(b"x" * (LIMIT + 1))[0] == refused(b"x" * (LIMIT + 1), batch_limit=2**20)[0] == "oversized"
    fits = ORDER + b" " * (LIMIT - len(ORDER))
    assert completion(fits)
    assert refused(fits + b" ")[0] == "oversized"


def test_a_batch_counts_as_its_items_each_with_its_own_bytes() -> None:
    good, bad = call("page", context={"campaign": {"name": "x"}}), {"type": "track"}
    large = order({"text": "x" * LIMIT})
    body = json.dumps({"batch": [good, bad, 5, large, call("group")], "sentAt": NOON}).encode()
    found = read(body, NO_HEADERS, READING.__class__(READING.counted, batch_limit=2**20))
    assert [f.rejected and f.rejected.reason for f in found] == [None, "malformed", "malformed", "oversized", None]
    assert isinstance(found[0].events[0], Touch)
    assert [json.loads(f.raw) for f in found] == [good, bad, 5, large, call("group")]
    assert found[4].events == (Ignored("group"),)
    assert refused(body)[0] == "oversized"


def test_an_empty_batch_is_ignored() -> None:
    assert item({"batch": []}).events == (Ignored("batch"),)


def test_a_batch_in_a_batch_is_malformed() -> None:
    assert refused({"batch": [{"batch": [order({})]}]})[0] == "malformed"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"event_name": "", "event_timestamp": 1}, 'a row of Google Analytics 4; give the topic format = "ga4"'),
        ({"id": 1, "financial_status": "paid"}, 'this is a Shopify order; give the topic format = "shopify"'),
        ({"id": 1, "order_id": 2, "transactions": []}, 'this is a Shopify refund; give the topic format = "shopify"'),
        ({"id": 1, "status": "x", "date_created_gmt": "", "billing": {}}, 'give the topic format = "woocommerce"'),
        ({"id": "evt_1", "object": "event", "type": "x", "data": {}}, 'give the topic format = "stripe"'),
        ({"specversion": "1.0", "id": "1", "type": "x", "source": "/"}, 'give the topic format = "cloudevents"'),
        ({"event": "x", "distinct_id": "d"}, 'this is a PostHog event; give the topic format = "posthog"'),
        ({"collector_tstamp": "x", "event_id": "d"}, 'give the topic format = "snowplow"'),
        ({"eventn_ctx_event_id": "j1"}, "Jitsu"), ({"event_name": "Purchase", "event_time": 1}, "Conversions API"),
        ({"schema": "iglu:x", "data": {}}, "self-describing"),
    ],
)  # fmt: skip
def test_a_format_that_was_not_expected_is_named(message: Any, words: str) -> None:
    reason, error = refused(message)
    assert reason == "malformed"
    assert words in error


def test_a_line_of_snowplow_is_named() -> None:
    assert 'format = "snowplow"' in refused(b"shop\tweb" + b"\t" * 129)[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    "type", "event", "messageId", "timestamp", "userId", "anonymousId", "context", "properties", "previousId", "sentAt",
)  # fmt: skip
OF_CONTEXT = ("campaign", "page", "consent", "consentManagement")
OF_PROPERTIES = (
    "action", "network", "order_id", "revenue", "total", "value", "currency", "coupon", "coupons", "products",
    "discount_codes", "new_customer", "url", "refunded_total", "promotion_id", "campaign", "plan",
)  # fmt: skip
EVENTS = ("Order Completed", "Order Refunded", "Order Updated", "Social Interaction", "Email Opened", "Consent Updated")


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(NAMES), JSON),
    st.dictionaries(st.sampled_from(OF_CONTEXT), JSON),
    st.dictionaries(st.sampled_from(OF_PROPERTIES), JSON),
    st.sampled_from(EVENTS),
    st.sampled_from(["track", "page", "identify", "alias"]),
)
def test_a_field_of_any_kind_breaks_nothing(fields: Any, context: Any, properties: Any, name: str, kind: str) -> None:
    message = {"type": kind, "event": name, "timestamp": NOON, "context": context, "properties": properties} | fields
    found = item(json.dumps(message).encode())
    assert (found.rejected is None) == bool(found.events)
    assert found.rejected is None or found.rejected.reason == "malformed"
    if not (fields.keys() & {"type", "event", "timestamp", "previousId"}) and name != EVENTS[3]:
        assert found.rejected is None


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_of_any_kind_break_nothing(raw: bytes) -> None:
    for found in read(raw, NO_HEADERS, READING):
        assert found.rejected is None or found.rejected.reason == "malformed"
