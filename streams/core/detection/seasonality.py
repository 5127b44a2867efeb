"""Seasonality: how the rate of counts goes with the time of day and the day of the week, coarse to fine.

Each stage asks the data how far a finer pattern differs from what the coarser one says, and believes it as far as the
differences exceed chance: the ratio of a cell's count c to its expectation e is drawn towards 1 as (c + k) / (e + k),
the posterior mean of a gamma-Poisson model with a prior of variance 1/k, k estimated from all cells of the stage by
moments (Clayton and Kaldor 1987, Biometrics 43, empirical Bayes estimates of relative risks). So a goal of two days
has the hours of the day at most, one of many weeks the quarter-hours of the week.
"""

from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import F64

# Axes of (goals, weekday, hour, quarter) that a stage adds up over: what is left are its cells.
_HOURS_OF_DAY, _DAYS_OF_WEEK, _HOURS_OF_WEEK = (1, 3), (2, 3), (3,)
_STAGES: tuple[tuple[int, ...], ...] = (_HOURS_OF_DAY, _DAYS_OF_WEEK, (1,), _HOURS_OF_WEEK, ())
_LARGEST_VARIANCE = 1.0  # of the ratios of a stage


class SeasonalProfile(NamedTuple):
    """`shape` (goals, 7, 96): the rate in each quarter-hour of the week relative to the level, 1 on average; the week
    begins on the weekday of the epoch. `parameters` (goals,): how many of them the hours of the data determined."""

    shape: F64
    parameters: F64


def seasonal_profile(counts: F64, exposure: F64, dispersion: F64) -> SeasonalProfile:
    """The rhythm of counts (goals, 7, 96) whose expectation without a rhythm would be `exposure`, alike in shape.

    `dispersion` (goals,) is the variance of a count over its mean. Cells never seen get what coarser ones
    say; hours of the day never seen, what the last one seen before them has.
    """
    goals = len(counts)
    seen, without = (sums.reshape(goals, 7, 24, 4) for sums in (counts, exposure))
    shape, parameters = np.ones_like(seen), np.zeros(goals)
    for axes in _STAGES:
        due = (without * shape).sum(axes, keepdims=True)
        ratio, determined = _ratios(seen.sum(axes, keepdims=True), due, dispersion[:, None, None, None])
        shape = shape * (_carried(ratio, due) if axes == _HOURS_OF_DAY else ratio)
        if axes in (_HOURS_OF_DAY, _DAYS_OF_WEEK, _HOURS_OF_WEEK):
            parameters += determined
    return SeasonalProfile((shape / shape.mean((1, 2, 3), keepdims=True)).reshape(goals, 7, 96), parameters)


def _carried(ratio: F64, due: F64) -> F64:
    """Hours of the day that were never seen go on as the last one that was."""
    hours = np.tile(np.arange(24), 2)
    last = np.maximum.accumulate(np.where(np.tile(due[:, 0, :, 0] > 0, 2), np.arange(48), 0), axis=1)[:, 24:]
    return np.asarray(np.take_along_axis(ratio, hours[last][:, None, :, None], axis=2))


def _ratios(counts: F64, expected: F64, dispersion: F64) -> tuple[F64, F64]:
    """The ratio of each cell, and how many cells the data rather than the prior determined."""
    cells = (1, 2, 3)
    squares = np.maximum((expected**2).sum(cells, keepdims=True), 1e-9)
    chance = dispersion * (expected.sum(cells, keepdims=True) + np.sqrt(2 * squares))
    excess = ((counts - expected) ** 2).sum(cells, keepdims=True) - chance
    prior = dispersion / np.clip(excess / squares, 1e-6, _LARGEST_VARIANCE)
    return (counts + prior) / (expected + prior), (expected / (expected + prior)).sum(cells)
