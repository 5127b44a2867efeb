"""The ledger by small examples: what a conversion sees, what is reported of it and when, and what a restart keeps."""

import pytest

from streams.core.catalogue.parse import parse
from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, consent_word, denied, identify, order, refund, touch

ALL = 1_000_000  # one conversion


def journey(driver: Driver, order_id: str = "o") -> list[tuple[int, str, str]]:
    """(time before noon, campaign, action) of each touch of an order."""
    row = driver.database.conversions()["orders", order_id]
    columns = (row["touch_at"], row["touch_campaign"], row["touch_action"])
    return [(NOON - at, campaign, action) for at, campaign, action in zip(*columns, strict=True)]


def reported(*engagement: bytes, bought: bytes) -> Driver:
    driver = Driver(now=NOON + HOUR)
    driver.engage(*engagement)
    driver.buy(bought)
    driver.flush()
    return driver


def test_a_purchase_is_credited_to_what_led_to_it() -> None:
    driver = reported(
        touch("t1", NOON - 2 * HOUR), touch("t2", NOON - HOUR, "paper", "scan"), bought=order("c", NOON, "o")
    )
    assert journey(driver) == [(2 * HOUR, "autumn", "click"), (HOUR, "paper", "scan")]
    assert driver.conversions() == {("paper", ""): 1}


@pytest.mark.parametrize(("action", "window"), [("click", 7 * DAY), ("share", DAY), ("impression", DAY)])
def test_both_ends_of_each_window_are_inside_to_the_millisecond(action: str, window: int) -> None:
    times = (-window - 1, -window, 0, 1)
    driver = reported(*(touch(f"t{t}", NOON + t, action=action) for t in times), bought=order("c", NOON, "o"))
    assert journey(driver) == [(window, "autumn", action), (0, "autumn", action)]


@pytest.mark.parametrize("count", [1000, 1001])
def test_of_a_bots_touches_the_latest_thousand_count(count: int) -> None:
    driver = reported(*(touch(f"t{i}", NOON - i) for i in range(count)), bought=order("c", NOON, "o"))
    assert [at for at, *_ in journey(driver)] == list(range(999, -1, -1))


def test_the_touch_that_the_checkout_adds_is_one_more_than_a_thousand_and_last() -> None:
    some = (touch(f"t{i}", NOON - i) for i in range(1001))
    driver = reported(*some, bought=order("c", NOON, "o", campaign={"id": "paper", "source": "Shop"}))
    seen = journey(driver)
    assert (len(seen), seen[-1], seen[0][0]) == (1001, (0, "paper", "token"), 999)
    assert driver.conversions() == {("paper", ""): 1}


def test_a_checkout_adds_no_touch_where_its_campaign_is_among_the_touches() -> None:
    bought = order("c", NOON, "o", campaign={"id": "AUTUMN"})
    assert journey(reported(touch("t", NOON - 1), bought=bought)) == [(1, "autumn", "click")]
    assert journey(reported(touch("t", NOON + 1), bought=bought)) == [(0, "autumn", "token")]


def test_touches_at_one_time_are_ordered_by_message_id() -> None:
    some = [touch(text, NOON, text) for text in ("b", "a" * 40, "45c0ff53-dfe1-4fe2-998c-74b6eee21a19", "a")]
    campaigns = [campaign for _, campaign, _ in journey(reported(*some, bought=order("c", NOON, "o")))]
    assert campaigns == ["45c0ff53-dfe1-4fe2-998c-74b6eee21a19", "a", "a" * 40, "b"]


@pytest.mark.parametrize(
    ("engagement", "bought", "reason"),
    [
        ([touch("t", NOON)], order("c", NOON, "o", consent=denied()), "no_consent"),
        ([touch("t", NOON, user=None)], order("c", NOON, "o", user=None), "no_token"),
        ([touch("t", NOON, user=None)], order("c", NOON, "o", user=""), "no_token"),
        ([touch("t", NOON - 8 * DAY)], order("c", NOON, "o"), "out_of_window"),
        ([touch("t", NOON + 1)], order("c", NOON, "o"), "no_touch"),
        ([touch("t", NOON, user="v")], order("c", NOON, "o"), "no_touch"),
        ([touch("t", NOON, consent=denied())], order("c", NOON, "o"), "no_touch"),
        ([touch("t", NOON, action="unlike")], order("c", NOON, "o"), "no_touch"),
        ([touch("t", NOON, "", network="shop")], order("c", NOON, "o"), "no_touch"),
        ([], order("c", NOON, "o"), "no_touch"),
    ],
)
def test_a_conversion_without_touches_says_why(engagement: list[bytes], bought: bytes, reason: str) -> None:
    assert reported(*engagement, bought=bought).conversions() == {("", reason): 1}


def test_a_link_brings_what_the_token_said_of_consent_to_an_order_that_was_reported() -> None:
    driver = Driver()
    driver.take("identity", consent_word("word", NOON - HOUR, allowed=False, user="x"))
    driver.engage(touch("t", NOON - 2 * HOUR, user="u"))
    driver.buy(order("c", NOON, "o", user="u"))
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}
    driver.identify(identify("i", NOON, "x", "u"))
    driver.flush()
    assert driver.conversions() == {("", "no_consent"): 1}


@pytest.mark.parametrize("together", [False, True])
def test_what_an_ambiguous_token_says_of_consent_holds_for_whose_canonical_token_it_is(together: bool) -> None:
    driver = Driver()
    pairs = (("u", "x"), ("x", "v"), ("x", "w"))
    driver.identify(*(identify(f"{i}", NOON - HOUR, *pair) for i, pair in enumerate(pairs)))
    driver.take("identity", consent_word("word", NOON - HOUR, allowed=False, user="x"))
    driver.buy(order("c", NOON, "o"), *([order("d", NOON, "p", user="x")] if together else []))
    driver.flush()
    assert {row["reason"] for row in driver.database.conversions().values()} == {"no_consent"}


