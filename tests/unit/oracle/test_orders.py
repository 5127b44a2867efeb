"""Orders: which are one, who and when, what they are worth, whether they stand, what is taken back."""

from typing import Any

import pytest

from tests.oracle import Result, attribute
from tests.support.messages import (
    DAY,
    HOUR,
    NOON,
    cancellation,
    denied,
    identify,
    message,
    order,
    refund,
    touch,
    update,
)

GOALS = """base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
"""
MICRO = 1_000_000


def told(*values: bytes, goals: str = GOALS, sources: str | None = None) -> Result:
    return attribute(goals, [("events", value) for value in values], sources)


def row(*values: bytes, key: str = "o", **more: Any) -> dict[str, Any]:
    return told(*values, **more).conversions["orders", key]


def stands(*values: bytes) -> tuple[float, float, str]:
    """What remains of the order, what was taken back, and its status."""
    found = row(*values)
    return found["value"] / MICRO, found["reversed_value"] / MICRO, found["status"]


NO_ANSWER: tuple[object, ...] = (None, "", "perhaps", 2, [], {}, -1)
ORDER = order("o1", NOON, "o")
WITH_TAX = order("o1", NOON, "o", tax=25, total=125)


def test_the_earliest_completion_says_when_who_and_through_which_campaign() -> None:
    review = touch("r", NOON + DAY - 1, "review")
    again = order("o2", NOON + DAY, "o", revenue=5, user="v", new_customer=False)
    result = told(review, again, touch("t", NOON - 1), order("o1", NOON, "o", new_customer=True))
    found = result.conversions["orders", "o"]
    assert (found["occurred_at"], found["user"], found["customer"], found["value"]) == (NOON, "u", "new", 100 * MICRO)
    assert found["touch_campaign"] == ["autumn"]
    assert result.outcomes["events", "repeated", ""] == 1


def test_of_two_at_one_time_the_smaller_id_is_the_earlier() -> None:
    assert row(order("b", NOON, "o", revenue=5), order("a", NOON, "o", revenue=7))["value"] == 7 * MICRO


def test_where_is_asked_of_the_earliest() -> None:
    goals = GOALS + 'where = { new_customer = true, plan = "pro", size = 2 }\n'
    first: dict[str, Any] = {"new_customer": "yes", "plan": "pro", "size": 2.0}
    assert told(order("a", NOON, "o", **first), order("b", NOON + 1, "o"), goals=goals).conversions
    assert not told(order("a", NOON, "o"), order("b", NOON + 1, "o", **first), goals=goals).conversions
    for odd in ({"plan": "Pro"}, {"size": "2"}, {"size": True}, {"new_customer": None}):
        assert not told(order("a", NOON, "o", **(first | odd)), goals=goals).conversions


@pytest.mark.parametrize(
    ("said", "customer"),
    [
        *((yes, "new") for yes in (True, "true", "TRUE", 1, "1", "yes", " Yes ")),
        *((no, "returning") for no in (False, "false", "no", 0, "0")),
        *((none, "unknown") for none in NO_ANSWER),
    ],
)
def test_new_customers(said: object, customer: str) -> None:
    assert row(order("o", NOON, "o", new_customer=said))["customer"] == customer


def test_another_buyer_or_currency_is_told() -> None:
    link = identify("i", NOON, "a", "u")
    assert not told(ORDER, order("o2", NOON + 1, "o"), order("o3", NOON + 2, "o", user=None)).order_conflicts
    assert not told(ORDER, order("o2", NOON + 1, "o", user=None, anonymous="a"), link).order_conflicts
    assert told(ORDER, order("o2", NOON + 1, "o", user="v")).order_conflicts == {"o2"}
    assert told(ORDER, order("o2", NOON + 1, "o", currency="EUR")).order_conflicts == {"o2"}


