"""The order book: orders by id and by buyer, what a goal counts, and for how long it is known."""

from typing import Any

import numpy as np
import pytest

from streams.core.catalogue import parse
from streams.core.events import checkout
from streams.core.order_book import OrderBook, unclaimed
from streams.core.orders import Order, Reversal
from streams.core.restatements import Cause
from streams.core.segment import encode
from streams.core.tokens import Tokens
from tests.driver import CATALOGUE, Driver
from tests.messages import DAY, HOUR, NOON, denied, message, order, refund, touch

TOKENS = Tokens(b"sixteen letters!")


def book(where: str = "") -> OrderBook:
    text = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "Order Completed"\n'
    return OrderBook(parse(text + (f"where = {{ {where} }}\n" if where else "")), TOKENS)


def take(into: OrderBook, raw: bytes) -> tuple[Order, list[str]]:
    event = checkout(raw, {"Order Completed"}, "NOK")
    assert event is not None
    order, found, _ = into.take(event, Reversal(event.envelope.message_id, None, raw, 7))
    return order, [reversal.message_id for reversal in found]


def cause(into: OrderBook, raw: bytes) -> Cause:
    event = checkout(raw, {"Order Completed"}, "NOK")
    assert event is not None
    return into.take(event, Reversal(event.envelope.message_id, None, raw, 7)).cause


def test_what_is_restated_is_taken_back_or_completed_anew() -> None:
    some = book()
    assert cause(some, order("c1", NOON, "o")) is Cause.CATALOGUE
    assert cause(some, order("c2", NOON + 1, "o")) is Cause.CORRECTION
    assert cause(some, order("c0", NOON, "o")) is Cause.CATALOGUE  # the later one counts still
    assert cause(some, refund("r", NOON, "o", total=1)) is Cause.REVERSAL


@pytest.mark.parametrize(
    ("where", "given", "counts"),
    [
        ("new_customer = true", {"new_customer": True}, True),
        ("new_customer = true", {"new_customer": False}, False),
        ("new_customer = true", {}, False),
        ("size = 1", {"size": 1}, True),
        ("size = 1", {"size": 1.0}, True),
        ("size = 1", {"size": True}, False),
        ("size = 1", {"size": "1"}, False),
        ("size = 1", {"size": None}, False),
        ("size = 1", {"size": [1]}, False),
        ("size = 1", {"size": 10**400}, False),
        ("size = 0.1", {"size": 0.1}, True),
        ('size = "L"', {"size": "L"}, True),
        ('size = "L"', {"size": "l"}, False),
        ("order_id = 'o', size = 1", {"size": 1}, True),
        ("order_id = 'x', size = 1", {"size": 1}, False),
    ],
)
def test_a_goal_counts_where_all_properties_are_equal_as_json(where: str, given: dict[str, Any], counts: bool) -> None:
    made, _ = take(book(where), order("c", NOON, "o", **given))
    assert made.completions["Order Completed"].goals == (("g",) if counts else ())


def test_a_property_nested_too_deep_to_read_is_not_equal_to_anything() -> None:
    raw = order("c", NOON, "o", size="@").replace(b'"@"', b"[" * 500 + b"]" * 500)
    made, _ = take(book("size = 1"), raw)
    assert made.completions["Order Completed"].goals == ()


def test_a_completion_keeps_what_goals_are_counted_by() -> None:
    raw = order("c", NOON, "o", "19.90", currency="eur", new_customer=False, campaign={"id": "X", "source": "Mail"})
    made = take(book(), raw)[0].completions["Order Completed"]
    assert (made.time, made.message_id, made.user) == (NOON, "c", TOKENS.hash("u"))
    assert (made.amount, made.currency, made.customer) == (19_900_000, "EUR", "returning")
    assert (made.campaign, made.network, made.denied) == ("x", "mail", False)


def test_without_consent_neither_user_nor_campaign_is_kept() -> None:
    raw = order("c", NOON, "o", consent=denied(), campaign={"id": "X", "source": "Mail"})
    made = take(book(), raw)[0].completions["Order Completed"]
    assert (made.user, made.campaign, made.denied) == (0, "", True)


