"""Touches that are forgotten as soon as lateness allows it: no figure changes, whatever the order of arrival."""

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.catalogue.parse import parse
from streams.core.events.topics import CHECKOUT, ENGAGEMENT, IDENTITY
from tests.conftest import tried
from tests.property.test_ledger import slow
from tests.support.driver import Driver
from tests.support.judged import check, expected
from tests.support.messages import (
    DAY,
    HOUR,
    NOON,
    cancellation,
    consent_word,
    identify,
    message,
    order,
    refund,
    touch,
    update,
)

TEXT = """base_currency = "NOK"

[[goal]]
id = "orders"
event = "Order Completed"

[[goal]]
id = "visits"
event = "Visit Booked"
windows = { click = "3d", engage = "2d", view = "2d" }

[[campaign]]
id = "banner"
internal = true
"""
LATENESS = 7 * DAY
DAYS = 40
times = st.builds(lambda day, ms: NOON + day * DAY + ms, st.integers(0, DAYS), st.sampled_from([0, 1, HOUR, 23 * HOUR]))
delays = st.sampled_from([0, 0, 0, HOUR, DAY, 6 * DAY, LATENESS])
people = st.sampled_from(["u", "u", "v", "w"])
browsers = st.sampled_from([0, 1, 2])
campaigns = st.sampled_from(["autumn", "spring", "banner"])
actions = st.sampled_from(["click", "click", "view", "view", "view", "like", "unlike"])


class Arrival(NamedTuple):
    """A message and when it arrives, ms."""

    at: int
    topic: str
    value: bytes


def _who(draw: st.DrawFn, time: int, starts: list[int]) -> dict[str, Any]:
    """A person, or the browser of one in the days after that is known to be theirs."""
    browser = draw(browsers)
    if draw(st.booleans()) and starts[browser] <= time <= starts[browser] + 6 * DAY:
        return {"user": None, "anonymous": f"browser-{browser}"}
    return {"user": draw(people)}


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """What comes in forty days, no later than the lateness: a browser is told whose it is when it is first seen."""
    starts = [NOON + draw(st.integers(0, DAYS - 7)) * DAY for _ in range(3)]
    found = list[Arrival]()

    def arrive(topic: str, time: int, value: bytes) -> None:
        found.extend(Arrival(time + draw(delays), topic, value) for _ in range(draw(st.sampled_from([1, 1, 1, 2]))))

    for browser, start in enumerate(starts):
        for person in draw(st.lists(people, max_size=2, unique=True)):
            arrive(IDENTITY, start, identify(f"i-{browser}-{person}", start, f"browser-{browser}", person))
    for n in range(draw(st.integers(0, 25))):
        time = draw(times)
        arrive(ENGAGEMENT, time, touch(f"t{n}", time, draw(campaigns), draw(actions), **_who(draw, time, starts)))
    for n in range(draw(st.integers(0, 6))):
        time = draw(times)
        make = draw(st.sampled_from([_ordered, _booked]))
        arrive(CHECKOUT, time, make(f"c{n}", time, f"o{draw(st.integers(0, 4))}", _who(draw, time, starts)))
    for n in range(draw(st.integers(0, 4))):
        time, about = draw(times), f"o{draw(st.integers(0, 4))}"
        change = draw(st.sampled_from([_refunded, _updated, _cancelled]))
        arrive(CHECKOUT, time, change(f"r{n}", time, about))
    for n in range(draw(st.integers(0, 2))):
        time = draw(times)
        arrive(CHECKOUT, time, consent_word(f"w{n}", time, draw(st.booleans()), draw(people)))
    return sorted([*found, *_others()])


def _ordered(message_id: str, time: int, order_id: str, who: dict[str, Any]) -> bytes:
    return order(message_id, time, order_id, **who)


def _booked(message_id: str, time: int, order_id: str, who: dict[str, Any]) -> bytes:
    return message("Visit Booked", message_id, time, order_id=order_id, **who)


def _refunded(message_id: str, time: int, order_id: str) -> bytes:
    return refund(message_id, time, order_id, total=10, user="somebody else")


def _updated(message_id: str, time: int, order_id: str) -> bytes:
    return update(message_id, time, order_id, revenue=70, user="somebody else")


def _cancelled(message_id: str, time: int, order_id: str) -> bytes:
    return cancellation(message_id, time, order_id, user="somebody else")


def _others() -> list[Arrival]:
    """What others do every second day, so that time passes for all topics."""
    found = []
    for day in range(0, DAYS + 9, 2):
        time = NOON + day * DAY
        found += [
            Arrival(time, ENGAGEMENT, touch(f"other-t{day}", time, user="somebody else")),
            Arrival(time, CHECKOUT, message("Visit Booked", f"other-c{day}", time, user="else", order_id=f"b{day}")),
            Arrival(time, IDENTITY, identify(f"other-i{day}", time, "their browser", "somebody else")),
        ]
    return found


@settings(slow, max_examples=tried(24))
@given(arrivals(), st.randoms(use_true_random=False))
def test_what_is_forgotten_after_the_lateness_changes_no_figure(stream: list[Arrival], random: Any) -> None:
    driver = Driver(parse(TEXT), lateness=LATENESS)
    for arrival in stream:
        driver.now = max(driver.now, arrival.at)
        driver.take(arrival.topic, arrival.value)
        step = random.randrange(12)
        if step < 6:
            driver.flush()
        elif step == 6:
            driver.restart()
    driver.flush()
    driver.now += HOUR
    driver.flush()
    check(driver.database, expected([(topic, value) for _, topic, value in stream], TEXT))
