"""Clocks that are wrong: what was reported stays right, and the hours of reports come back."""

import pytest
import structlog

from streams.worker.watch.clock import ClockWatch
from tests.support.messages import DAY, HOUR, NOON, order, refund, touch
from tests.support.worker.partition_owner import Owner

AHEAD = [20 * HOUR, 60 * DAY]


def reported(owner: Owner) -> dict[int, int]:
    """Conversions of the goal `orders` by the hour of their report, counted from NOON."""
    found: dict[int, int] = {}
    for row in owner.database.tables["goal_attribution"].values():
        if (row["goal"], row["model"]) == ("orders", "last"):
            hour = row["reported_at"] // 3600 - NOON // HOUR
            found[hour] = found.get(hour, 0) + row["conversions"] // 1_000_000
    return {hour: n for hour, n in found.items() if n}


def bought(owner: Owner, number: int, at: int) -> None:
    owner.take("checkout", order(f"c{number}", at, f"o{number}"))
    owner.flush()


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("restart", [True, False])
def test_one_start_with_a_clock_that_is_ahead(owner: Owner, ahead: int, restart: bool) -> None:
    bought(owner, 0, NOON)
    owner.now = NOON + ahead
    owner.restart()
    bought(owner, 1, NOON + 1)
    owner.now = NOON + HOUR
    with structlog.testing.capture_logs() as logs:
        if restart:
            owner.restart()
        owner.take("checkout", order("future", owner.now + ahead - 10 * HOUR, "from the future"))
    assert [letter.reason for letter in owner.producer.letters] == ["malformed"]
    told = [entry["behind_hours"] for entry in logs if entry["event"].startswith("the clock is behind the hour")]
    assert told == [ahead // HOUR - 1]
    for number in range(2, 7):
        bought(owner, number, owner.now)
    assert len(owner.producer.letters) == 1
    assert reported(owner) == {0: 1, ahead // HOUR: 1, 1: 5}
    owner.restart()
    owner.flush()
    assert reported(owner) == {0: 1, ahead // HOUR: 1, 1: 5}
    owner.producer.letters.clear()


def test_an_event_that_came_while_the_clock_was_ahead_makes_none_late(owner: Owner) -> None:
    owner.now = NOON + 60 * DAY
    owner.take("engagement", touch("t", NOON + 59 * DAY))
    bought(owner, 0, NOON + 59 * DAY)
    owner.now = NOON
    owner.restart()
    owner.take("engagement", touch("u", NOON - HOUR, user="somebody"))
    owner.take("checkout", order("c1", NOON, "o1", user="somebody"))
    owner.flush()
    assert owner.producer.letters == []
    assert owner.partition.standing.size[0] == 2
    assert sum(reported(owner).values()) == 2


@pytest.mark.parametrize("behind", [1, 5])
def test_a_clock_that_goes_back_changes_no_hour_that_was_reported(owner: Owner, behind: int) -> None:
    for hour in range(8):
        owner.now = NOON + hour * HOUR
        owner.take("engagement", touch(f"t{hour}", owner.now))
        bought(owner, hour, owner.now)
    was = reported(owner)
    owner.now -= behind * HOUR
    bought(owner, 100, NOON)
    assert reported(owner) == was | {7: 2}
    owner.restart()
    owner.take("checkout", refund("r", NOON, "o0"))
    owner.flush()
    assert reported(owner) == was | {7: 1}


def test_a_clock_of_long_ago_takes_nothing_in_and_reports_in_no_hour_of_then(owner: Owner) -> None:
    owner.take("engagement", touch("t", NOON))
    owner.take("checkout", order("c0", NOON, "o0"))
    owner.now = DAY
    bought(owner, 1, NOON)
    assert [letter.reason for letter in owner.producer.letters] == ["malformed"]
    assert reported(owner) == {0: 1}
    owner.producer.letters.clear()


def test_an_hour_that_was_reported_in_too_early_is_passed_over(owner: Owner) -> None:
    bought(owner, 0, NOON)
    owner.now = NOON + 3 * HOUR
    owner.restart()
    bought(owner, 1, NOON)
    owner.now = NOON + HOUR
    owner.restart()
    for hour in (1, 2, 3, 4):
        owner.now = NOON + hour * HOUR
        bought(owner, 10 + hour, NOON)
    owner.now = NOON + 5 * HOUR
    owner.restart()
    bought(owner, 20, NOON)
    assert reported(owner) == {0: 1, 3: 1, 1: 1, 2: 1, 4: 2, 5: 1}


def test_a_clock_that_is_set_is_noticed_once() -> None:
    clock, passed = [1000.0], [5.0]
    watch = ClockWatch(lambda: clock[0], lambda: passed[0])
    clock[0], passed[0] = 1010.0, 15.0
    assert watch.jumped() == 0
    clock[0] += 3600
    assert watch.jumped() == 3600
    assert watch.jumped() == 0
    clock[0], passed[0] = clock[0] - 3600 + 1, passed[0] + 1
    assert watch.jumped() == -3600
