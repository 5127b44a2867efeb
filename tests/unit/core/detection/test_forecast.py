"""What is to be expected: level, growth, rhythm and how sure they are."""

import numpy as np
import pytest

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.forecast import Forecast, fit, quarter_of_week

HOURS = (1 + 0.8 * np.sin(np.arange(24) / 24 * 2 * np.pi)).repeat(4)


def counts(days: int, hourly: float, growth: float = 0.0, seed: int = 1, shape: F64 = HOURS) -> F64:
    """Quarter-hours (1, days, 96) of a goal that brings so many an hour when they end."""
    path = np.exp(growth * (np.arange(days * 96) / 96 - days)).reshape(days, 96)
    return np.random.default_rng(seed).poisson(path * shape * hourly / 4)[None].astype(float)


def known(values: F64) -> Mask:
    return np.ones(values.shape, np.bool_)


def learnt(values: F64, mask: Mask | None = None, first_day: int = 0) -> Forecast:
    mask = known(values) if mask is None else mask
    return fit(values, mask, np.zeros(values.shape, np.bool_), np.ones(len(values)), first_day)


def next_day(found: Forecast, weekday: int) -> float:
    """Conversions expected on a day right after the history."""
    return float((found.level[:, None] * found.shape[:, weekday * 96 : weekday * 96 + 96]).sum() * 15)


def test_quarters_of_the_week_begin_with_the_epoch() -> None:
    assert [quarter_of_week(minute) for minute in (0, 14, 15, 1440, 10_079, 10_080)] == [0, 0, 1, 96, 671, 0]


def test_a_steady_goal_is_expected_to_go_on() -> None:
    found = learnt(counts(28, 60))
    assert next_day(found, 0) == pytest.approx(1440, rel=0.04)
    np.testing.assert_allclose(found.shape[0].reshape(7, 96).mean(0), HOURS, atol=0.2)
    assert found.growth[0] == pytest.approx(0, abs=0.003)
    assert 1000 < found.certainty[0] < 4000


def test_growth_goes_on() -> None:
    found = learnt(counts(28, 60, growth=0.03))
    assert found.growth[0] == pytest.approx(0.03, abs=0.006)
    assert next_day(found, 0) == pytest.approx(1440, rel=0.05)


def test_a_level_is_less_certain_where_growth_is_not_known_or_the_rate_is_restless() -> None:
    long, short = learnt(counts(28, 60)), learnt(counts(14, 60))
    assert short.certainty[0] < long.certainty[0] / 2
    assert (short.level[0], short.growth[0]) == (pytest.approx(1, rel=0.05), 0)
    hours = np.exp(np.random.default_rng(7).normal(0, 0.5, (1, 28, 24)).repeat(4, axis=2))
    restless = learnt(np.random.default_rng(8).poisson(hours * 150 * HOURS).astype(float))
    assert restless.certainty[0] < learnt(counts(28, 600)).certainty[0] / 5


def test_two_days_tell_the_hours_of_the_day() -> None:
    found = learnt(counts(2, 60), first_day=3)
    days = found.shape[0].reshape(7, 96)
    assert np.abs(days - days[0]).max() < 0.3
    night, noon = days[0, 68:76].mean(), days[0, 20:28].mean()
    assert night < 0.4 < 1.6 < noon


def test_hours_and_days_never_seen_are_doubtful() -> None:
    values = counts(1, 600)
    mask = known(values)
    mask[:, :, 48:] = False
    found = learnt(values, mask)
    seen, later, next_day = found.wander[0, [3, 15, 24 + 3]]
    assert seen < next_day / 2
    assert next_day < later / 5
    assert learnt(counts(8, 600)).wander.max() < 1e-6


def test_without_history_nothing_is_certain() -> None:
    none = np.zeros((2, 1, 96))
    found = learnt(none, np.zeros(none.shape, np.bool_))
    np.testing.assert_allclose(found.certainty, 0)
    np.testing.assert_allclose(found.level, 0)
    np.testing.assert_allclose(found.shape, 1)


def test_a_goal_without_conversions_expects_none() -> None:
    found = learnt(np.zeros((1, 28, 96)))
    assert found.level[0] == 0
    assert found.certainty[0] == 0