@pytest.mark.parametrize(
    ("amounts", "value", "known"),
    [
        ({"revenue": 1, "total": 2, "value": 3}, 1, 1),
        ({"revenue": None, "total": 2, "value": 3}, 2, 1),
        ({"revenue": "free", "total": "?", "value": 3}, 3, 1),
        ({"revenue": -1, "total": 2}, 2, 1),
        ({"revenue": 0}, 0, 1),
        ({"revenue": ""}, 0, 0),
        ({"revenue": 5, "currency": "kroner"}, 0, 0),
        ({"revenue": 5, "currency": 578}, 0, 0),
        ({"revenue": 5, "currency": ""}, 5, 1),
    ],
)
def test_what_an_order_is_worth(amounts: dict[str, Any], value: int, known: int) -> None:
    found = row(order("o", NOON, "o", **amounts))
    assert (found["value"], found["value_known"], found["currency"]) == (value * MICRO, known, "NOK")


def test_the_latest_update_says_what_an_order_is() -> None:
    assert stands(ORDER, update("x", NOON + DAY, "o", revenue=60)) == (60, 0, "open")
    assert stands(ORDER, update("x", NOON - DAY, "o", revenue=60)) == (60, 0, "open")  # clocks disagree
    assert stands(ORDER, update("x", NOON + 2, "o", revenue=60), update("y", NOON + 1, "o", revenue=70))[0] == 60
    assert stands(ORDER, update("x", NOON + 1, "o", revenue=60), update("y", NOON + 1, "o", revenue=70))[0] == 70
    assert stands(ORDER, update("x", NOON + 1, "o", revenue=60), update("y", NOON + 2, "o", revenue="?"))[0] == 60
    assert stands(ORDER, update("x", NOON + 1, "o", total=90)) == (90, 0, "open")  # never mixed with the completion's
    assert stands(ORDER, update("x", NOON + 1, "o", status="packed")) == (100, 0, "open")


def test_an_update_s_currency() -> None:
    in_euro = order("o1", NOON, "o", currency="eur")
    assert row(in_euro, update("x", NOON, "o", revenue=6))["currency"] == "EUR"
    assert row(in_euro, update("x", NOON, "o", revenue=6, currency="sek"))["currency"] == "SEK"
    assert row(in_euro, update("x", NOON, "o", currency="sek"))["currency"] == "EUR"


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ([], "reversed"),
        ([update("z", NOON + 3, "o", revenue=100)], "open"),
        ([update("z", NOON + 3, "o", revenue=0)], "reversed"),
        ([update("z", NOON + 3, "o", status="paid")], "reversed"),
        ([update("z", NOON + 1, "o", revenue=100)], "reversed"),
        ([update("z", NOON + 2, "o", revenue=100)], "open"),  # the larger id
        ([update("b", NOON + 2, "o", revenue=100)], "reversed"),
        ([order("z", NOON + 3, "o")], "open"),
        ([order("z", NOON + 1, "o")], "reversed"),
        ([order("z", NOON + 3, "o"), cancellation("zz", NOON + 4, "o")], "reversed"),
    ],
)
@pytest.mark.parametrize("taken", [cancellation, refund])
def test_who_pays_after_all_is_a_customer(taken: Any, after: list[bytes], status: str) -> None:
    assert row(ORDER, taken("c", NOON + 2, "o"), *after)["status"] == status


def test_clocks_that_disagree_undo_no_cancellation() -> None:
    assert row(ORDER, cancellation("c", NOON - DAY, "o"))["status"] == "reversed"


