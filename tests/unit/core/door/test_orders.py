"""Orders: keys, scopes, amounts, currencies, refunds and who is a new customer."""

from typing import Any

import pytest

from streams.core.door.canonical import Amounts, CompletionEvent, Ignored, Reversal
from streams.core.door.orders import MESSAGE_ID
from tests.unit.core.door.said import completion, event, faults, order, reversal, track, update

M = 1_000_000
FIELDS = ("order_id", "invoice_id", MESSAGE_ID)


@pytest.mark.parametrize("name", ["Order Completed", "order_completed", "ORDER-COMPLETED", "Enquiry%20Sent"])
def test_event_names_are_compared_normal(name: str) -> None:
    assert completion(track(name)).event in ("order completed", "enquiry sent")


def test_an_order_that_no_goal_counts_is_ignored() -> None:
    assert event(order({"order_id": 1}), counted={"enquiry sent": "Enquiry sent"}) == Ignored("Order Completed")


def test_keys_by_each_field_that_some_goal_uses() -> None:
    found = completion(order({"order_id": 1, "invoice_id": " F-2 "}), id_fields=FIELDS)
    assert found.ids == {"order_id": "1", "invoice_id": "F-2", MESSAGE_ID: "m1"}
    assert completion(order({"invoice_id": None}), id_fields=FIELDS[:2]).ids == {}


def test_scopes() -> None:
    said: dict[str, Any] = {"order_id": "1", "affiliation": "Oslo"}
    assert completion(order(said)).scope == ""
    assert completion(order(said), scoped_by_affiliation=True).scope == "Oslo"
    assert completion(order(said), scoped_by_affiliation=True, scope="shop").scope == "shop"
    assert update(said, scope="shop").scope == reversal("Order Cancelled", said, scope="shop").scope == "shop"


@pytest.mark.parametrize(
    ("said", "expected", "told"),
    [
        ({"revenue": "1 299,00 kr"}, Amounts(1299 * M), []),
        ({"revenue": None, "total": 5}, Amounts(None, 5 * M), []),
        ({"revenue": "1,299", "total": 5, "value": "7"}, Amounts(None, 5 * M, 7 * M, True), ["properties.revenue"]),
        ({"revenue": ""}, Amounts(unreadable=True), ["properties.revenue"]),
        ({"revenue": -5, "total": 1}, Amounts(None, M, None, True), ["properties.revenue"]),
        ({"revenue": 5, "currency": "kroner"}, Amounts(unreadable=True), ["properties.currency", "properties.revenue"]),
        ({"revenue": 5, "currency": []}, Amounts(unreadable=True), ["properties.currency", "properties.revenue"]),
        ({"revenue": 5, "currency": ""}, Amounts(5 * M), []),
        ({"revenue": "5 EUR"}, Amounts(unreadable=True), ["properties.revenue"]),
        ({"revenue": "5 EUR", "currency": "eur"}, Amounts(5 * M), []),
        ({"revenue": 10**12}, Amounts(unreadable=True), ["properties.revenue"]),
        ({}, Amounts(), []),
    ],
)  # fmt: skip
def test_amounts_of_orders(said: dict[str, Any], expected: Amounts, told: list[str]) -> None:
    assert completion(order(said)).amounts == expected
    assert faults(order(said)) == told
    assert update(said).amounts == expected


@pytest.mark.parametrize(
    ("said", "of_order", "of_update"),
    [("eur", "EUR", "EUR"), (" EUR ", "EUR", "EUR"), (None, "NOK", ""), ("", "NOK", ""), ("€", "NOK", "")],
)
def test_currencies(said: str | None, of_order: str, of_update: str) -> None:
    found = completion(order({"currency": said}))
    assert (found.currency, found.own_currency) == (of_order, bool(of_update))
    assert update({"currency": said}).currency == reversal("Order Refunded", {"currency": said}).currency == of_update


