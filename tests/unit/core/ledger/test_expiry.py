"""What the ledger forgets, when, and what it must not lose by it: not even when it crashes in between."""

import pytest

from streams.core.journal.segment import decode, encode, merged
from tests.support.driver import Driver
from tests.support.messages import DAY, HOUR, NOON, identify, order, refund, touch

RETENTION = 45 * DAY
WINDOW = 7 * DAY


def test_touches_and_orders_are_forgotten_when_no_event_could_need_them() -> None:
    driver = Driver()
    driver.engage(touch("t1", NOON - WINDOW), touch("t2", NOON))
    driver.buy(order("c", NOON, "o"))
    driver.flush()
    driver.pass_days(45)
    driver.flush()
    assert driver.ledger.size[0] == 3  # a late order at NOON could still see t1
    driver.pass_days(1)
    driver.flush()
    assert driver.ledger.size[0] == 3  # t1 is gone


def test_a_reversal_of_a_forgotten_order_finds_no_order() -> None:
    driver = Driver()
    driver.buy(order("c", NOON, "o"))
    driver.engage(touch("t", NOON))
    driver.flush()
    driver.pass_days(46)
    driver.flush()
    driver.buy(refund("r", driver.now, "o"))
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}
    driver.pass_days(46)
    (letter,) = driver.flush()
    assert (letter.reason, letter.topic, letter.offset) == ("unknown_order", "checkout", 2)


def test_a_reversal_waits_for_its_order_as_long_as_the_retention() -> None:
    driver = Driver()
    driver.buy(refund("r", NOON, "o"))
    driver.pass_days(45)
    assert driver.flush() == []
    driver.buy(order("c", driver.now, "o"))
    driver.flush()
    assert driver.conversions() == {}
    driver.pass_days(46)
    assert driver.flush() == []


def test_a_refund_long_after_the_purchase_keeps_its_journey_although_the_touches_are_gone() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON - HOUR))
    driver.buy(order("c", NOON, "o", 100))
    driver.flush()
    for day in (40, 40):
        driver.pass_days(day)
        driver.flush()
        driver.buy(refund(f"r-{driver.now}", driver.now, "o", total=10))
        driver.flush()
    assert driver.ledger.size[0] == 2  # those of others
    assert driver.conversions() == {("autumn", ""): 1}


def test_an_earlier_touch_that_a_link_takes_away_is_not_taken_for_a_forgotten_one() -> None:
    driver = Driver()
    driver.pass_days(0)
    driver.pass_days(90)
    driver.flush()
    driver.engage(touch("t", driver.now - 20 * DAY, user=None, anonymous="x"))
    driver.identify(identify("i", driver.now, "x", "u"))
    driver.buy(order("c", driver.now, "o"))
    driver.flush()
    assert driver.conversions() == {("", "out_of_window"): 1}
    driver.identify(identify("j", driver.now, "x", "v"))
    driver.flush()
    assert driver.conversions() == {("", "no_touch"): 1}


def test_a_conversion_that_was_not_stated_yet_is_never_forgotten() -> None:
    """A worker that catches up on months reads more of them between two reports than the retention is long."""
    driver = Driver()
    driver.now = NOON + 90 * DAY
    driver.engage(touch("t1", NOON - HOUR), touch("t2", NOON + 90 * DAY, user="v"))
    driver.buy(order("c1", NOON, "o1"), order("c2", NOON + 90 * DAY, "o2", user="v"))
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 2}
    driver.flush()
    assert driver.ledger.size[0] == 1


def test_a_conversion_that_waits_for_its_turn_is_not_forgotten_either() -> None:
    driver = Driver()
    driver.now = NOON + 90 * DAY
    driver.engage(*(touch(f"t{i}", NOON + i * DAY - HOUR) for i in range(90)))
    driver.buy(*(order(f"c{i}", NOON + i * DAY, f"o{i}") for i in range(90)))
    for step in range(60):
        driver.ledger.expire()
        driver.report(most=4)
        driver.write()
        driver.compact()
        if step in (7, 9):
            driver.restart()
    assert driver.conversions() == {("autumn", ""): 90}


def test_a_conversion_that_is_forgotten_before_it_is_written_is_written() -> None:
    driver = Driver()
    driver.now = NOON + 90 * DAY
    driver.engage(touch("t1", NOON), touch("t2", NOON + 90 * DAY))
    driver.buy(order("c1", NOON, "o1"), order("c2", NOON + 90 * DAY, "o2"))
    driver.report()
    driver.ledger.expire()
    driver.write()
    assert set(driver.database.conversions()) == {("orders", "o1"), ("orders", "o2")}


def test_a_reversal_is_given_up_after_a_crash_as_it_would_have_been_without() -> None:
    driver = Driver()
    driver.buy(refund("r", NOON, "o"))
    driver.pass_days(46)
    driver.restart()
    assert [letter.reason for letter in driver.flush()] == ["unknown_order"]


def test_a_reversal_is_not_given_up_again_by_the_next_owner() -> None:
    driver = Driver()
    driver.buy(refund("r", NOON, "o"))
    driver.pass_days(46)
    driver.flush()
    driver.pass_days(0.5)  # a batch says what was forgotten
    driver.restart()
    assert driver.flush() == []


def test_no_segment_goes_before_another_says_what_was_forgotten() -> None:
    """Or the next owner would restate conversions without the touches that it cannot know of."""
    driver = Driver()
    driver.engage(touch("t", NOON - DAY))
    driver.buy(order("c1", NOON, "o"))
    driver.flush()
    driver.pass_days(40)
    driver.buy(refund("r", driver.now, "o", total=10))
    driver.flush()
    driver.pass_days(40)
    driver.ledger.expire()
    driver.compact()
    driver.restart()
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}


def test_what_was_stated_of_a_forgotten_order_does_not_come_back_with_a_merged_segment() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON))
    driver.buy(order("c", NOON, "o"))
    driver.flush()
    driver.pass_days(20)
    driver.flush()
    driver.pass_days(20)
    _, _, stated, engaged, *_ = driver.journal  # of two hours that are closed and written
    driver.journal[engaged] = encode(merged([decode(driver.journal.pop(key)) for key in (stated, engaged)]))
    driver.journal = dict(sorted(driver.journal.items()))
    for _ in range(3):
        driver.pass_days(7)
        driver.flush()
    driver.restart()
    assert "o" not in {each.order_id for value in driver.journal.values() for each in decode(value).orders}
    driver.buy(refund("r", driver.now, "o"))
    driver.flush()
    assert driver.conversions() == {("autumn", ""): 1}


@pytest.mark.parametrize("topic", ["engagement", "checkout"])
def test_while_one_topic_is_silent_nothing_is_forgotten(topic: str) -> None:
    driver = Driver()
    driver.engage(touch("t", NOON))
    if topic == "checkout":
        driver.buy(order("c", NOON, "o"))
    driver.now += 90 * DAY
    if topic == "engagement":
        driver.buy(order("c", driver.now, "o"))
    else:
        driver.engage(touch("t2", driver.now))
    driver.flush()
    assert driver.ledger.size[0] >= 1
    assert driver.ledger.needed_since < NOON


def test_the_journal_stays_as_long_as_the_retention_and_no_longer() -> None:
    driver = Driver()
    for _ in range(30):
        driver.pass_days(5)
        driver.flush()
    days = {decode(value).latest // DAY for value in driver.journal.values()}
    assert min(days) * DAY >= driver.now - RETENTION - WINDOW - 6 * DAY