@pytest.mark.parametrize(
    ("refunds", "remains"),
    [
        ([{"total": "62.50"}], 50),
        ([{"total": "62.50"}, {"total": "62.50"}], 0),
        ([{"total": 500}], 0),
        ([{"revenue": 10}], 90),
        ([{"revenue": 10, "total": 125}], 0),  # the total first
        ([{"value": 10}], 90),  # the order has none: of what it is worth
        ([{"total": -25}], 80),
        ([{"total": "?"}], 100),
        ([{"total": ""}], 100),
        ([{"total": 0}], 100),
        ([{"products": [{"price": 20, "quantity": 2}, {"price": "5,50", "quantity": 1}]}], 54.5),
        ([{"products": [{"price": 20}]}], 100),
        ([{"products": "x"}], 100),
        ([{"products": [{"price": 20, "quantity": 2}], "total": 25}], 80),
        ([{"products": []}], 0),
        ([{"total": None}], 0),
        ([{}], 0),
        ([{"total": 25, "currency": "nok"}], 80),
        ([{"total": 25, "currency": "EUR"}], 100),
        ([{"total": 25, "currency": "kroner"}], 100),
        ([{"currency": "EUR"}], 0),
        ([{"refunded_total": 25}, {"refunded_total": 50}], 60),
        ([{"refunded_total": 50}, {"refunded_total": 25}], 80),
        ([{"refunded_total": 25}, {"total": 50}], 80),
        ([{"refunded_total": 0}, {}], 100),
        ([{"refunded_total": 25}, {"refunded_total": 50, "currency": "EUR"}], 80),
    ],
)
def test_what_refunds_take(refunds: list[dict[str, Any]], remains: float) -> None:
    sent = [refund(f"r{at}", NOON + at, "o", **more) for at, more in enumerate(refunds)]
    status = "open" if remains == 100 else "partly_reversed" if remains else "reversed"
    assert stands(WITH_TAX, *sent) == (remains, 100 - remains, status)
    assert stands(*reversed(sent), WITH_TAX) == (remains, 100 - remains, status)


def test_a_refund_is_of_what_the_order_is_now() -> None:
    assert stands(ORDER, update("x", NOON, "o", revenue=50), refund("r", NOON, "o", revenue=25)) == (
        25,
        25,
        "partly_reversed",
    )


def test_an_order_worth_nothing_stays_whole() -> None:
    goals = GOALS + "value = 3\n"
    free = order("o", NOON, "o", revenue=0)
    assert row(free, refund("r", NOON, "o", total=5), goals=goals)["value"] == 3 * MICRO
    assert row(free, refund("r", NOON, "o"), goals=goals)["status"] == "reversed"
    with_total = order("o", NOON, "o", revenue=0, total=10)
    assert row(with_total, refund("r", NOON, "o", total=5), goals=goals)["value"] == 1_500_000


def test_what_remains_is_floored_and_credit_stays_while_anything_remains() -> None:
    goals = GOALS + "value = 0.000001\n"
    found = row(touch("t", NOON), order("o", NOON, "o", revenue=3), refund("r", NOON, "o", revenue=2), goals=goals)
    assert (found["value"], found["reversed_value"], found["status"]) == (0, 1, "partly_reversed")
    assert found["credit"]["last"] == [MICRO]
    third = row(order("o", NOON, "o", revenue=1), refund("r", NOON, "o", revenue="0.333333"))
    assert third["value"] == 666_667
    of_three = row(order("o", NOON, "o", revenue=1, total=3), refund("r", NOON, "o", total=1))
    assert of_three["value"] == 666_666


def test_a_refund_in_another_currency_is_told() -> None:
    result = told(ORDER, refund("r", NOON, "o", total=5, currency="EUR"))
    assert result.currency_mismatches == {"r"}
    assert told(ORDER, refund("r", NOON, "o", currency="EUR")).currency_mismatches == set()
    now = update("x", NOON, "o", revenue=10, currency="EUR")
    assert told(ORDER, now, refund("r", NOON, "o", total=5, currency="EUR")).currency_mismatches == set()
    assert told(ORDER, now, refund("r", NOON, "o", total=5, currency="NOK")).currency_mismatches == {"r"}


def test_orders_that_never_came() -> None:
    values = refund("r", NOON, "o", total=5), update("x", NOON, "p", revenue=1), cancellation("c", NOON, "q")
    assert told(*values).unknown_orders == {"r", "x", "c"}
    assert told(ORDER, *values).unknown_orders == {"x", "c"}
    assert told(ORDER, refund("r", NOON, "")).unknown_orders == {"r"}


