"""Batches: what is read at once is what is read record by record, whatever stands beside it."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.door.canonical import Event, Fault, Ignored, Message, Touch
from streams.core.door.context import Reading, TouchRule
from streams.core.door.fields.times import from_text
from streams.core.door.networks import Hosts
from streams.core.door.plain.batch import DecodedBatch
from streams.core.door.plain.batches import BatchReader
from streams.core.door.plain.time_column import column, times
from streams.core.door.reader import NO_HEADERS, read
from tests.support.door.mutations import mutated
from tests.unit.core.door.said import NOON, READING, call, order, track

URL = "https://shop.example/autumn"
MIXED = replace(
    READING,
    batch_limit=2**20,
    touch={"newsletter clicked": TouchRule("click", "email")},
    own_hosts=Hosts(frozenset({"own.example", "l.instagram.com"})),
    placeholders=frozenset({"gjest"}),
)


def events_of(batch: DecodedBatch) -> list[tuple[int, Event]]:
    """The events of a batch in order, touches among them."""
    touches = batch.touches
    found: list[tuple[int, Event]] = list(batch.events)
    columns = (touches.at, touches.message_ids, touches.time.tolist(), touches.user_ids, touches.anonymous_ids)
    for at, id_, time, user, anonymous, denied, kind in zip(*columns, touches.denied, touches.kind, strict=True):
        message = Message(id_, not id_.startswith("made-"), time, user, anonymous, denied)
        found.append((at, Touch(message, *touches.kinds[kind])))
    return sorted(found, key=lambda pair: pair[0])


def one_by_one(values: list[bytes | None], reading: Reading) -> dict[str, Any]:
    """What a batch is, by the reader of single records alone."""
    items = [item for value in values for item in read(value, NO_HEADERS, reading)]
    found = [(i, event) for i, item in enumerate(items) for event in item.events]
    faults: Counter[Fault] = Counter()
    for item in items:
        faults.update(item.faults)
    return {
        "raws": [item.raw for item in items],
        "events": [(i, event) for i, event in found if not isinstance(event, Ignored)],
        "ignored": Counter(event.name for _, event in found if isinstance(event, Ignored)),
        "rejected": [(i, str(item.rejected)) for i, item in enumerate(items) if item.rejected],
        "faults": faults,
        "placeholders": sum(item.placeholders for item in items),
    }


def at_once(batch: DecodedBatch) -> dict[str, Any]:
    assert list(batch.touches.at) == sorted(batch.touches.at)
    return {
        "raws": [raw or b"" for raw in batch.raws],
        "events": events_of(batch),
        "ignored": batch.ignored,
        "rejected": [(i, str(rejected)) for i, rejected in batch.rejected],
        "faults": batch.faults,
        "placeholders": batch.placeholders,
    }


def raw(message: Any) -> bytes | None:
    return (
        message if message is None or isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
    )


ids = st.sampled_from(
    [
        "u1",
        "a1",
        "7",
        " u2",
        "undefined",
        "GJEST",
        "",
        None,
        5,
        "x" * 300,
        "x" * 1100,
        "ø",
        1.5,
        -3,
        True,
        10**300,
        10**1100,
        "a\\b",
        "a\0b",
        " 7",
    ]
)
campaigns: st.SearchStrategy[Any] = st.sampled_from([
    None, {}, [], {"name": "Høst+2026"}, {"id": 5}, {"id": " I ", "source": "fb"},
    {"name": "null", "source": "(direct)"}, {"name": ["x"]}, {"source": "shopmail", "medium": "e-mail"},
    {"name": "n" * 300}, {"name": "\u0000x"},
])  # fmt: skip
urls = st.sampled_from([
    None, "", URL, f"{URL}?utm_campaign=c%2520d&utm_source=ig", f"{URL}?gclid=1&FBCLID=2", f"{URL}?q=1#x?utm_id=1", 5,
    f"{URL}?utm_id=&utm_id=7", "nothing", f"{URL}?" + "x" * 400, "https://own.example/" + "p" * 300 + "?utm_source=x",
])  # fmt: skip
referrers = st.sampled_from(
    [None, "", "https://www.google.no/", "https://own.example/", "https://l.instagram.com/", "x"]
)
consents: st.SearchStrategy[Any] = st.sampled_from([
    None, {}, [], {"categoryPreferences": {"Advertising": False}}, {"categoryPreferences": {"marketing": "perhaps"}},
    {"categoryPreferences": {"marketing": True}}, "",
])  # fmt: skip
contexts: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "campaign": campaigns,
        "page": st.fixed_dictionaries(
            {}, optional={"url": urls, "referrer": referrers, "path": st.sampled_from(["/P", "/Q"]), "search": urls}
        ),
        "consent": consents,
        "consentManagement": st.sampled_from([None, {"deniedConsentIds": ["marketing"]}]),
    },
) | st.sampled_from([None, [], "", 5])  # fmt: skip
amounts = st.sampled_from([
    5, "5,00", "-1", "?", None, 1e99, 10**12, 10**12 - 1, 1.2345675, "0012", "1e3", "5.", ".5", -0.0, "-0", "", " 5 ",
])  # fmt: skip
properties: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["click", "CLICK", "nothing", None, 1, "visit", ""]),
        "network": st.sampled_from(["fb", "Poster", "", None, 5, " ", "n" * 300]),
        "coupon": st.sampled_from([None, "A,b", ["A"], "", 5, "c" * 2000]),
        "coupons": st.sampled_from([None, [], ["Z"]]),
        "products": st.sampled_from([None, [], [{"coupon": "p"}]]),
        "discount_codes": st.sampled_from([None, [{"code": "d"}]]),
        "url": urls, "referrer": referrers, "path": st.sampled_from([None, "/p", ""]), "search": urls,
        "order_id": ids, "revenue": amounts,
        "total": st.sampled_from([7, None, "7.0000001"]), "affiliation": ids,
        "currency": st.sampled_from(["eur", "", None, "kr", 5, False, True]),
        "new_customer": st.sampled_from([True, "no", "?", None]),
        "plan": st.sampled_from(["club", None]), "previousId": ids, "promotion_id": ids,
    },
) | st.sampled_from([None, [], "", 5])  # fmt: skip
NAMES = (
    "Social Interaction", "social_interaction", "Order Completed", "Enquiry Sent", "Order Refunded", "Order Updated",
    "Email Opened", "Newsletter Clicked", "Product Viewed", "Consent Updated", "", None, 5, "\x1b", "x" * 300, "page",
)  # fmt: skip
TIMES = (
    NOON, "2026-11-02T12:00:00.123Z", "2026-02-30T12:00:00.123Z", None, "1793620800", 1793620800,
    "2026-11-02 13:00:00+0100", "1969-11-02T12:00:00.123Z", "2026-11-02T12:00:00.12345Z", "soon",
)  # fmt: skip
messages = st.builds(
    call,
    st.sampled_from(["track", "track", "track", "page", "page", "screen", "identify", "alias", "group", "sing", 5]),
    event=st.sampled_from(NAMES),
    messageId=ids | st.uuids().map(str),
    timestamp=st.sampled_from(TIMES),
    userId=ids,
    anonymousId=ids,
    previousId=ids,
    context=contexts,
    properties=properties,
)
plain = st.builds(
    lambda id_, time, user, action: track(
        "Social Interaction", {"action": action, "network": "fb"}, messageId=id_, timestamp=time, userId=user
    ),
    st.uuids().map(str),
    st.datetimes().map(lambda t: f"{t.isoformat(timespec='milliseconds')}Z"),
    st.sampled_from(["u1", "u2", None]),
    st.sampled_from(["click", "view"]),
)
bodies = st.lists(messages, max_size=3).map(lambda batch: {"batch": batch, "sentAt": NOON})
odd = st.sampled_from([None, b"", b"{", b"\xff", b'{"type":"page","x":"\xff"}', b'\xef\xbb\xbf{"type":"group"}', b"[]"])


@settings(max_examples=400, deadline=None)
@given(st.lists(messages | plain, max_size=40) | st.lists(messages | plain | bodies | odd, max_size=12))
def test_a_batch_is_what_its_records_are(sent: list[Any]) -> None:
    values = list(map(raw, sent))
    for reading in (MIXED, replace(MIXED, scoped_by_affiliation=True)):
        assert at_once(BatchReader(reading).read(values)) == one_by_one(values, reading)


@settings(max_examples=50, deadline=None)
@given(st.lists(plain, min_size=33, max_size=60))
def test_a_batch_of_plain_touches_is_what_its_records_are(sent: list[Any]) -> None:
    values = list(map(raw, sent))
    assert at_once(BatchReader(MIXED).read(values)) == one_by_one(values, MIXED)


@pytest.mark.parametrize("scoped", [False, True])
@pytest.mark.parametrize("digits", [256, 257, 1024, 1025, 4000])
def test_an_id_of_very_many_digits_is_what_its_record_is(digits: int, scoped: bool) -> None:
    number = 10**digits - 1
    values = [raw(order({"order_id": number})), raw(order({"order_id": "1", "affiliation": number}))]
    reading = replace(MIXED, scoped_by_affiliation=scoped)
    assert at_once(BatchReader(reading).read(values)) == one_by_one(values, reading)


def test_what_is_remembered_of_a_batch_changes_nothing_in_the_next() -> None:
    reader = BatchReader(MIXED)
    first = [
        raw(track("Social Interaction", {"action": "click", "network": "fb"}, context={"campaign": {"name": "a"}}))
    ]
    second = [raw(call("page", context={"campaign": {"name": "a", "source": "fb"}})), *first]
    for values in (first, second, first):
        assert at_once(reader.read(values)) == one_by_one(values, MIXED)


def test_a_placeholder_for_a_campaign_hides_no_path() -> None:
    where = [{"page": {"path": path}, "campaign": {"name": "null"}} for path in ("/a", "/b")]
    values = [
        raw(track("Social Interaction", {"action": "click", "network": "fb"}, context=context)) for context in where
    ]
    assert at_once(BatchReader(MIXED).read(values)) == one_by_one(values, MIXED)


@pytest.mark.parametrize("seed", range(5))
def test_batches_of_messages_with_mistakes_are_what_their_records_are(seed: int) -> None:
    reader, sent = BatchReader(MIXED), mutated("segment", seed)
    for _ in range(15):
        values: list[bytes | None] = list(islice(sent, 50))
        assert at_once(reader.read(values)) == one_by_one(values, MIXED)


def test_an_item_of_a_body_has_a_place_of_its_own() -> None:
    body = {"batch": [order({"order_id": "1"}), {"type": "x"}, call("group")]}
    batch = BatchReader(MIXED).read([raw(call("group")), raw(body), raw(order({"order_id": "2"}))])
    assert batch.records == [0, 1, 1, 1, 2]
    assert [at for at, _ in batch.events] == [1, 4]
    assert [at for at, _ in batch.rejected] == [2]
    assert batch.ignored == {"group": 2}
    assert batch.raws[1] == raw(body["batch"][0])
    assert len(batch.raws) == 5


def test_the_collectors_header_goes_before_the_topics_format() -> None:
    values = [raw(order({"order_id": "1"}))] * 2
    headers = [NO_HEADERS, [("format", b"segment"), ("other", b"x")]]
    batch = BatchReader(replace(READING, format="ga4")).read(values, headers)
    assert [at for at, _ in batch.events] == [1]
    assert [at for at, _ in batch.rejected] == [0]


CENTURY = st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31"))


@given(st.lists(CENTURY, min_size=1, max_size=50) | st.lists(st.datetimes(), min_size=1, max_size=50))
def test_times_at_once_are_times_one_by_one(moments: list[Any]) -> None:
    texts = [f"{moment.isoformat(timespec='milliseconds')}Z" for moment in moments]
    each = [from_text(text) for text in texts]
    found = column(texts)
    assert (found is None) == any(not 2000 <= moment.year < 2100 for moment in moments)
    assert found is None or found.tolist() == each
    assert times([*texts, None]).tolist() == [-1 if time is None else time for time in [*each, None]]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T12:00:00.000Z", "2026-13-01T12:00:00.000Z", "2026-00-01T12:00:00.000Z", "2026-01-00T12:00:00.000Z",
        "2026-01-01T24:00:00.000Z", "2026-01-01T12:60:00.000Z", "2026-01-01T12:00:61.000Z", "2026-01-01T12:00:00.00xZ",
        "2100-02-29T12:00:00.000Z", "2026-01-01T12-00:00.000Z", "2106-02-07T06:28:16.000Z", "2026-01-01T12:00:00.00٣Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_none_at_once_either(text: str) -> None:
    assert column([text]) is None
    assert from_text(text) is None


def test_leap_days_are_days() -> None:
    assert np.array_equal(column(["2028-02-29T12:00:00.000Z"]), [from_text("2028-02-29T12:00:00Z")])  # type: ignore[arg-type]
