"""Reading: what becomes of records before anybody asks what they mean."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.oracle import Result, attribute, run
from tests.support.messages import NOON, batch, cancellation, identify, message, order, touch

CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n'
PLAIN: dict[str, Any] = {"type": "track", "event": "Order Completed", "messageId": "m", "timestamp": NOON}


def told(*values: bytes | None, topic: str = "events", sources: str | None = None) -> Result:
    return attribute(CATALOGUE, [(topic, value) for value in values], sources)


def outcomes(result: Result) -> list[str]:
    """What became of all messages."""
    return sorted(reason or outcome for (_, outcome, reason), n in result.outcomes.items() for _ in range(n))


def plain(**more: Any) -> bytes:
    return json.dumps(PLAIN | more).encode()


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            b"",
            b"{",
            b"null",
            b"[]",
            b'"x"',
            b"5",
            b"\xff\xfe{\x00}\x00",
            b"{}",
            b'{"batch":{}}',
            b'{"a":"\xe5"}',
        ),
        plain(type="Track!"),
        plain(type=None),
        plain(event=None),
        plain(event=""),
        plain(event=5),
        plain(event=["Order Completed"]),
        plain(timestamp=None),
        plain(timestamp="yesterday"),
        plain()[:-1] + b',"revenue":NaN}',
        plain(type="group", timestamp=None),
        message("Social Interaction", "s", NOON, action="dance", network="x"),
        message("Social Interaction", "s", NOON, network="x"),
        message("Social Interaction", "s", NOON, action="like"),
        message("Social Interaction", "s", NOON, action="like", network=" "),
    ],
)
def test_malformed(value: bytes | None) -> None:
    assert outcomes(told(value)) == ["malformed"]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert outcomes(told(b"\xef\xbb\xbf" + plain())) == ["accepted"]


@pytest.mark.parametrize("empty", [[], "", None, {}])
@pytest.mark.parametrize("place", ["context", "properties"])
def test_what_stands_for_an_empty_object(place: str, empty: object) -> None:
    result = told(plain(**{place: empty}))
    assert outcomes(result) == ["accepted"]
    assert not result.faults


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"context": 5}, "context"),
        ({"properties": "x"}, "properties"),
        ({"properties": [1]}, "properties"),
        ({"context": {"campaign": {"name": ["a", "b"]}}}, "context.campaign.name"),
        ({"context": {"campaign": {"id": True}}}, "context.campaign.id"),
        (
            {"context": {"consent": {"categoryPreferences": {"marketing": "perhaps"}}}},
            "context.consent.categoryPreferences",
        ),
        ({"userId": {"a": 1}}, "userId"),
        ({"userId": 1.5}, "userId"),
        ({"userId": "x" * 1025}, "userId"),
        ({"messageId": "x" * 257}, "messageId"),
        ({"timestamp": "yesterday", "sentAt": NOON}, "timestamp"),
        ({"properties": {"order_id": ["1"]}}, "properties.order_id"),
        ({"properties": {"revenue": "free"}}, "properties.revenue"),
        ({"properties": {"revenue": -1}}, "properties.revenue"),
        ({"properties": {"currency": "kroner"}}, "properties.currency"),
        ({"properties": {"currency": "kroner", "revenue": 5}}, "properties.currency properties.revenue"),
        ({"properties": {"coupon": {"code": "A"}}}, "properties.coupon"),
        ({"properties": {"new_customer": "perhaps"}}, "properties.new_customer"),
        ({"anonymousId": "half \ud83d"}, "anonymousId"),
    ],
)
def test_a_field_costs_itself_alone(more: dict[str, Any], place: str) -> None:
    result = told(plain(**more))
    assert outcomes(result) == ["accepted"]
    assert result.faults == {("events", one): 1 for one in place.split()}
    assert len(result.conversions) == 1


@pytest.mark.parametrize(
    ("more", "time"),
    [
        ({"originalTimestamp": NOON + 1}, NOON + 1),
        ({"timestamp": "?", "sentAt": NOON + 2, "receivedAt": NOON}, NOON + 2),
        ({"receivedAt": NOON + 3}, NOON + 3),
        ({"timestamp": str(NOON // 1000)}, NOON),
    ],
)
def test_times_in_the_order_of_their_worth(more: dict[str, Any], time: int) -> None:
    result = told(json.dumps({"type": "track", "event": "Order Completed", "messageId": "m", **more}).encode())
    assert result.conversions["orders", "m"]["occurred_at"] == time


def test_a_cancellation_has_no_use_for_a_currency() -> None:
    assert not told(cancellation("c", NOON, "o", currency="kroner")).faults


def test_sizes() -> None:
    def sized(size: int) -> bytes:
        return plain(context={"x": ""}).replace(
            b'"x": ""', b'"x": "' + b"x" * (size - len(plain(context={"x": ""}))) + b'"'
        )

    assert len(sized(65_536)) == 65_536
    assert outcomes(told(sized(65_536))) == ["accepted"]
    assert outcomes(told(sized(65_537))) == ["oversized"]
    assert outcomes(told(b"?" * 65_537)) == ["oversized"]
    big = b'{"batch":[' + sized(65_536) + b"," + plain(messageId="n") + b"," + sized(65_537) + b"]}"
    assert outcomes(told(big)) == ["accepted", "accepted", "oversized"]
    assert outcomes(told(big, topic="checkout")) == ["oversized"]


def test_a_batch_counts_as_its_items() -> None:
    bad = json.dumps({"type": "track"}).encode()
    result = told(batch(order("o", NOON, "1"), bad, touch("t", NOON), identify("i", NOON, "a", "u")))
    assert result.outcomes == {("events", "accepted", ""): 3, ("events", "dead_letter", "malformed"): 1}
    assert [(dead.record, dead.item) for dead in result.dead_letters] == [(0, 1)]
    assert outcomes(told(b'{"batch":[5,[],{"batch":[]}]}')) == ["malformed"] * 3


def test_an_empty_batch_is_ignored() -> None:
    assert told(batch()).ignored == {("events", "batch"): 1}


def test_a_batch_lends_its_time() -> None:
    timeless = json.dumps({k: v for k, v in PLAIN.items() if k != "timestamp"}).encode()
    assert told(batch(timeless, sentAt=NOON)).conversions["orders", "m"]["occurred_at"] == NOON
    assert outcomes(told(batch(timeless))) == ["malformed"]


def test_an_absent_id_is_made_of_what_the_client_sent() -> None:
    def sent(**more: Any) -> bytes:
        return json.dumps({k: v for k, v in PLAIN.items() if k != "messageId"} | more).encode()

    assert outcomes(told(sent(), sent(sentAt=NOON, receivedAt=5, writeKey="k"))) == ["accepted", "duplicate"]
    assert outcomes(told(sent(), batch(sent()))) == ["accepted", "duplicate"]
    assert outcomes(told(sent(), sent(userId="u"))) == ["accepted", "accepted"]
    assert outcomes(told(plain(messageId="undefined"), plain(messageId="undefined"))) == ["accepted", "duplicate"]
    named = run([("events", None, sent(), ())], CATALOGUE, made=lambda text: f"made of {len(text)}")
    assert list(named.conversions) == [("orders", f"made of {len(sent())}")]


@pytest.mark.parametrize(("one", "other"), [(5001, "5001"), (5001, " 5001 "), (-7, "-7")])
def test_numbers_are_their_decimal_text(one: int, other: str) -> None:
    for place in ("messageId", "userId", "anonymousId"):
        assert outcomes(told(plain(**{place: one}), plain(**{place: other}))) == ["accepted", "duplicate"]
    result = told(plain(properties={"order_id": one}), plain(messageId="n", properties={"order_id": other}))
    assert len(result.conversions) == 1


def test_placeholders_are_nobody() -> None:
    shown = plain(userId="undefined", anonymousId="a", properties={"order_id": "1"})
    result = told(shown, plain(messageId="n", userId=0, anonymousId="[object Object]"))
    assert result.conversions["orders", "1"]["user"] == "a"
    assert result.conversions["orders", "n"]["reason"] == "no_token"
    assert result.placeholder_ids == {"events": 3}
    assert not result.links
    more = told(plain(userId="GJEST"), sources='placeholders = ["gjest"]')
    assert more.conversions["orders", "m"]["reason"] == "no_token"


@pytest.mark.parametrize(
    ("value", "called"),
    [
        (plain(event="Product Viewed"), "Product Viewed"),
        (plain(event="x" * 100), "x" * 64),
        (plain(event="__proto__"), "__proto__"),
        (plain(type="page"), "page"),
        (plain(type="screen"), "screen"),
        (plain(type="group", userId="u", anonymousId="a"), "group"),
        (plain(type="identify", userId="u"), "identify"),
        (plain(type="identify", userId="u", anonymousId=None), "identify"),
        (plain(type="identify", userId="null", anonymousId="a"), "identify"),
        (plain(type="alias", userId="u"), "alias"),
        (plain(event="Consent Updated", userId="u"), "Consent Updated"),
    ],
)
def test_legal_and_not_for_us(value: bytes, called: str) -> None:
    result = told(value, value)
    assert outcomes(result) == ["ignored", "ignored"]  # and not remembered
    assert result.ignored == Counter({("events", called): 2})
    assert not result.links


def test_one_message_in_several_topics_is_one() -> None:
    records = [(topic, order("o", NOON, "1")) for topic in ("checkout", "events", "identity")]
    result = attribute(CATALOGUE, records)
    assert result.outcomes == {
        ("checkout", "accepted", ""): 1,
        ("events", "duplicate", ""): 1,
        ("identity", "duplicate", ""): 1,
    }


def test_an_id_is_unique_within_its_routing_key_and_kind() -> None:
    one = order("m", NOON, "1")
    assert outcomes(told(one, order("m", NOON, "2", user="v"))) == ["accepted", "accepted"]
    assert outcomes(told(one, touch("m", NOON))) == ["accepted", "accepted"]
    assert outcomes(told(touch("m", NOON), touch("m", NOON, "paper", action="like"))) == ["accepted", "duplicate"]
    result = told(one, order("m", NOON, "2"), order("m", NOON, "1", revenue=5))
    assert outcomes(result) == ["accepted", "accepted", "duplicate"]
    assert result.conflicting_ids == {"events": 1}
    assert result.conversions["orders", "1"]["value"] == 100_000_000


def test_other_formats_are_malformed() -> None:
    with pytest.raises(ValueError, match="shopify"):
        told(plain(), sources='[[source]]\ntopic = "shop"\nformat = "shopify"')
