"""The statistics of a lift, on worked examples and by what must hold for any figures."""

from math import isclose, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.lift.estimate import (
    ENOUGH,
    Estimate,
    ExperimentArm,
    balance,
    difference,
    incremental,
    missing,
    over_credit,
    relative,
)


def binary(users: int, converted: int) -> ExperimentArm:
    """A group in which nobody converts twice."""
    return ExperimentArm(users, converted, converted, converted)


SHOWN, HELD = binary(100_000, 1_200), binary(100_000, 900)
counts = st.integers(1, 10**7).flatmap(lambda users: st.builds(binary, st.just(users), st.integers(0, users)))


def test_the_worked_example() -> None:
    assert [round(each or 0, 2) for each in incremental(SHOWN, HELD)] == [300, 210.67, 389.33]
    per_user = difference(SHOWN, HELD)
    assert [round(each or 0, 7) for each in per_user] == [0.003, 0.0021067, 0.0038933]


def test_the_relative_lift_of_the_worked_example() -> None:
    assert [round(each or 0, 4) for each in relative(SHOWN, HELD)] == [0.3333, 0.2240, 0.4540]


def test_over_credit_is_what_a_model_credits_against_what_was_caused() -> None:
    found = over_credit(900, incremental(SHOWN, HELD))
    assert [round(each or 0, 3) for each in found] == [3, 2.312, 4.272]
    assert over_credit(900, Estimate(300, -1, 601)) == (3, 900 / 601, None)
    assert over_credit(900, Estimate(-5, -9, -1)) == (None, None, None)
    assert over_credit(0, Estimate(300, 200, 400)) == (0, 0, 0)


def test_conversions_of_one_user_are_not_independent() -> None:
    twice = ExperimentArm(1_000, 50, 100, 200)
    assert isclose(twice.uncertainty, np.var([2] * 50 + [0] * 950) / 1_000)
    assert twice.uncertainty > binary(1_000, 100).uncertainty


def test_nothing_relative_can_be_said_where_nobody_converts_without() -> None:
    assert relative(SHOWN, binary(1_000, 0)) == (None, None, None)


def test_a_relative_lift_has_no_bounds_where_the_base_may_be_nothing() -> None:
    value, low, high = relative(binary(1_000, 20), binary(1_000, 2))
    assert (value, low, high) == (9, None, None)


@pytest.mark.parametrize(
    ("shown", "held", "share", "lacking"),
    [
        (SHOWN, HELD, 0.5, 0),
        (binary(0, 0), binary(0, 0), 0.5, 40),  # at a half, 20 in each group
        (binary(900, 10), binary(100, 0), 0.1, 8540),  # 10.5 of 1001: 954 in each group
        (binary(9_000, 99), binary(1_000, 0), 0.1, 60),  # 99.5 of 10 001: 1 006 in each group
        (binary(1_000, 1_000), binary(1_000, 1_000), 0.5, 78_040),  # everybody: as little can be said as of nobody
    ],
)
def test_how_many_users_are_missing(shown: ExperimentArm, held: ExperimentArm, share: float, lacking: int) -> None:
    assert missing(shown, held, share) == lacking


def test_a_split_that_is_not_the_share_is_no_accident() -> None:
    assert balance(binary(9_000, 0), binary(1_000, 0), 0.1) == 1
    assert 0.01 < balance(binary(9_050, 0), binary(950, 0), 0.1) < 0.2
    assert balance(binary(9_300, 0), binary(700, 0), 0.1) < 1e-6
    assert balance(binary(0, 0), binary(0, 0), 0.1) == 1


@given(counts, counts)
def test_both_intervals_leave_out_nothing_at_the_same_time(shown: ExperimentArm, held: ExperimentArm) -> None:
    absolute, share = difference(shown, held), relative(shown, held)
    assert absolute.low is not None
    assert absolute.high is not None
    if share.low is None or share.high is None or min(abs(absolute.low), abs(absolute.high)) < 1e-12:
        return
    assert (absolute.low > 0) == (share.low > 0)
    assert (absolute.high < 0) == (share.high < 0)
    assert share.low <= (share.value or 0) + 1e-9
    assert share.high >= (share.value or 0) - 1e-9


@given(counts, counts)
def test_exchanging_the_groups_changes_the_sign(shown: ExperimentArm, held: ExperimentArm) -> None:
    there, back = difference(shown, held), difference(held, shown)
    assert there == pytest.approx([-each for each in (back.value, back.high, back.low) if each is not None])


@given(counts, counts, st.floats(0.01, 0.99))
def test_with_the_missing_users_there_are_enough(shown: ExperimentArm, held: ExperimentArm, share: float) -> None:
    lacking = missing(shown, held, share)
    rate = (min(c := shown.converted + held.converted, shown.users + held.users - c) + 0.5) / (
        shown.users + held.users + 1
    )
    assert (held.users + lacking * share) * rate >= ENOUGH * (1 - 1e-9)
    assert (shown.users + lacking * (1 - share)) * rate >= ENOUGH * (1 - 1e-9)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(1)
    trials, held_out = 2_000, 0
    for shown, held in zip(rng.binomial(2_000, 0.06, trials), rng.binomial(2_000, 0.05, trials), strict=True):
        _, low, high = difference(binary(2_000, int(shown)), binary(2_000, int(held)))
        held_out += bool((low or 0) <= 0.01 <= (high or 0))
    assert abs(held_out / trials - 0.95) < 4 * sqrt(0.95 * 0.05 / trials)
