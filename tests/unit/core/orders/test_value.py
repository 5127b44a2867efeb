"""What an order is worth and what remains of it: sentence by sentence, and in any order."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.door.canonical import Amounts, Words
from streams.core.orders.order import Completion, Order, OrderAmount, Refund
from streams.core.orders.value import OPEN, PARTLY, REVERSED, ConversionValue, value_for

E = "order completed"
UNIT = 1_000_000
Step = Callable[[Order], object]


def money(revenue: float | None = None, total: float | None = None, value: float | None = None) -> Amounts:
    parts = [None if each is None else round(each * UNIT) for each in (revenue, total, value)]
    return Amounts(parts[0], parts[1], parts[2])


def completed(amounts: Amounts, time: int = 1, message_id: str = "c", currency: str = "NOK", event: str = E) -> Step:
    facts = Completion(time, message_id, 7, None, Words(), amounts, currency, "new")
    return lambda order: order.complete(event, facts)


def updated(amounts: Amounts, time: int = 2, message_id: str = "u", currency: str = "") -> Step:
    return lambda order: order.update(OrderAmount(time, message_id, amounts, currency))


def cancelled(time: int = 3, message_id: str = "x") -> Step:
    return lambda order: order.cancel((time, message_id))


def refunded(amounts: Amounts, message_id: str = "r", currency: str = "") -> Step:
    return lambda order: order.refund(message_id, Refund(amounts, currency))


def refunded_to(total: float, time: int = 3, message_id: str = "s", currency: str = "") -> Step:
    return lambda order: order.refund_to(OrderAmount(time, message_id, money(total=total), currency))


def given_back(time: int = 3, message_id: str = "g") -> Step:
    return lambda order: order.take_back((time, message_id))


def order_of(*steps: Step) -> Order:
    order = Order("o")
    for step in steps:
        step(order)
    return order


def worth(*steps: Step, fixed: int | None = None) -> tuple[float, float, str]:
    """Value and what remains of it, in units of the currency, and the status."""
    found = value_for(order_of(*steps), E, fixed)
    return found.value / UNIT, found.remaining / UNIT, found.status


ORDER = completed(money(revenue=100, total=125))
IN_SEK = updated(money(total=50), currency="SEK")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([ORDER], (100, 100, OPEN)),
        ([completed(money(total=125, value=90))], (125, 125, OPEN)),  # revenue, else total, else value
        ([completed(money(value=90))], (90, 90, OPEN)),
        ([completed(money())], (0, 0, OPEN)),
        # The earliest completion counts; a thank-you page seen again moves nothing.
        ([ORDER, completed(money(revenue=5), time=9, message_id="again")], (100, 100, OPEN)),
        # An update with a usable amount states the order, whatever its time; amounts of messages are never mixed.
        ([ORDER, updated(money(revenue=60), time=0)], (60, 60, OPEN)),
        ([ORDER, updated(money(total=50))], (50, 50, OPEN)),
        ([ORDER, updated(money(total=50), 5, "late"), updated(money(total=70), 4)], (50, 50, OPEN)),
        # A refund with tax of an order takes the share of the total.
        ([ORDER, refunded(money(total=62.5))], (100, 50, PARTLY)),
        ([ORDER, refunded(money(revenue=25, total=62.5))], (100, 50, PARTLY)),
        ([ORDER, refunded(money(revenue=25))], (100, 75, PARTLY)),
        ([ORDER, refunded(money(value=30))], (100, 70, PARTLY)),  # else the first amount over what it is worth
        ([completed(money(revenue=100)), refunded(money(total=62.5))], (100, 37.5, PARTLY)),
        ([completed(money(value=100)), refunded(money(revenue=25, total=30))], (100, 70, PARTLY)),
        ([ORDER, refunded(money(revenue=80)), refunded(money(total=100), "r2")], (100, 0, REVERSED)),
        ([completed(money(total=0, revenue=10)), refunded(money(total=5))], (10, 5, PARTLY)),  # the order's above 0
        ([completed(money()), refunded(money(total=5))], (0, 0, OPEN)),
        # The update states the order before refunds.
        ([ORDER, updated(money(revenue=50, total=60)), refunded(money(total=30))], (50, 25, PARTLY)),
        # The sum so far: the latest counts, and other refunds do not.
        ([ORDER, refunded_to(25), refunded_to(50, 4), refunded(money(total=125))], (100, 60, PARTLY)),
        ([ORDER, refunded_to(50, 4), refunded_to(25)], (100, 60, PARTLY)),
        # A refund in another currency takes nothing.
        ([ORDER, refunded(money(total=62.5), currency="SEK")], (100, 100, OPEN)),
        ([ORDER, refunded(money(total=62.5), currency="NOK")], (100, 50, PARTLY)),
        ([ORDER, IN_SEK, refunded(money(total=25), currency="SEK")], (50, 25, PARTLY)),
        ([ORDER, refunded_to(50), refunded_to(125, 9, currency="SEK")], (100, 60, PARTLY)),
        # All of it taken back, unless somebody pays after all.
        ([ORDER, cancelled()], (100, 0, REVERSED)),
        ([ORDER, cancelled(time=0)], (100, 0, REVERSED)),  # clocks that disagree undo no cancellation
        ([ORDER, cancelled(), updated(money(revenue=90), time=4)], (90, 90, OPEN)),
        ([ORDER, cancelled(), updated(money(revenue=0), time=4)], (0, 0, REVERSED)),
        ([ORDER, cancelled(), updated(money(revenue=0, total=5), time=4)], (0, 0, OPEN)),  # any amount above 0
        ([ORDER, cancelled(), updated(money(revenue=90), time=2)], (90, 0, REVERSED)),
        ([ORDER, cancelled(), completed(money(revenue=9), time=4, message_id="again")], (100, 100, OPEN)),
        ([ORDER, cancelled(), completed(money(revenue=9), 4, "again"), cancelled(5, "y")], (100, 0, REVERSED)),
        ([ORDER, cancelled(), completed(money(revenue=9), 4, "again", event="other")], (100, 0, REVERSED)),
        ([completed(money()), cancelled()], (0, 0, REVERSED)),
    ],
)
def test_what_an_order_is_worth(steps: list[Step], expected: tuple[float, float, str]) -> None:
    assert worth(*steps) == expected


def test_a_goal_with_a_value_of_its_own_keeps_the_share_that_remains() -> None:
    assert worth(ORDER, refunded(money(total=62.5)), fixed=28_300_001) == (28.300001, 14.15, PARTLY)
    assert value_for(order_of(completed(money())), E, 5) == ConversionValue(5, 5, OPEN, True, "NOK")


def test_an_order_without_a_usable_amount_says_so_and_an_update_brings_its_currency() -> None:
    assert value_for(order_of(completed(money())), E, None) == ConversionValue(0, 0, OPEN, False, "NOK")
    sek = order_of(ORDER, updated(money(total=1), currency="SEK"))
    assert value_for(sek, E, None) == ConversionValue(UNIT, UNIT, OPEN, True, "SEK")


def test_what_is_left_of_a_millionth_is_still_an_order() -> None:
    tiny = order_of(completed(Amounts(revenue=3)), refunded(Amounts(revenue=1)))
    assert value_for(tiny, E, 1) == ConversionValue(1, 0, PARTLY, True, "NOK")


amounts = st.builds(Amounts, *[st.none() | st.integers(0, 9)] * 3)
usable = amounts.filter(lambda each: any(part is not None for part in each[:3]))
currencies = st.sampled_from(["", "NOK", "SEK"])


@given(st.lists(st.integers(0, 10**6), max_size=12), st.data())
def test_the_order_of_messages_and_how_they_are_merged_change_nothing(seeds: list[int], data: st.DataObject) -> None:
    messages = distinct(data)
    whole = order_of(*messages)
    shuffled = list(messages)
    Random(sum(seeds)).shuffle(shuffled)
    cut = data.draw(st.integers(0, len(shuffled)))
    first, second = order_of(*shuffled[:cut]), order_of(*shuffled[cut:])
    twice = whole.merge(first), whole.merge(whole)
    for merged in (first.merge(second), second.merge(first), order_of(*shuffled), *twice):
        assert [comparable(merged)] == [comparable(whole)]


def distinct(data: st.DataObject) -> list[Step]:
    """Messages of one order, each id once."""
    kinds = data.draw(st.lists(st.integers(0, 4), max_size=10))
    found: list[Step] = []
    for number, kind in enumerate(kinds):
        time, name = data.draw(st.integers(0, 4)), f"m{number}"
        if kind == 0:
            found.append(completed(data.draw(amounts), time, name, data.draw(st.sampled_from(["NOK", "SEK"]))))
        elif kind == 1:
            found.append(updated(data.draw(usable), time, name, data.draw(currencies)))
        elif kind == 2:
            found.append(cancelled(time, name))
        elif kind == 3:
            found.append(refunded(data.draw(usable), name, data.draw(currencies)))
        else:
            found.append(refunded_to(data.draw(st.integers(0, 9)), time, name, data.draw(currencies)))
    return found


def comparable(order: Order) -> tuple[object, ...]:
    value = value_for(order, E, None) if E in order.completions else None
    summary = order.completions, order.last, order.stated, order.raised, order.cancelled, order.refunds, order.refunded
    return value, *summary, order.former


def test_a_refund_without_an_amount_takes_all_unless_the_sum_so_far_is_stated() -> None:
    assert worth(ORDER, given_back()) == (100, 0, REVERSED)
    assert worth(ORDER, given_back(), refunded_to(25)) == worth(ORDER, refunded_to(25)) != (100, 0, REVERSED)
    assert worth(ORDER, given_back(), refunded_to(25, currency="SEK")) == (100, 0, REVERSED)
    assert worth(ORDER, given_back(), refunded_to(25), cancelled()) == (100, 0, REVERSED)