def test_what_varies_more_than_chance_is_known_to() -> None:
    steady = counts(28, 60)
    day = np.random.default_rng(5).normal(0, 0.2, (1, 28, 1))
    restless = np.random.default_rng(6).poisson(np.exp(day) * 15 * HOURS).astype(float)
    hour = np.random.default_rng(7).normal(0, 0.3, (1, 28, 24)).repeat(4, axis=2)
    uneven = np.random.default_rng(8).poisson(np.exp(hour) * 15 * HOURS).astype(float)
    assert learnt(restless).wander[0, 0] > 5 * learnt(steady).wander[0, 0]
    assert learnt(restless).certainty[0] < learnt(steady).certainty[0] / 3
    assert learnt(uneven).unrest[0, 1] == pytest.approx(0.09, rel=0.2)
    assert learnt(restless).unrest[0, 2] > 0.01
    assert (learnt(steady).unrest < 0.003).all()


def test_quarters_of_an_hour_may_vary_more_than_hours_do() -> None:
    quarter = np.random.default_rng(7).normal(0, 0.3, (1, 28, 96))
    found = learnt(np.random.default_rng(8).poisson(np.exp(quarter) * 150 * HOURS).astype(float))
    assert found.unrest[0, 0] == pytest.approx(0.09, rel=0.2)
    assert found.unrest[0, 1] == pytest.approx(0.09 / 4, rel=0.3)


def test_few_conversions_say_little_of_how_far_a_level_wanders() -> None:
    day = np.exp(np.random.default_rng(4).normal(0, 0.15, (1, 28, 1)))
    few, many = (
        learnt(np.random.default_rng(6).poisson(day * each * HOURS).astype(float)).wander[0, 0] * 1440
        for each in (0.5, 150)
    )
    assert many > 0.01
    assert 0.02**2 <= few < many / 5


def test_a_holiday_is_not_learnt() -> None:
    values, holiday = counts(28, 60), counts(28, 60)
    holiday[:, 20] = np.round(holiday[:, 20] * 0.3)
    assert next_day(learnt(holiday), 6) == pytest.approx(next_day(learnt(values), 6), rel=0.03)


@pytest.mark.parametrize(("weeks", "alarm", "day"), [(1, False, 0.3), (1, True, 1.0), (2, True, 0.3)])
def test_what_drops_twice_at_the_same_time_of_the_week_is_a_rhythm(weeks: int, alarm: bool, day: float) -> None:
    values = counts(7 * weeks, 60)
    alarmed = np.zeros(values.shape, np.bool_)
    values[:, 3::7] = np.round(values[:, 3::7] * 0.3)
    alarmed[:, 3::7] = alarm
    found = fit(values, known(values), alarmed, np.ones(1), 0)
    days = found.shape[0].reshape(7, 96).mean(1)
    assert days[3] / days[4] == pytest.approx(day, abs=0.12)
    assert found.level[0] * days[4] == pytest.approx(1, rel=0.1)


def test_a_spike_is_no_new_level() -> None:
    values = counts(28, 60)
    values[:, 27, 40:48] *= 5
    assert next_day(learnt(values), 0) == pytest.approx(1440, rel=0.1)


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 0, 1]])
def test_goals_know_nothing_of_each_other(rows: list[int]) -> None:
    values = np.concatenate([counts(9, 6), counts(9, 60, 0.05), counts(9, 600, seed=2)])
    mask = known(values)
    mask[1, 4:6] = False
    mask[2, 8, 50:] = False
    together = learnt(values[rows], mask[rows], 5)
    for at, row in enumerate(rows):
        alone = learnt(values[[row]], mask[[row]], 5)
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(many[at], one[0], rtol=1e-9)


def test_what_is_not_known_does_not_matter() -> None:
    values = counts(16, 60)
    mask = np.random.default_rng(2).random(values.shape) < 0.8
    noise = np.where(mask, values, 9999)
    for one, other in zip(learnt(values, mask), learnt(noise, mask), strict=True):
        np.testing.assert_allclose(one, other)
