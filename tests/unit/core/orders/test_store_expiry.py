"""Orders of users, and how long they are known: whom touches bear on, and what is forgotten."""

import numpy as np

from streams.core.journal.segment import encode
from streams.core.orders.keys import keys_of
from streams.core.orders.order import Order
from streams.core.orders.store import OrderStore
from tests.support.driver import CATALOGUE, Driver
from tests.support.messages import DAY, HOUR, NOON, message, order, refund, touch
from tests.unit.core.orders.test_store import PLAIN, TOKENS, event_of, pending, take


def affected(some: OrderStore, user: str, *times: int) -> list[str]:
    users = np.full(len(times), TOKENS.hash(user), np.uint64)
    return sorted(order.order_id for order in some.affected(users, np.array(times, np.int64)))


def test_touches_bear_on_the_orders_of_their_user_that_are_not_before_them() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    for i, user in enumerate(("u", "u", "v")):
        take(some, order(f"c{i}", NOON + i * HOUR, f"o{i}", user=user))
    assert affected(some, "u", NOON) == ["o0", "o1"]
    assert affected(some, "u", NOON + 1) == ["o1"]
    assert affected(some, "u", NOON + DAY, NOON + 1) == ["o1"]
    assert affected(some, "v", 0) == ["o2"]
    assert affected(some, "w", 0) == []


def test_an_order_completed_twice_is_as_late_as_its_later_completion() -> None:
    for times in ((NOON, NOON + HOUR), (NOON + HOUR, NOON)):
        some = OrderStore(CATALOGUE, TOKENS)
        for event, time in zip(("Order Completed", "Visit Booked"), times, strict=True):
            take(some, message(event, f"c{time}", time, order_id="o"), CATALOGUE)
        assert affected(some, "u", NOON + 1) == ["o"]


def test_orders_without_a_token_are_nobodys() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    take(some, order("c", NOON, "o", user=None))
    assert some.affected(np.zeros(3, np.uint64), np.zeros(3, np.int64)) == []


def test_an_order_is_forgotten_when_it_had_no_message_for_long() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    take(some, order("c1", NOON, "o1"))
    take(some, order("c2", NOON, "o2"))
    take(some, refund("r", NOON + DAY, "o2", total=1))
    first, second = event_of(order("c1", NOON, "o1")), event_of(order("c2", NOON, "o2"))
    assert some.expire(NOON + 1) == []
    assert set(some.orders) == {"o2"}
    assert [some.seen(each, keys_of(each, PLAIN)[0])[0] for each in (first, second)] == [False, True]
    assert affected(some, "u", 0) == ["o2"]
    some.expire(NOON + DAY + 1)
    assert (some.orders, some.seen(second, keys_of(second, PLAIN)[0])[0], affected(some, "u", 0)) == ({}, False, [])


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
    assert max(sizes) < sizes[0] + 50
    driver.restart()
    again = driver.ledger.apply(driver.batch("checkout", [order(f"c-{i}", NOON + i, "undefined") for i in range(300)]))
    assert again.outcomes[0].counts == {"duplicate": 300}


def test_only_reversals_of_this_partition_are_given_up_here() -> None:
    some, event = OrderStore(CATALOGUE, TOKENS), event_of(refund("r1", NOON, "o"))
    some.put(Order("o", waiting=[pending(event), pending(event_of(refund("r2", NOON, "o")), home=3)]))
    (letter,) = some.unclaimed()
    assert letter[:5] == ("checkout", 2, 7, b"k", b"r1")
    assert (letter.reason, "'o'" in letter.error) == ("unknown_order", True)
