"""What is stated of conversions, when, and for how long it is remembered."""

import pytest

from streams.core.catalogue.parse import parse
from tests.support.driver import Driver
from tests.support.messages import DAY, HOUR, NOON, order, refund, touch


def test_an_order_that_lives_on_by_its_refunds_is_not_counted_again_after_a_restart() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON - HOUR))
    driver.buy(order("c", NOON, "o", 100))
    driver.flush()
    for day in range(3):  # each inside the retention of the one before
        driver.pass_days(40)
        driver.buy(refund(f"r{day}", driver.now, "o", total=10))
        driver.flush()
    driver.restart()
    driver.flush()
    driver.pass_days(1)
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}
    row = driver.database.conversions()["orders", "o"]
    assert (row["value"], row["reversed_value"]) == (70_000_000, 30_000_000)
    assert row["touch_campaign"] == ["autumn"]


def test_a_user_who_had_touches_before_the_window_had_them_still_when_they_are_forgotten() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON - 20 * DAY))
    driver.buy(order("c", NOON, "o", 100))
    driver.flush()
    driver.pass_days(40)
    driver.flush()
    driver.buy(refund("r", driver.now, "o", total=10))
    driver.flush()
    assert driver.conversions() == {("", "out_of_window"): 1}


def test_an_earlier_completion_of_another_user_is_told_from_what_the_first_user_did() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON - 20 * DAY))
    driver.buy(order("c1", NOON, "o"))
    driver.flush()
    driver.buy(order("c2", NOON - 1, "o", user="v"))
    driver.flush()
    assert driver.conversions() == {("", "no_touch"): 1}


@pytest.mark.parametrize(
    ("source", "campaigns"),
    [
        ({"source": "tiktok"}, ["paid"]),  # a touch of another network is of that campaign already
        ({"source": "facebook"}, ["paid"]),
        ({"source": "linkedin"}, ["paid", "(linkedin)"]),
        ({"source": "mastodon"}, ["paid"]),  # the shop's own
    ],
)
def test_the_source_of_a_checkout_adds_a_touch_of_a_campaign_that_has_none(
    source: dict[str, str], campaigns: list[str]
) -> None:
    text = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n'
    text += '[[campaign]]\nid = "paid"\naliases = ["(tiktok)"]\n'
    text += '[[campaign]]\nid = "own"\naliases = ["(mastodon)"]\ninternal = true\n'
    driver = Driver(parse(text))
    driver.engage(touch("t", NOON - HOUR, "paid"))
    driver.buy(order("c", NOON, "o", campaign=source))
    driver.flush()
    assert driver.database.conversions()["orders", "o"]["touch_campaign"] == campaigns
