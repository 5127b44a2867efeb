"""Seasonality, the rhythm of the week: as fine as the data tell, and no finer."""

import numpy as np
import pytest

from streams.core.columns.arrays import F64
from streams.core.detection.seasonality import seasonal_profile

POISSON = np.ones(1)
HOURS = 1 + 0.8 * np.sin(np.arange(24) / 24 * 2 * np.pi)
DAILY = np.broadcast_to(HOURS.repeat(4), (1, 7, 96))
WEEKDAYS = np.array([1.3, 1.3, 0.4, 0.7, 1.1, 1.1, 1.1])
WEEKLY = DAILY * WEEKDAYS[:, None]


def drawn(rate: F64, seed: int = 1) -> F64:
    return np.random.default_rng(seed).poisson(rate).astype(float)


def error(shape: F64, truth: F64 | float) -> float:
    return float(np.sqrt(((shape - truth) ** 2).mean()))


def test_without_data_every_quarter_hour_is_alike() -> None:
    found = seasonal_profile(np.zeros((2, 7, 96)), np.zeros((2, 7, 96)), np.ones(2))
    np.testing.assert_allclose(found.shape, 1)
    np.testing.assert_allclose(found.parameters, 0)


def test_chance_is_no_rhythm() -> None:
    flat = np.full((1, 7, 96), 60.0)
    found = seasonal_profile(drawn(flat), flat, POISSON)
    assert error(found.shape, 1) < 0.3 / np.sqrt(60)
    assert found.parameters[0] < 6


def test_many_weeks_tell_the_hours_of_the_week() -> None:
    evening = WEEKLY.copy()
    evening[0, 4, 72:88] *= 3
    found = seasonal_profile(drawn(evening * 200), np.full((1, 7, 96), 200.0), POISSON)
    assert error(found.shape, evening / evening.mean()) < 0.05
    assert found.parameters[0] > 24 + 7


def test_few_counts_tell_the_hours_of_the_day_alone() -> None:
    found = seasonal_profile(drawn(DAILY * 0.5), np.full((1, 7, 96), 0.5), POISSON)
    assert error(found.shape, DAILY) < 0.25
    assert np.ptp(found.shape, axis=1).max() < 0.1


def test_days_never_seen_go_by_the_others() -> None:
    seen = np.zeros((1, 7, 96))
    seen[:, 2:4] = 50
    found = seasonal_profile(drawn(DAILY * seen), seen, POISSON)
    assert error(found.shape[:, 6] / found.shape[:, 6].mean(), DAILY[:, 6]) < 0.1


def test_what_varies_anyway_is_no_rhythm() -> None:
    flat = np.full((1, 7, 96), 60.0)
    restless = np.random.default_rng(3).negative_binomial(12, 12 / (12 + flat)).astype(float)
    rigid, loose = seasonal_profile(restless, flat, np.full(1, 6.0)), seasonal_profile(restless, flat, POISSON)
    assert error(rigid.shape, 1) < error(loose.shape, 1) / 2


@pytest.mark.parametrize("goals", [1, 3])
def test_a_shape_is_one_on_average(goals: int) -> None:
    found = seasonal_profile(
        np.repeat(drawn(WEEKLY * 30), goals, axis=0), np.full((goals, 7, 96), 30.0), np.ones(goals)
    )
    np.testing.assert_allclose(found.shape.mean((1, 2)), 1)
    assert (found.shape > 0).all()
