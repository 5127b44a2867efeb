"""What the watch for drops is measured against: rules that people write, the best that a detector can do, and Lorden's
limit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streams.core.detection.detector import FALSE_ALARM
from tests.bench.drops.goal_months import DAY, F64, I64, Months

WEEK, MONTH = 7 * DAY, FALSE_ALARM


def _last_hour(values: I64) -> F64:
    """Sums over the sixty minutes up to and with each, along the last axis; NaN before."""
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), values.cumsum(-1)], axis=-1)
    hours = sums[..., 60:] - sums[..., :-60]
    return np.concatenate([np.full((*values.shape[:-1], 59), np.nan), hours], axis=-1)


def half(months: Months, _: float) -> F64:
    """How far the last hour is below the same hour last week: (before - now) / before."""
    now = _last_hour(months.counts)
    before = np.concatenate([np.full_like(now[:, :WEEK], np.nan), now[:, :-WEEK]], axis=1)
    return np.where(before > 0, 1 - now / np.where(before > 0, before, 1), -1)


def sigma(months: Months, _: float) -> F64:
    """Standard deviations, of Poisson, that the last hour is below the mean of the same hour of the last four weeks."""
    now = _last_hour(months.counts)
    weeks = [np.pad(now, ((0, 0), (week * WEEK, 0)), constant_values=np.nan)[:, : now.shape[1]] for week in range(1, 5)]
    due = np.mean(weeks, axis=0)
    return np.where(due > 0, (due - now) / np.sqrt(np.where(due > 0, due, 1)), -1)


def cusum(months: Months, drop: float) -> F64:
    """Page's statistic with the true rate before and after."""
    drop = min(drop, 0.999999)
    sums = (months.counts * math.log1p(-drop) + months.rate * drop).cumsum(1)
    before = np.pad(sums[:, :-1], ((0, 0), (1, 0)))
    return np.asarray(sums - np.minimum.accumulate(before, axis=1))


RULES: dict[str, Callable[[Months, float], F64]] = {"half": half, "sigma": sigma, "cusum": cusum}


def first_rate(first: F64) -> float:
    """Alarms a minute, from the minutes (goals,) until the first of each; infinite where there was none."""
    return float(np.isfinite(first).sum() / np.minimum(first, MONTH).sum())


def threshold(statistic: F64, usual: NDArray[np.bool_], rate: float) -> float:
    """The value above which the statistic (goals, minutes) comes no more often than that, first alarms a minute."""
    peaks = np.maximum.accumulate(np.where(usual, np.nan_to_num(statistic, nan=-1), -1), axis=1)
    for value in np.unique(peaks[:, -1]):
        over = peaks > value
        if first_rate(np.where(over.any(1), over.argmax(1) + 1.0, np.inf)) <= rate:
            return float(value)
    raise ValueError("nothing is above the largest")


def first_over(statistic: F64, start: I64, threshold: float) -> F64:
    """Minutes (goals,) from a start until the statistic is above the threshold; infinite where it never is."""
    later = (statistic > threshold) & (np.arange(statistic.shape[1]) >= start[:, None])
    return np.where(later.any(1), later.argmax(1) - start + 1.0, np.inf)


def information(drop: float) -> float:
    """Kullback and Leibler's, of what is left of an expected conversion against it."""
    left = 1 - drop
    return (left * math.log(left) if left else 0) + drop


def limits(rate: F64, drop: float, start: I64) -> F64:
    """Lorden's limit (goals,) in whole minutes, rounded up, for a drop of the rates (minutes,) that begins in those."""
    gained = np.cumsum(rate) * information(drop)
    before = np.where(start > 0, gained[start - 1], 0)
    reached = np.interp(before + math.log(MONTH), gained, np.arange(1, len(rate) + 1))
    return np.ceil(reached - start - 1e-6)