@pytest.mark.parametrize(
    ("said", "whole", "expected"),
    [
        ({}, True, Amounts()), ({"total": None}, True, Amounts()), ({"products": []}, True, Amounts()),
        ({"products": None}, True, Amounts()), ({"currency": "nonsense"}, True, Amounts()),
        ({"total": "62,50"}, False, Amounts(None, 62_500_000)),
        ({"total": -5}, False, Amounts(None, 5 * M)),
        ({"total": 0}, False, Amounts(None, 0)),
        ({"total": ""}, False, Amounts(unreadable=True)),
        ({"total": "some"}, False, Amounts(unreadable=True)),
        ({"total": "5", "currency": "nonsense"}, False, Amounts(unreadable=True)),
        ({"total": 5, "products": [{"price": 1, "quantity": 1}]}, False, Amounts(None, 5 * M)),
        ({"products": [{"price": "2.50", "quantity": 2}, {"price": 1, "quantity": "1"}]}, False, Amounts(6 * M)),
        ({"products": [{"price": -3, "quantity": 1}]}, False, Amounts(3 * M)),
        ({"products": [{"price": 3, "quantity": 1}, {"price": 3}]}, False, Amounts(unreadable=True)),
        ({"products": [{"price": 3, "quantity": 1}, 5]}, False, Amounts(unreadable=True)),
        ({"products": {"price": 3}}, False, Amounts(unreadable=True)),
        ({"products": [{"price": 10**11, "quantity": 10}]}, False, Amounts(unreadable=True)),
        ({"products": [{}]}, False, Amounts(unreadable=True)),
    ],
)  # fmt: skip
def test_refunds(said: dict[str, Any], whole: bool, expected: Amounts) -> None:
    found = reversal("Order Refunded", said)
    assert (found.kind, found.whole, found.amounts) == ("refund", whole, expected)
    assert not expected.unreadable or faults(track("Order Refunded", said))


def test_a_sum_refunded_so_far_is_no_whole_refund() -> None:
    found = reversal("Order Refunded", {"refunded_total": "-25.00", "order_id": 1})
    assert (found.whole, found.refunded_total, found.amounts) == (False, 25 * M, Amounts())
    assert not reversal("Order Refunded", {"refunded_total": "?"}).whole


def test_a_cancellation_takes_the_whole_whatever_it_states() -> None:
    found = reversal("order cancelled", {"order_id": 1, "total": 5, "currency": "x", "products": [{}]})
    assert (found.kind, found.whole, found.amounts, found.ids) == ("cancel", True, Amounts(), {"order_id": "1"})


@pytest.mark.parametrize(
    ("said", "new"),
    [
        (True, True), ("true", True), ("yes", True), ("1", True), (1, True), (1.0, True), ("TRUE", True),
        (False, False),
        ("false", False), ("no", False), ("0", False), (0, False), (None, None), ("", None), ("perhaps", None),
        (2, None), ([], None), (1.5, None),
    ],
)  # fmt: skip
def test_new_customers(said: Any, new: bool | None) -> None:
    message = order({"new_customer": said})
    assert completion(message).new is new
    assert faults(message) == (["properties.new_customer"] if new is None and said not in (None, "") else [])


@pytest.mark.parametrize(
    ("said", "coupons"),
    [
        ({"coupon": "HOST10"}, ("host10",)), ({"coupon": " host10 , FRIFRAKT,"}, ("host10", "frifrakt")),
        ({"coupon": ["A", "b", 15]}, ("a", "b", "15")), ({"coupon": 15}, ("15",)), ({"coupon": ""}, ()),
        ({"coupons": ["c", "a"], "coupon": "a"}, ("a", "c")), ({"discount_codes": [{"code": "D"}]}, ("d",)),
        ({"products": [{"coupon": "P"}, {"coupon": None}, {"id": 1}], "coupons": "c"}, ("c", "p")),
        ({"coupon": [], "products": []}, ()), ({"coupon": [str(i) for i in range(20)]}, tuple("01234567")),
    ],
)  # fmt: skip
def test_coupons(said: dict[str, Any], coupons: tuple[str, ...]) -> None:
    message = order(said)
    assert completion(message).words.coupons == coupons
    assert faults(message) == []


def test_coupons_that_are_no_text_cost_the_field() -> None:
    message = order({"coupon": {"code": "X"}, "products": ["x", {"coupon": True}]})
    assert completion(message).words.coupons == ()
    assert faults(message) == ["properties.coupon", "properties.products[]", "properties.products[].coupon"]


def test_properties_that_a_where_asks_for_are_kept_as_sent() -> None:
    assert completion(order({"plan": ["club", 1], "other": 2})).properties == {"plan": b'["club", 1]'}


@pytest.mark.parametrize("empty", [None, [], "", {}, " "])
def test_an_order_with_nothing_in_it_counts(empty: Any) -> None:
    found = event(order(empty))
    assert isinstance(found, CompletionEvent)
    assert (found.ids, found.amounts) == ({}, Amounts())


def test_a_reversal_says_what_its_message_says_of_people() -> None:
    found = event(track("Order Refunded", {}, anonymousId="a1"))
    assert isinstance(found, Reversal)
    assert (found.message.user_id, found.message.anonymous_id) == ("u1", "a1")
