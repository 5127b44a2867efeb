"""How journeys go from campaign to campaign: what is counted when, of conversions and of those that end without."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from streams.core.attribution.markov import Transition, removal_effects
from streams.core.attribution.transitions import PAUSE
from streams.core.columns.message_ids import Keys
from streams.core.columns.run import KeyedRows, concatenated
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import decode, recoded
from streams.core.journeys import touches as touches_module
from streams.core.journeys.kinds import TouchKinds
from streams.core.journeys.touches import TouchIndex, time_order
from tests.support.driver import KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, message, touch

TODAY = NOON // DAY
WEEK = 7 * DAY


def counted(driver: Driver, goal: str = "orders") -> dict[tuple[int, str, str], list[int]]:
    """(days before today, source, target) -> [converted, ended]."""
    found = driver.database.path_transitions()
    return {(TODAY - key[1], *key[2:]): counts for key, counts in found.items() if key[0] == goal}


def after(*engagement: bytes, orders: Sequence[bytes] = ()) -> Driver:
    driver = Driver()
    driver.engage(*engagement)
    driver.buy(*orders)
    driver.flush()
    return driver


def order(name: str, at: int, user: str = "u", **more: Any) -> bytes:
    return message("Order Completed", name, at, user=user, **more)


def test_the_worked_example() -> None:
    shown = [("a", "c1"), ("a", "c2"), ("a", "c3"), ("b", "c1"), ("c", "c2"), ("c", "c3")]
    touches = [touch(f"t{n}", NOON - 9 * HOUR + n, user=u, campaign_id=c) for n, (u, c) in enumerate(shown)]
    driver = after(*touches, orders=[order("o", NOON, user="a")])
    assert counted(driver) == {
        (0, "", "c1"): [1, 1],
        (0, "c1", "c2"): [1, 0],
        (0, "c1", ""): [0, 1],
        (0, "", "c2"): [0, 1],
        (0, "c2", "c3"): [1, 1],
        (0, "c3", ""): [1, 1],
    }
    effects = removal_effects([Transition(*key[1:], *n) for key, n in counted(driver).items()])
    assert {name: round(effect, 9) for name, effect in effects.items()} == {"c1": 0.5, "c2": 1, "c3": 1}


def test_a_pause_longer_than_the_longest_window_ends_a_journey() -> None:
    times = (NOON - 20 * DAY, NOON - 13 * DAY, NOON - 6 * DAY + 1, NOON)
    driver = after(*(touch(f"t{n}", at, campaign_id=f"c{n}") for n, at in enumerate(times)))
    assert counted(driver) == {
        (20, "", "c0"): [0, 1],
        (20, "c0", "c1"): [0, 1],
        (13, "c1", ""): [0, 1],
        (6, "", "c2"): [0, 1],
        (6, "c2", "c3"): [0, 1],
        (0, "c3", ""): [0, 1],
    }


def test_a_touch_that_a_conversion_follows_within_that_window_is_in_no_other_journey() -> None:
    driver = after(
        touch("early", NOON - WEEK - 1, campaign_id="c1"),
        touch("view", NOON - WEEK, campaign_id="c2", action="view"),  # too old for a view to count, but followed
        touch("click", NOON - HOUR, campaign_id="c3"),
        touch("late", NOON + 1, campaign_id="c4"),
        orders=[order("o", NOON)],
    )
    assert counted(driver) == {
        (7, "", "c1"): [0, 1],
        (7, "c1", ""): [0, 1],
        (0, "", "c3"): [1, 0],
        (0, "c3", ""): [1, 0],
        (0, "", "c4"): [0, 1],
        (0, "c4", ""): [0, 1],
    }


def test_the_campaign_of_the_checkout_itself_is_the_last_step() -> None:
    campaign: dict[str, Any] = {"campaign": {"id": "c2"}}
    driver = after(touch("t", NOON - HOUR, campaign_id="c1"), orders=[order("o", NOON, **campaign)])
    assert counted(driver) == {(0, "", "c1"): [1, 0], (0, "c1", "c2"): [1, 0], (0, "c2", ""): [1, 0]}


def test_a_conversion_taken_back_leaves_a_journey_that_ended_without() -> None:
    driver = after(touch("t", NOON - DAY, campaign_id="c1"), orders=[order("o", NOON)])
    assert counted(driver) == {(0, "", "c1"): [1, 0], (0, "c1", ""): [1, 0]}
    driver.now += HOUR
    driver.buy(message("Order Cancelled", "r", NOON + 1, order_id="o"))
    driver.flush()
    assert counted(driver) == {(1, "", "c1"): [0, 1], (1, "c1", ""): [0, 1]}


def test_another_goal_has_its_own_journeys() -> None:
    driver = after(touch("t", NOON, campaign_id="c1"), orders=[order("o", NOON)])
    assert counted(driver, "visits") == {(0, "", "c1"): [0, 1], (0, "c1", ""): [0, 1]}


def test_what_is_nobodys_or_of_no_campaign_is_in_no_journey() -> None:
    banner = touch("s", NOON, campaign_id="", network="shop")
    assert counted(after(touch("t", NOON, user="", campaign_id="c1"), banner)) == {}


def test_many_touches_are_counted_only_now_and_then() -> None:
    driver = after(*(touch(f"t{n}", NOON + n, campaign_id="c1") for n in range(100)))
    driver.engage(touch("later", NOON + 200, campaign_id="c1"))
    driver.flush()
    assert counted(driver)[0, "c1", "c1"] == [0, 99]
    driver.now += int(100 * PAUSE)
    driver.flush()
    assert counted(driver)[0, "c1", "c1"] == [0, 100]
    driver.now += HOUR
    driver.report()
    assert "path_transitions" not in driver.ledger.changes(9)


def test_a_clock_that_goes_back_holds_no_count_up() -> None:
    driver = after(*(touch(f"t{n}", NOON + n, campaign_id="c1") for n in range(100)))
    driver.now -= HOUR // 2
    driver.engage(touch("later", NOON + 200, campaign_id="c1"))
    driver.flush()
    assert counted(driver)[0, "c1", "c1"] == [0, 100]


def test_counts_go_by_the_clock_where_reports_are_held_in_an_hour() -> None:
    driver = after(*(touch(f"t{n}", NOON + n, campaign_id="c1") for n in range(100)))
    driver.engage(touch("later", NOON + 200, campaign_id="c1"))
    driver.ledger.report(driver.now + 100, hour=driver.now // HOUR + 9)
    driver.write()
    assert counted(driver)[0, "c1", "c1"] == [0, 100]


def test_a_day_that_came_to_nothing_while_the_worker_was_down_is_cleared() -> None:
    driver = after(orders=[order("o1", NOON, order_id="o", campaign={"id": "c1"})])
    assert counted(driver).keys() == {(0, "", "c1"), (0, "c1", "")}
    driver.buy(order("o2", NOON - 2 * DAY, order_id="o", campaign={"id": "c1"}))
    driver.report()
    driver.restart()
    driver.now += HOUR
    driver.flush()
    assert counted(driver).keys() == {(2, "", "c1"), (2, "c1", "")}


def test_days_past_the_retention_stay_as_they_were() -> None:
    driver = after(touch("t", NOON, campaign_id="c1"), orders=[order("o", NOON)])
    before = counted(driver)
    for _ in range(4):
        driver.pass_days(20)
        driver.flush()
    driver.restart()
    driver.now += HOUR
    driver.flush()
    assert {key: counts for key, counts in counted(driver).items() if key[0] >= 0} == before


def test_linked_tokens_are_one_user_and_ambiguous_ones_nobody() -> None:
    driver = after(
        touch("1", NOON, "c1", user="u"), touch("2", NOON + 1, "c2", user="x"), touch("3", NOON + 2, "c3", user="y")
    )
    u, x, y = Tokens(KEY).hashes(["u", "x", "y"])
    index, kinds = TouchIndex(lambda *_: "", lambda _: ()), TouchKinds()
    segments = [decode(value) for value in driver.journal.values()]
    index.add(concatenated([recoded(segment, kinds).touches for segment in segments]))
    parts = index.histories(kinds.class_of, lambda users: (np.where(users == x, u, users), users == y))
    found = concatenated(list(parts))
    assert found.user.tolist() == [u, u]
    assert found.time.tolist() == [NOON, NOON + 1]


def test_many_touches_come_in_parts_of_whole_users(monkeypatch: pytest.MonkeyPatch) -> None:
    index, n = TouchIndex(lambda *_: "", lambda _: ()), 1_000
    user, time = np.repeat(Tokens(KEY).hashes([f"u{i}" for i in range(n // 5)]), 5), np.arange(n) % 7
    order = np.random.default_rng(1).permutation(n)
    keys = Keys(np.arange(n, dtype=np.uint64), np.arange(n, dtype=np.uint64), np.zeros(n, np.uint8))
    for part in np.array_split(order, 3):
        index.add(KeyedRows(user, time, np.zeros(n, np.uint32), keys).take(part))
    monkeypatch.setattr(touches_module, "_PART", 100)
    parts = [(part.user.tolist(), part.time.tolist()) for part in index.histories(np.array([1]))]
    assert len(parts) == 11
    rows = [row for users, times in parts for row in zip(users, times, strict=True)]
    assert rows == sorted(zip(user.tolist(), time.tolist(), strict=True))


def test_times_are_ordered_within_their_groups_however_far_apart() -> None:
    group, time = np.array([0, 0, 1, 1]), np.array([5, -(2**61), 2**61, 3])
    assert time_order(group, time).tolist() == [1, 0, 3, 2]
    assert time_order(group, time // 2**40).tolist() == [1, 0, 3, 2]
