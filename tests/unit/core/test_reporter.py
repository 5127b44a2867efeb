"""What is stated of conversions, when, and for how long it is remembered."""

from streams.core.catalogue import parse
from tests.driver import Driver
from tests.messages import DAY, HOUR, NOON, order, refund, touch

CATALOGUE = parse('base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n')


def passed(driver: Driver, days: int) -> None:
    """Days later, with traffic on both topics."""
    driver.now += days * DAY
    driver.engage(touch(f"t{driver.now}", driver.now, user="passer-by"))
    driver.buy(refund(f"r{driver.now}", driver.now, f"unknown-{driver.now}"))


def flush(driver: Driver) -> None:
    driver.report()
    driver.write()
    driver.ledger.expire()
    driver.tidy()


def test_an_order_that_lives_on_by_its_refunds_is_not_counted_again_after_a_restart() -> None:
    driver = Driver(CATALOGUE, NOON)
    driver.engage(touch("t", NOON - HOUR))
    driver.buy(order("c", NOON, "o", 100))
    flush(driver)
    for day in range(3):  # each inside the retention of the one before
        passed(driver, 40)
        driver.buy(refund(f"r{day}", driver.now, "o", total=10))
        flush(driver)
    driver.restart()
    flush(driver)
    passed(driver, 1)
    flush(driver)
    assert driver.conversions() == {("autumn", ""): 1}
    ((_, row),) = driver.database.conversions().items()
    assert (row["value"], row["reversed_value"]) == (70_000_000, 30_000_000)
    assert row["touch_campaign"] == ["autumn"]


def test_a_user_who_had_touches_before_the_window_had_them_still_when_they_are_forgotten() -> None:
    driver = Driver(CATALOGUE, NOON)
    driver.engage(touch("t", NOON - 20 * DAY))
    driver.buy(order("c", NOON, "o", 100))
    flush(driver)
    passed(driver, 40)
    flush(driver)
    driver.buy(refund("r", driver.now, "o", total=10))
    flush(driver)
    assert driver.conversions() == {("", "out_of_window"): 1}


def test_a_later_completion_of_another_user_is_told_from_what_the_first_user_did() -> None:
    driver = Driver(CATALOGUE, NOON)
    driver.engage(touch("t", NOON - 20 * DAY))
    driver.buy(order("c1", NOON, "o"))
    flush(driver)
    driver.buy(order("c2", NOON + 1, "o", user="v"))
    flush(driver)
    assert driver.conversions() == {("", "no_touch"): 1}