def test_an_order_without_a_key_is_its_message() -> None:
    result = told(order("a", NOON, ""), order("b", NOON, "", user="v"), refund("r", NOON, "b"))
    assert {key: row["status"] for key, row in result.conversions.items()} == {
        ("orders", "a"): "open",
        ("orders", "b"): "reversed",
    }


def test_each_goal_has_its_own_key() -> None:
    goals = GOALS + (
        '[[goal]]\nid = "renewals"\nevent = "Order Completed"\nid_field = "invoice_id"\n'
        '[[goal]]\nid = "each"\nevent = "Order Completed"\nid_field = "messageId"\n'
    )
    bought = order("a", NOON, "o", invoice_id=1), order("b", NOON + 1, "o", invoice_id=2)
    result = told(*bought, message("Order Cancelled", "c", NOON, invoice_id="2"), goals=goals)
    assert {key: row["status"] for key, row in result.conversions.items()} == {
        ("orders", "o"): "open",
        ("renewals", "1"): "open",
        ("renewals", "2"): "reversed",
        ("each", "a"): "open",
        ("each", "b"): "open",
    }
    assert not result.unknown_orders
    assert told(*bought, cancellation("c", NOON, "a"), goals=goals).unknown_orders == {"c"}


def test_only_the_keys_that_its_goals_ask_for_tell_two_messages_apart() -> None:
    goals = GOALS + '[[goal]]\nid = "leads"\nevent = "Lead Sent"\nid_field = "messageId"\n'
    result = told(*(message("Lead Sent", "m", NOON, order_id=key) for key in "ab"), goals=goals)
    assert result.outcomes == {("events", "accepted", ""): 1, ("events", "duplicate", ""): 1}


def scoped(*values: bytes) -> dict[str, str]:
    result = told(*values, sources='order_scope = "affiliation"')
    return {key: row["status"] for (_, key), row in result.conversions.items()}


def test_two_shops_number_1001_are_two_orders() -> None:
    north, south = order("a", NOON, "1001", affiliation="north"), order("b", NOON, "1001", affiliation="south")
    assert scoped(north, south) == {"north:1001": "open", "south:1001": "open"}
    here = cancellation("c", NOON, "1001", affiliation="south")
    assert scoped(north, south, here) == {"north:1001": "open", "south:1001": "reversed"}
    somewhere = cancellation("c", NOON, "1001")
    assert scoped(north, south, somewhere) == {"north:1001": "open", "south:1001": "open"}
    assert scoped(north, somewhere) == {"north:1001": "reversed"}
    copies = refund("r", NOON, "1001", total=50, affiliation="north"), refund("r", NOON, "1001", total=50)
    assert scoped(north, *copies) == {"north:1001": "partly_reversed"}
    assert scoped(order("a", NOON, "1001"), south, somewhere) == {"1001": "reversed", "south:1001": "open"}


def test_the_scope_of_a_source_goes_before_affiliation() -> None:
    sources = 'order_scope = "affiliation"\n[[source]]\ntopic = "till"\nscope = "till"\n'
    value = order("a", NOON, "1001", affiliation="north")
    result = attribute(GOALS, [("till", value), ("events", value)], sources)
    assert [key for _, key in result.conversions] == ["till:1001", "north:1001"]
    assert result.conflicting_ids == {"events": 1}


def test_repeated_is_not_no_consent() -> None:
    values = order("a", NOON, "o", consent=denied()), order("b", NOON, "o", consent=denied())
    assert told(*values).outcomes == {("events", "no_consent", ""): 1, ("events", "repeated", ""): 1}


def test_a_negative_age_is_no_touch() -> None:
    assert row(touch("t", NOON + 1), ORDER, touch("s", NOON - HOUR))["touch_at"] == [NOON - HOUR]