def test_a_reversal_finds_its_order_or_waits() -> None:
    some = book()
    assert take(some, refund("r1", NOON, "o"))[1] == []
    assert take(some, order("c", NOON, "o"))[1] == ["r1"]
    assert take(some, refund("r2", NOON, "o"))[1] == ["r2"]


def test_a_cancellation_takes_all_back_whatever_amount_it_names() -> None:
    made, _ = take(book(), message("Order Cancelled", "x", NOON, order_id="o", total=1))
    assert made.taken == {"x": None}
    made, _ = take(book(), refund("r", NOON, "o", total=1))
    assert made.taken == {"r": 1_000_000}


def affected(some: OrderBook, user: str, *times: int) -> list[str]:
    users = np.full(len(times), TOKENS.hash(user), np.uint64)
    return sorted(order.order_id for order in some.affected(users, np.array(times, np.int64)))


def test_touches_bear_on_the_orders_of_their_user_that_are_not_before_them() -> None:
    some = book()
    for i, user in enumerate(("u", "u", "v")):
        take(some, order(f"c{i}", NOON + i * HOUR, f"o{i}", user=user))
    assert affected(some, "u", NOON) == ["o0", "o1"]
    assert affected(some, "u", NOON + 1) == ["o1"]
    assert affected(some, "u", NOON + DAY, NOON + 1) == ["o1"]
    assert affected(some, "v", 0) == ["o2"]
    assert affected(some, "w", 0) == []


def test_an_order_completed_twice_is_as_late_as_its_later_completion() -> None:
    for times in ((NOON, NOON + HOUR), (NOON + HOUR, NOON)):
        some = OrderBook(CATALOGUE, TOKENS)
        for event, time in zip(("Order Completed", "Visit Booked"), times, strict=True):
            raw = message(event, f"c{time}", time, order_id="o")
            found = checkout(raw, CATALOGUE.events, "NOK")
            assert found is not None
            some.take(found, Reversal("", None, b"", 0))
        assert affected(some, "u", NOON + 1) == ["o"]


def test_orders_without_a_token_are_nobodys() -> None:
    some = book()
    take(some, order("c", NOON, "o", user=None))
    assert some.affected(np.zeros(3, np.uint64), np.zeros(3, np.int64)) == []


def test_an_order_is_forgotten_when_it_had_no_message_for_long() -> None:
    some = book()
    take(some, order("c1", NOON, "o1"))
    take(some, order("c2", NOON, "o2"))
    take(some, refund("r", NOON + DAY, "o2", total=1))
    assert [order.order_id for order in some.expire(NOON + 1)] == ["o1"]
    assert (set(some.orders), set(some.seen)) == ({"o2"}, {"c2", "r"})
    assert affected(some, "u", 0) == ["o2"]
    some.expire(NOON + DAY + 1)
    assert (some.orders, len(some.seen), affected(some, "u", 0)) == ({}, 0, [])


def test_an_earlier_buyer_of_a_forgotten_order_may_come_again() -> None:
    driver = Driver()
    driver.buy(order("c1", NOON, "o", user="u"), order("c2", NOON + 1, "o", user="v"))
    driver.engage(touch("t", NOON, user="u"))
    driver.flush()
    driver.pass_days(50)
    driver.flush()
    again = driver.engage(touch("t2", driver.now, user="u"))
    assert again.outcomes[0].counts == {"accepted": 1}


def test_an_order_of_very_many_messages_does_not_make_every_segment_large() -> None:
    """A shop that gives all its orders one id must not stop the pipeline."""
    driver = Driver()
    sizes = [len(encode(driver.buy(order(f"c-{i}", NOON + i, "undefined")).segment)) for i in range(300)]
    assert max(sizes) < 300
    driver.restart()
    again = driver.ledger.apply(driver.batch("checkout", [order(f"c-{i}", NOON + i, "undefined") for i in range(300)]))
    assert again.outcomes[0].counts == {"duplicate": 300}


def test_only_reversals_of_this_partition_are_given_up_here() -> None:
    waiting = [Reversal("r1", b"k", b"{}", 5, partition=2), Reversal("r2", b"k", b"{}", 6, home=3)]
    (letter,) = unclaimed([Order("o", waiting=waiting)], "checkout")
    assert letter[:5] == ("checkout", 2, 5, b"k", b"{}")
    assert (letter.reason, "'o'" in letter.error) == ("unknown_order", True)
