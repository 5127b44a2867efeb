"""Which touches are forgotten once nothing that may still come needs them, and what is known of them after that."""

import numpy as np
import pytest

from streams.core.catalogue.parse import parse
from streams.core.events.topics import ERASURES
from streams.core.identity.tokens import Tokens
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import request
from tests.support.driver import KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, consent_word, identify, order, refund, touch

LATENESS, WINDOW = 7 * DAY, 7 * DAY
RENAMED = """base_currency = "NOK"

[[goal]]
id = "orders"
event = "Order Completed"

[[campaign]]
id = "fall"
aliases = ["autumn"]
"""


def late(lateness: int | None = LATENESS) -> Driver:
    """A worker on which nothing but an order's messages may come later than that."""
    return Driver(lateness=lateness)


def wait(driver: Driver, days: int) -> None:
    """Days pass, one after the other, and each is reported."""
    for _ in range(days):
        driver.pass_days(1)
        driver.flush()


def kept(driver: Driver, *users: str) -> int:
    """How many touches of those users are kept."""
    hashes = np.unique(np.array([Tokens(KEY).hash(user) for user in users], np.uint64))
    return len(driver.ledger._index.of_users(hashes)[1])


def test_touches_are_kept_for_the_longest_window_and_the_lateness_after_it() -> None:
    driver = late()
    driver.engage(*(touch(f"t{n}", NOON, action="view", user=f"u{n}") for n in range(100)))
    wait(driver, 14)
    assert kept(driver, *(f"u{n}" for n in range(100))) == 100
    wait(driver, 1)
    assert kept(driver, *(f"u{n}" for n in range(100))) == 0


@pytest.mark.parametrize("lateness", [None, 45 * DAY])
def test_where_the_lateness_is_the_retention_touches_are_kept_as_long_as_orders(lateness: int | None) -> None:
    driver = late(lateness)
    driver.engage(touch("t", NOON, action="view"))
    wait(driver, 45 + 7)
    assert kept(driver, "u") == 1
    wait(driver, 1)
    assert kept(driver, "u") == 0


def test_what_can_be_in_no_journey_is_kept_for_the_lateness_alone() -> None:
    driver = late()
    driver.engage(touch("undone", NOON, action="unlike"), touch("seen", NOON, action="view", user="v"))
    wait(driver, 7)
    assert kept(driver, "u") == 1
    wait(driver, 1)
    assert (kept(driver, "u"), kept(driver, "v")) == (0, 1)


def test_a_copy_is_known_as_long_as_it_may_come() -> None:
    driver = late()
    seen = touch("undone", NOON, action="unlike")
    driver.engage(seen)
    wait(driver, 7)
    (outcomes,) = driver.engage(seen).outcomes
    assert outcomes.counts == {"duplicate": 1}
    wait(driver, 1)
    (outcomes,) = driver.engage(seen).outcomes
    assert [letter.reason for letter in outcomes.dead] == ["too_late"]


def test_an_order_has_its_touches_as_long_as_it_is_known_and_is_stated_anew_by_them() -> None:
    driver = late()
    driver.engage(touch("t", NOON - HOUR), touch("of nobody who bought", NOON, user="v"))
    driver.buy(order("c", NOON, "o"))
    driver.flush()
    wait(driver, 40)
    assert (kept(driver, "u"), kept(driver, "v")) == (1, 0)
    driver.ledger.use(LedgerSettings(parse(RENAMED), KEY, 45 * DAY, lateness=LATENESS))
    driver.buy(refund("r", driver.now, "o", total=10))
    driver.flush()
    assert driver.conversions() == {("fall", ""): 1}


def test_touches_of_a_browser_are_kept_for_the_order_of_whose_it_is() -> None:
    driver = late()
    driver.engage(touch("t", NOON - HOUR, user=None, anonymous="x"))
    driver.identify(identify("i", NOON, "x", "u"))
    driver.buy(order("c", NOON, "o"))
    for day in range(30):
        driver.identify(identify(f"i{day}", driver.now, "y", "w"))
        wait(driver, 1)
    assert kept(driver, "x") == 1
    driver.buy(refund("r", driver.now, "o", total=10))
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}


def test_who_had_a_touch_that_is_forgotten_bought_outside_its_window() -> None:
    driver = late()
    driver.engage(touch("t", NOON))
    wait(driver, 30)
    assert kept(driver, "u") == 0
    driver.buy(order("c", driver.now, "o"), order("d", driver.now, "p", user="who never came"))
    driver.flush()
    assert driver.conversions() == {("", "out_of_window"): 1, ("", "no_touch"): 1}


def test_a_forgotten_touch_that_was_denied_was_none() -> None:
    driver = late()
    driver.buy(consent_word("w", NOON - HOUR, allowed=False))
    driver.engage(touch("t", NOON))
    driver.buy(consent_word("x", NOON + HOUR, allowed=True))
    wait(driver, 30)
    assert kept(driver, "u") == 0
    driver.buy(order("c", driver.now, "o"))
    driver.flush()
    assert driver.conversions() == {("", "no_touch"): 1}


def test_a_forgotten_touch_is_known_no_longer_than_the_retention() -> None:
    driver = late()
    driver.engage(touch("t", NOON))
    wait(driver, 53)
    driver.buy(order("c", driver.now, "o"))
    driver.flush()
    assert driver.conversions() == {("", "no_touch"): 1}


def test_nothing_is_known_of_the_forgotten_touches_of_who_is_erased() -> None:
    driver = late()
    driver.engage(touch("t", NOON))
    wait(driver, 30)
    token = Tokens(KEY).hash("u")
    assert token in driver.ledger._index.forgotten.user
    driver.take(ERASURES, request(token))
    assert token not in driver.ledger._index.forgotten.user


def test_touches_wait_for_links_that_are_read_later_than_they() -> None:
    driver = late()
    driver.engage(touch("t", NOON, user=None, anonymous="x"))
    driver.buy(order("c", NOON, "o"))
    driver.identify(identify("i", NOON, "y", "w"))
    wait(driver, 30)
    assert kept(driver, "x") == 1
    driver.identify(identify("j", NOON, "x", "u"))
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}


def test_a_journey_does_not_begin_anew_after_a_touch_that_is_forgotten() -> None:
    """The day after it is counted again when a late touch comes; what it was reached from is forgotten by then."""
    few, all_ = late(), late(None)
    for driver in (few, all_):
        driver.engage(touch("t", NOON, "spring"))
        wait(driver, 6)
        driver.engage(touch("next", driver.now, "autumn"))
        wait(driver, 9)
        driver.engage(touch("late", driver.now - 2 * DAY, "summer"))
        driver.flush()
        driver.now += HOUR
        driver.flush()
    assert (kept(few, "u"), kept(all_, "u")) == (2, 3)
    assert few.database.path_transitions() == all_.database.path_transitions()
