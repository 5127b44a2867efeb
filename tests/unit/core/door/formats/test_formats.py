"""Formats of other systems: what each example of the schemas is; and whatever goes wrong, nothing is raised."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from streams.core.door.canonical import Amounts, Event, Ignored, Item, Message, Reversal, Words
from streams.core.door.formats import FORMATS
from streams.core.door.formats.snowplow import COLUMNS
from streams.core.door.reader import NO_HEADERS, read
from streams.core.door.recognise import SEGMENT, SNOWPLOW, SNOWPLOW_FIELDS
from streams.core.parsing.limits import LIMIT
from tests.support.door.mutations import EXAMPLES, examples, mutated, sound
from tests.unit.core.door.said import READING

M = 1_000_000
OF_FORMATS = [path for path in sorted(EXAMPLES.rglob("*.json")) if path.parent.name in FORMATS]


def items(name: str, message: Any, headers: Any = NO_HEADERS) -> list[Item]:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    return read(raw, headers, replace(READING, format=name, batch_limit=2**20))


def events(name: str, message: Any, headers: Any = NO_HEADERS) -> tuple[Event, ...]:
    (item,) = items(name, message, headers)
    assert item.rejected is None, item.rejected
    assert item.faults == ()
    return item.events


def example(name: str, label: str) -> Any:
    return json.loads((EXAMPLES / "valid" / name / f"{label}.json").read_bytes())


def said(event: Event) -> tuple[Any, ...]:
    """An event in short: its kind, who and when, and what it says."""
    kind = type(event).__name__
    if isinstance(event, Ignored):
        return kind, event.name
    message: Message = event.message
    who = message.user_id, message.anonymous_id, message.denied
    amounts: Amounts = getattr(event, "amounts", Amounts())
    words: Words = getattr(event, "words", Words())
    key = next(iter(getattr(event, "ids", {}).values()), "")
    return (
        kind,
        *who,
        key,
        amounts[:3],
        words.name or words.next_name,
        words.source or words.next_source or words.network,
    )


NONE = (None, None, None)


@pytest.mark.parametrize(
    ("name", "label", "expected"),
    [
        ("ga4", "purchase",
         [("CompletionEvent", "u1", "111.222", False, "T1", (100 * M, None, 125 * M), "autumn", "facebook")]),
        ("ga4", "page-view-by-click-id", [("Touch", "", "111.222", None, "", NONE, "", "google")]),
        ("ga4", "first-visit", [("Touch", "", "111.222", None, "", NONE, "brand", "google")]),
        ("ga4", "refund-of-items", [("Reversal", "", "111.222", None, "T1", (50 * M, None, None), "", "")]),
        ("ga4", "scroll", [("Ignored", "scroll")]),
        ("snowplow", "page-view", [("Touch", "", "d1", None, "", NONE, "autumn", "facebook")]),
        ("snowplow", "transaction", [("CompletionEvent", "u1", "d1", None, "1001", (None, 125 * M, None), "", "")]),
        ("snowplow", "ecommerce-transaction",
         [("CompletionEvent", "", "d1", False, "1002", (100 * M, None, None), "", "")]),
        ("snowplow", "ecommerce-refund", [("Reversal", "", "d1", None, "1002", (None, 50 * M, None), "", "")]),
        ("snowplow", "page-ping", [("Ignored", "page_ping")]),
        ("posthog", "order", [("CompletionEvent", "u1", "d1", None, "2602", (100 * M, None, None), "autumn", "")]),
        ("posthog", "pageview", [("Touch", "", "d1", None, "", NONE, "", "google")]),
        ("posthog", "identify", [("Link", "u1", "d1", None, "", NONE, "", "")]),
        ("posthog", "autocapture", [("Ignored", "$autocapture")]),
        ("shopify", "order", [
            ("CompletionEvent", "207119551", "a1", None, "450789469", (100 * M, 125 * M, None), "autumn", "facebook"),
            ("Update", "207119551", "a1", None, "450789469", (100 * M, 125 * M, None), "", ""),
        ]),
        ("shopify", "order-cancelled", [("Reversal", "207119551", "a1", None, "450789469", NONE, "", "")]),
        ("shopify", "order-of-a-guest",
         [("CompletionEvent", "ola@example.no", "", None, "450789470", (100 * M, 125 * M, None), "", "")]),
        ("shopify", "refund", [("Reversal", "", "", None, "450789469", (None, 62_500_000, None), "", "")]),
        ("shopify", "test-order", [("Ignored", "test order")]),
        ("woocommerce", "order", [
            ("CompletionEvent", "kari@example.no", "a1", None, "727", (100 * M, 150 * M, None), "autumn", "facebook"),
            ("Update", "kari@example.no", "a1", None, "727", (100 * M, 150 * M, None), "", ""),
        ]),
        ("woocommerce", "order-partly-refunded", [
            ("CompletionEvent", "kari@example.no", "a1", None, "727", (100 * M, 150 * M, None), "autumn", "facebook"),
            ("Update", "kari@example.no", "a1", None, "727", (100 * M, 150 * M, None), "", ""),
            ("Reversal", "kari@example.no", "a1", None, "727", (None, 75 * M, None), "", ""),
        ]),
        ("woocommerce", "order-refunded", [("Reversal", "kari@example.no", "a1", None, "727", NONE, "", "")]),
        ("woocommerce", "order-on-hold", [("Ignored", "order on-hold")]),
        ("stripe", "session",
         [("CompletionEvent", "kari@example.no", "a1", None, "pi_1", (None, 125 * M, None), "autumn", "facebook")]),
        ("stripe", "invoice", [("CompletionEvent", "cus_1", "", None, "in_1", (None, 5000 * M, None), "", "")]),
        ("stripe", "refund", [("Reversal", "", "", None, "pi_1", NONE, "", "")]),
        ("stripe", "dispute", [("Ignored", "charge.dispute.created")]),
        ("cloudevents", "segment-call", [("CompletionEvent", "u1", "", None, "2601", (100 * M, None, None), "", "")]),
        ("cloudevents", "data-in-base64", [("CompletionEvent", "u1", "", None, "2601", (100 * M, None, None), "", "")]),
        ("cloudevents", "shopify-order", [
            ("CompletionEvent", "207119551", "a1", None, "450789469", (100 * M, 125 * M, None), "autumn", "facebook"),
            ("Update", "207119551", "a1", None, "450789469", (100 * M, 125 * M, None), "", ""),
        ]),
        ("cloudevents", "without-data", [("Ignored", "com.example.parcel.sent")]),
        ("cloudevents", "data-of-another-kind", [("Ignored", "com.example.parcel.sent")]),
    ],
)  # fmt: skip
def test_an_example(name: str, label: str, expected: list[Any]) -> None:
    assert [said(event) for event in events(name, example(name, label))] == expected


@pytest.mark.parametrize("path", OF_FORMATS, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}-{path.stem}")
def test_the_reader_of_its_format_takes_an_example_as_the_schema_does(path: Path) -> None:
    (item,) = items(path.parent.name, path.read_bytes())
    assert (item.rejected is None) == (path.parents[1].name == "valid")
    assert item.rejected is None or item.rejected.reason == "malformed"


@pytest.mark.parametrize("name", FORMATS)
def test_a_topic_that_expects_another_format_names_it(name: str) -> None:
    for other in (SEGMENT, *FORMATS):
        for message in examples(name) if other not in (name, "cloudevents") else ():
            (item,) = items(other, message)
            assert item.rejected
            assert f'format = "{name}"' in item.rejected.error


@pytest.mark.parametrize("name", [SEGMENT, *FORMATS])
def test_a_message_again_is_the_same_message(name: str) -> None:
    for message in examples(name):
        assert items(name, message) == items(name, message)


def test_an_order_stated_again_is_one_order_and_another_update() -> None:
    first, again = (
        events("shopify", example("shopify", "order") | {"updated_at": at})
        for at in ("2026-11-03T10:05:00Z", "2026-11-04T10:05:00Z")
    )
    assert first[0] == again[0]
    assert first[1].message.message_id != again[1].message.message_id  # type: ignore[union-attr]
    paid, refunded = (
        events("woocommerce", example("woocommerce", label)) for label in ("order", "order-partly-refunded")
    )
    assert paid[0] == refunded[0]


def test_amounts_of_stripe_are_in_the_smallest_unit_of_the_currency() -> None:
    def total(currency: str) -> Any:
        message = example("stripe", "session")
        message["data"]["object"]["currency"] = currency
        return events("stripe", message)[0].amounts.total  # type: ignore[union-attr]

    assert [total(currency) for currency in ("nok", "JPY", "kwd")] == [125 * M, 12_500 * M, 12_500_000]


def test_a_session_that_is_not_paid_is_no_order() -> None:
    message = example("stripe", "session")
    message["data"]["object"]["payment_status"] = "unpaid"
    assert events("stripe", message) == (Ignored("checkout.session.completed"),)


def test_what_stripe_refunded_so_far_is_a_sum() -> None:
    (refund,) = events("stripe", example("stripe", "refund"))
    assert isinstance(refund, Reversal)
    assert (refund.refunded_total, refund.whole) == (62_500_000, False)


def test_a_refund_of_shopify_without_a_payment_takes_nothing() -> None:
    message = example("shopify", "refund") | {"transactions": []}
    assert events("shopify", message) == (Ignored("refund without a payment"),)


def test_a_line_of_snowplow_is_what_its_json_is() -> None:
    for label in ("page-view", "transaction", "ecommerce-refund"):
        message = example("snowplow", label)
        columns = [""] * SNOWPLOW_FIELDS
        for name, value in message.items():
            if name in COLUMNS and value is not None:
                columns[COLUMNS[name]] = value if isinstance(value, str) else json.dumps(value)
        assert events(SNOWPLOW, "\t".join(columns).encode()) == events(SNOWPLOW, message)


def test_a_purchase_that_a_goal_names_keeps_its_name() -> None:
    reading = replace(READING, counted={"purchase": "purchase"}, format="ga4")
    (item,) = read(json.dumps(example("ga4", "purchase")).encode(), NO_HEADERS, reading)
    assert item.events[0].event == "purchase"  # type: ignore[union-attr]


def test_what_google_writes_for_nothing_is_nothing() -> None:
    message = example("ga4", "purchase")
    message["ecommerce"]["transaction_id"] = "(not set)"
    (bought,) = events("ga4", message)
    assert bought.ids == {"order_id": "T1"}  # type: ignore[union-attr]
    message["event_params"] = []
    (bought,) = events("ga4", message)
    assert bought.ids == {}  # type: ignore[union-attr]


def test_the_source_of_a_first_visit_is_the_users_where_none_was_collected() -> None:
    message = example("ga4", "first-visit") | {"collected_traffic_source": {"manual_source": None, "gclid": None}}
    assert events("ga4", message) == events("ga4", example("ga4", "first-visit"))


def test_an_identified_person_of_posthog_keeps_the_device() -> None:
    message = example("posthog", "order")
    message["properties"]["$is_identified"] = False
    (bought,) = events("posthog", message)
    assert said(bought)[1:3] == ("", "d1")


def test_a_binary_cloud_event_is_read_by_its_headers() -> None:
    call = example("cloudevents", "segment-call")["data"]
    headers = [
        ("ce_id", b"ce-1"),
        ("ce_source", b"/shop"),
        ("ce_time", b"2026-11-03T09:00:00Z"),
        ("ce_specversion", b"1.0"),
    ]
    structured = example("cloudevents", "segment-call")
    assert events("cloudevents", call, headers) == events("cloudevents", structured)
    untimed = {name: value for name, value in call.items() if name != "timestamp"}
    assert events("cloudevents", untimed, headers) == events("cloudevents", structured)
    assert events("cloudevents", call | {"messageId": "own"}, headers)[0].message.message_id == "own"  # type: ignore[union-attr]


def test_webhooks_may_be_larger_than_events() -> None:
    large = example("shopify", "order") | {"note": "x" * LIMIT}
    assert len(events("shopify", large)) == 2
    assert items("ga4", example("ga4", "scroll") | {"x": "x" * LIMIT})[0].rejected.reason == "oversized"  # type: ignore[union-attr]


def test_the_collectors_header_names_the_format_of_a_webhook() -> None:
    order = example("shopify", "order")
    assert events(SEGMENT, order, [("format", b"shopify")]) == events("shopify", order)


def test_a_field_that_cannot_be_read_is_told_where_the_message_has_it() -> None:
    (item,) = items("shopify", example("shopify", "order") | {"total_price": "some"})
    assert [fault.place for fault in item.faults] == ["total_price"]
    assert len(item.events) == 2


@pytest.mark.parametrize("name", [SEGMENT, *FORMATS])
def test_mistakes_of_any_kind_break_nothing(name: str) -> None:
    for raw in islice(mutated(name, 7), 400):
        found = items(name, raw)
        assert found
        assert all(map(sound, found)), (raw, found)
