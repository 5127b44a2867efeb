"""Other spellings of formats: batches of SDKs, pages of events that are no visits, checkouts that are no orders."""

import json
from typing import Any

import pytest

from streams.core.door.canonical import CompletionEvent, Ignored, Touch
from streams.core.door.formats.snowplow import COLUMNS
from streams.core.door.recognise import SNOWPLOW_FIELDS
from tests.unit.core.door.formats.test_formats import events, example, items
from tests.unit.core.door.said import NOON, NOON_MS, order


def pageview(**properties: Any) -> dict[str, Any]:
    return {"uuid": "018f-1", "event": "$pageview", "distinct_id": "d1", "timestamp": NOON, "properties": properties}


def test_a_batch_of_posthog_counts_as_its_events() -> None:
    visit = pageview(utm_source="facebook")
    untimed = {name: value for name, value in visit.items() if name != "timestamp"}
    body = {"api_key": "phc", "batch": [visit, untimed, {"event": " "}], "sent_at": NOON}
    timed, of_batch, bad = items("posthog", body)
    assert timed.events == of_batch.events == events("posthog", visit)
    assert bad.rejected is not None
    assert json.loads(bad.raw) == {"event": " "}


def test_an_empty_batch_of_posthog_is_ignored() -> None:
    (nothing,) = items("posthog", {"api_key": "phc", "batch": []})
    assert nothing.events == (Ignored("batch"),)


@pytest.mark.parametrize(("name", "network"), [("fbclid", "facebook"), ("li_fat_id", "linkedin"), ("ttclid", "tiktok")])
def test_click_ids_that_posthog_keeps_as_properties_say_the_network(name: str, network: str) -> None:
    (visit,) = events("posthog", pageview(**{"$current_url": "https://shop.example/", name: "abc"}))
    assert isinstance(visit, Touch)
    assert visit.words.network == network


def test_an_ignored_event_is_called_as_its_format_calls_it() -> None:
    silent = example("ga4", "page-view-by-click-id") | {"event_params": [], "collected_traffic_source": None}
    assert events("ga4", silent) == (Ignored("page_view", "page"),)
    assert events("posthog", pageview()) == (Ignored("$pageview", "page"),)
    assert events("posthog", {**pageview(), "event": "$identify"}) == (Ignored("$identify", "identify"),)


def test_the_page_on_which_something_was_bought_says_the_campaign_of_a_row_of_google() -> None:
    at = {"key": "page_location", "value": {"string_value": "https://shop.example/?utm_campaign=autumn&utm_source=fb"}}
    row = example("ga4", "purchase")
    row |= {"event_params": [at, *row["event_params"]], "collected_traffic_source": None}
    (bought,) = events("ga4", row)
    assert isinstance(bought, CompletionEvent)
    assert (bought.words.next_name, bought.words.next_source) == ("autumn", "facebook")


def test_a_checkout_of_shopify_that_was_left_is_no_order() -> None:
    left = {"abandoned_checkout_url": "https://shop.example/1/recover", "completed_at": None, "landing_site": "/"}
    paid = {name: value for name, value in example("shopify", "order").items() if name != "financial_status"}
    assert events("shopify", paid | left) == (Ignored("checkout that is no order"),)


def test_a_batch_in_a_cloud_event_counts_as_its_items() -> None:
    call = order({"order_id": "1"})
    untimed = {name: value for name, value in call.items() if name != "timestamp"}
    envelope = example("cloudevents", "segment-call") | {"time": NOON, "data": {"batch": [call, untimed]}}
    timed, of_event = items("cloudevents", envelope)
    assert timed.events == of_event.events == events("segment", call)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [(b"<parcel/>", b"text/xml"), (b"\xff\x00", b"application/octet-stream"), (b"", b"application/json")],
)
def test_a_cloud_event_whose_data_is_no_json_is_ignored_by_its_type(data: bytes, content_type: bytes) -> None:
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/a"), ("ce_type", b"parcel.sent")]
    assert events("cloudevents", data, [*headers, ("content-type", content_type)]) == (Ignored("parcel.sent"),)


def test_a_call_in_a_cloud_event_that_lacks_what_it_must_have_is_a_dead_letter() -> None:
    untyped = {name: value for name, value in order({"order_id": "1"}).items() if name != "type"}
    for data in (untyped, '{"type": "track"', order({"order_id": "1"}) | {"timestamp": None}):
        (item,) = items("cloudevents", example("cloudevents", "without-data") | {"time": None, "data": data})
        assert item.rejected


def test_a_line_of_snowplow_in_a_cloud_event_is_read_whatever_it_says_that_it_is() -> None:
    columns = [""] * SNOWPLOW_FIELDS
    for name, value in (("event", "page_ping"), ("event_id", "e"), ("collector_tstamp", "2026-11-03 09:00:00")):
        columns[COLUMNS[name]] = value
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("content-type", b"text/tab-separated-values")]
    assert events("cloudevents", "\t".join(columns).encode(), headers) == (Ignored("page_ping"),)


def test_an_event_of_posthog_in_a_cloud_event_has_its_id_and_time() -> None:
    bare = {"event": "$pageview", "distinct_id": "d1", "properties": {"utm_source": "facebook"}}
    envelope = example("cloudevents", "segment-call") | {"time": NOON, "data": bare}
    (visit,) = events("cloudevents", envelope)
    assert isinstance(visit, Touch)
    assert visit.message.time == NOON_MS
    assert events("cloudevents", envelope | {"id": "another"}) != (visit,)