def test_a_checkout_without_token_may_still_have_its_own_campaign() -> None:
    bought = order("c", NOON, "o", user=None, campaign={"id": "paper"})
    assert journey(reported(bought=bought)) == [(0, "paper", "token")]


def test_everything_taken_back_leaves_zeros() -> None:
    driver = reported(touch("t", NOON), bought=order("c", NOON, "o", 100))
    driver.buy(refund("r", NOON, "o"))
    driver.flush()
    assert driver.conversions() == {}
    sums = [amounts for key, amounts in driver.database.goal_attribution().items() if key[2] == "linear"]
    assert sums == [[0, 0, ALL, 100 * ALL]]


@pytest.mark.parametrize("restarted", [True, False])
def test_an_order_completed_again_by_another_token_of_the_buyer_sees_late_touches(restarted: bool) -> None:
    driver = Driver(now=NOON + 9 * HOUR)
    driver.identify(identify("i", NOON, "phone", "u"))
    driver.buy(order("c", NOON + 3 * HOUR, "o", user=None, anonymous="phone"), order("d", NOON + 2 * HOUR, "o"))
    driver.flush()
    if restarted:
        driver.restart()
        driver.flush()
    driver.engage(touch("late", NOON + HOUR))
    driver.flush()
    assert journey(driver) == [(-HOUR, "autumn", "click")]


def test_late_touches_and_reversals_restate_what_was_reported() -> None:
    driver = reported(touch("t1", NOON - 2), bought=order("c", NOON, "o", 100))
    driver.engage(touch("t2", NOON - 1, "paper"))
    driver.flush()
    assert driver.conversions() == {("paper", ""): 1}
    driver.buy(refund("r", NOON + HOUR, "o", total=40))
    driver.flush()
    row = driver.database.conversions()["orders", "o"]
    assert (row["value"], row["reversed_value"], row["status"]) == (60 * ALL, 40 * ALL, "partly_reversed")


def test_what_changes_nothing_is_not_stated_again() -> None:
    driver = reported(touch("t1", NOON - 2), bought=order("c", NOON, "o"))
    driver.engage(touch("t2", NOON - 1, "", network="shop"))
    assert driver.ledger.pending == 1
    assert driver.ledger.report(driver.now).pairs == []
    assert driver.ledger.pending == 0


def test_a_statement_comes_with_the_one_it_takes_the_place_of() -> None:
    driver = reported(touch("t", NOON), bought=order("c", NOON, "o", 100))
    driver.buy(refund("r", NOON, "o"))
    ((after, before),) = driver.ledger.report(driver.now).pairs
    assert before is not None
    assert (before.remaining, after.remaining, before.first == after.first) == (100 * ALL, 0, True)


def test_a_completion_that_counts_no_more_is_withdrawn_and_may_count_again() -> None:
    catalogue = parse(
        'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\nwhere = { new_customer = true }\n'
    )
    driver = Driver(catalogue)
    for time, new, wanted in ((0, True, {("", "no_touch"): 1}), (-1, False, {}), (-2, True, {("", "no_touch"): 1})):
        driver.buy(order(f"c{time}", NOON + time, "o", new_customer=new))
        driver.flush()
        assert driver.conversions() == wanted


def test_the_purchase_is_reported_in_the_hour_in_which_it_was_reported() -> None:
    driver = Driver(now=NOON + 5 * HOUR)
    driver.engage(touch("t", NOON))
    driver.buy(order("c", NOON, "o", 100))
    driver.flush()
    driver.now += 3 * HOUR
    driver.buy(refund("r", NOON, "o", total=40))
    driver.flush()
    found = [row for row in driver.database.tables["goal_attribution"].values() if row["model"] == "last"]
    assert [(row["reported_at"] * 1000 - NOON, row["value"]) for row in found] == [
        (5 * HOUR, 100 * ALL),
        (8 * HOUR, -40 * ALL),
    ]
    conversion = driver.database.tables["conversions"]["orders", "o"]
    assert [conversion[name] * 1000 - NOON for name in ("first_reported_at", "updated_at")] == [5 * HOUR, 8 * HOUR]


def test_reversals_whose_order_never_came_are_left_at_the_end_of_a_replay() -> None:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True))
    values = [refund("r1", NOON, "?"), refund("r2", NOON, "o"), order("c", NOON, "o")]
    ledger.apply(Batch(CHECKOUT, values, [b"k", None, None], range(3)))
    (letter,) = ledger.unclaimed()
    assert (letter.offset, letter.key, letter.value, letter.reason) == (0, b"k", values[0], "unknown_order")


def test_the_settled_are_stated_first_and_no_more_than_asked_for() -> None:
    driver = Driver(now=NOON + DAY)
    driver.engage(touch("t", NOON + 3))
    driver.buy(*(order(f"c{i}", NOON + (7 - i), f"o{i}") for i in range(7)))
    stated = [[after.order_id for after, _ in driver.ledger.report(driver.now, 3).pairs] for _ in range(3)]
    assert stated == [["o4", "o5", "o6"], ["o0", "o1", "o2"], ["o3"]]


def test_its_size_is_that_of_the_retained_events() -> None:
    driver = Driver()
    events, taken, *_ = driver.ledger.size
    assert events == 0
    assert taken < 5000
    driver.engage(touch("a", NOON), touch("b", NOON), touch("b", NOON))
    count, taken, *_ = driver.ledger.size
    assert count == 2
    assert 0 < taken < 10_000
    assert driver.ledger.newest == {ENGAGEMENT: NOON}
