"""What counts should be now, and how surely that is known, from their own past.

rate(t) = level x rhythm(t): `rhythm` has the week; the level is followed by a gamma filter that forgets as fast as
the level wanders (Smith and Miller 1986, J. R. Statist. Soc. B 48, a non-Gaussian state space model). Long growth or
decline is taken out first, so that a level lags behind neither.

All is a function of the history: the same history gives the same expectation. Days are days of the minutes given; a
change to or from summer time moves people's rhythm by an hour, and it takes the weeks that it takes to be learnt.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.seasonality import seasonal_profile

QUARTER = 15  # minutes
QUARTERS = 96  # of a day
WEEK = 7 * QUARTERS

_HALF = WEEK // 2
_USUAL_GROWTH = 0.03  # standard deviation of the growth rates that goals have, per day
_USUAL_WANDER = 0.02**2  # relative variance that a level gains a day, at the least
# Relative variance that the level gains a day in hours of the day that were never seen, as when a day of the week
# begins that was never seen; and in the rest of that day.
_UNSEEN_HOUR, _UNSEEN_DAY = 12.0, 1.0
_SHORTEST, _LONGEST = 1 / QUARTERS, 28.0  # days that the level is an average of
_LITTLE = 1e-6  # quarter-hours as which the mean of all time counts
_UNLIKE = 0.25  # log ratio to its expectation beyond which a day may be left out of the rhythm
_KEPT, _THEIR_SHARE = 0.99, 0.91  # of deviations, and of the sum of the squares of normal ones
_CREDIBLE = 0.002  # standard deviation of what goals' levels wander a day, as a relative variance


class Forecast(NamedTuple):
    """For each of n goals: what to expect.

    `shape` (n, 672): rate by quarter-hour of the week relative to the level. `level` (n,): conversions a minute.
    `certainty` (n,): the level is known as from that many conversions (its relative variance is 1/certainty).
    `growth` (n,): of the level, a day, as a logarithm. `dispersion` (n,): variance of a minute's count over its mean,
    at least 1. `unrest` (n, 3): relative variances of the rates of a quarter-hour, an hour and a day. `wander`
    (n, 168): relative variance that the level gains a minute, by hour of the week.
    """

    shape: F64
    level: F64
    certainty: F64
    growth: F64
    dispersion: F64
    unrest: F64
    wander: F64


class _Trend(NamedTuple):
    """`path` (n, days, 96): the level through the history, conversions a quarter-hour. `growth`, `doubt` (n,): the
    growth a day at its end, and the variance of that."""

    path: F64
    growth: F64
    doubt: F64


class _Noise(NamedTuple):
    """As in an expectation, but `unrest` (n,) of an hour only, and `wander` (n, 168) a day."""

    dispersion: F64
    unrest: F64
    wander: F64


def quarter_of_week(minute: int) -> int:
    """Where the minute lies in a shape."""
    return minute // 1440 % 7 * QUARTERS + minute % 1440 // QUARTER


def fit(counts: F64, known: Mask, alarmed: Mask, dispersion: F64, first_day: int) -> Forecast:
    """What to expect after a history of counts (n, days, 96) that begins on a day (since the epoch).

    Quarter-hours that are not `known` (complete) are not learnt from. Those `alarmed`, counted while a drop was on,
    say nothing of the level, but what drops at the same time in two weeks is a rhythm. `dispersion` (n,) is the
    variance of a minute's count over its mean.
    """
    weekday = (first_day + np.arange(counts.shape[1])) % 7
    learnt = known & (~alarmed | (_weekly(alarmed, weekday) > 1)[:, weekday])
    shape, usual, hourly = np.ones((len(counts), 7, QUARTERS)), learnt, dispersion
    for again in (False, True):
        trend = _trend(counts, usual, shape[:, weekday])
        if again:
            usual = learnt & ~_unlike(counts, learnt, trend.path * shape[:, weekday])[:, :, None]
        found = seasonal_profile(_weekly(counts * usual, weekday), _weekly(trend.path * usual, weekday), hourly)
        shape = found.shape
        trend = _trend(counts, usual, shape[:, weekday])
        expected = trend.path * shape[:, weekday]
        hourly, unrest = _unrest(counts, usual, expected, dispersion, found.parameters, 4)
    _, of_quarters = _unrest(counts, usual, expected, dispersion, found.parameters, 1)
    daily = _wander(counts * usual, expected * usual, hourly)
    noise = _Noise(dispersion, unrest, daily[:, None] + _unseen(learnt, weekday))
    level, certainty = _level(counts, known & ~alarmed, shape[:, weekday], trend, noise, first_day)
    unrests = np.stack([of_quarters, unrest, daily - _USUAL_WANDER], axis=1)
    week, wander = shape.reshape(-1, WEEK), noise.wander / 1440
    return Forecast(week, level, certainty, trend.growth, dispersion, unrests, wander)


def _weekly(values: F64 | Mask, weekday: NDArray[np.int64]) -> F64:
    """Sums over the weeks: (n, days, 96) to (n, 7, 96)."""
    return np.asarray(np.eye(7)[weekday].T @ values)


def _trend(counts: F64, known: Mask, shape: F64) -> _Trend:
    """The mean of the week around each quarter-hour, of all time where that week is not known; in the half weeks at
    the ends, the nearest such mean with the growth beside it."""
    n, days = counts.shape[:2]
    length = days * QUARTERS
    at = np.clip(np.arange(length), _HALF, max(length - _HALF, _HALF))
    seen, due = (_windows(values.reshape(n, length), at) for values in (counts * known, known * shape))
    mean = (counts * known).sum((1, 2)) / np.maximum((known * shape).sum((1, 2)), 1e-9)
    path = (seen + _LITTLE * mean[:, None] + 1e-9) / (due + _LITTLE)
    early, _ = _growth(path, seen, [5 * _HALF, 3 * _HALF, _HALF])
    growth, doubt = _growth(path, seen, [length - 5 * _HALF, length - 3 * _HALF, length - _HALF])
    beyond = (np.arange(length) - at) / QUARTERS
    ends = np.flatnonzero(beyond)
    path[:, ends] *= np.exp(np.where(beyond[ends] < 0, early[:, None], growth[:, None]) * beyond[ends])
    return _Trend(path.reshape(n, days, QUARTERS), growth, doubt)


def _windows(values: F64, at: NDArray[np.int64]) -> F64:
    sums = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    whole = sums[:, WEEK:] - sums[:, :-WEEK] if values.shape[1] > WEEK else sums[:, -1:]
    return np.take(whole, at - _HALF, axis=1)


def _growth(path: F64, seen: F64, weeks: list[int]) -> tuple[F64, F64]:
    """Growth a day (n,) and its variance, from the middles of three weeks: what both steps show, drawn towards none
    as far as chance explains it. A step of the level is no growth."""
    usual = np.full(len(path), _USUAL_GROWTH**2)
    if path.shape[1] < 3 * WEEK:
        return np.zeros(len(path)), usual
    steps = np.diff(np.log(path[:, weeks]), axis=1) / np.diff(weeks) * QUARTERS
    lesser = np.abs(steps).min(1) * np.where((steps > 0).all(1), 1, np.where((steps < 0).all(1), -1, 0))
    chance = 2 / 49 / np.maximum(seen[:, weeks].min(1), 1)
    trust = usual / (usual + chance)
    return lesser * trust, trust * chance


def _unlike(counts: F64, known: Mask, expected: F64) -> Mask:
    """Days (n, days) that are none of the usual: holidays, days of a promotion. None in the first week."""
    if counts.shape[1] < 7:
        return np.zeros(counts.shape[:2], np.bool_)
    due = (expected * known).sum(2)
    off = np.log(((counts * known).sum(2) + 1) / (due + 1))
    off -= np.median(off, 1, keepdims=True)
    usual = np.maximum(1.4826 * np.median(np.abs(off), 1, keepdims=True), 1 / np.sqrt(np.maximum(due, 1)))
    return np.asarray(np.abs(off) > np.maximum(4 * usual, _UNLIKE))


def _unrest(
    counts: F64, known: Mask, expected: F64, dispersion: F64, parameters: F64, quarters: int
) -> tuple[F64, F64]:
    """(n,) each: the variance over mean of the count of a span of so many quarter-hours, and the relative variance of
    its rate beyond what the dispersion explains: that of past spans without the most unlike 1 %, corrected for what was
    fitted to them and for what is to be said of others."""
    n = len(counts)
    seen, due = ((values * known).reshape(n, -1, quarters) @ np.ones(quarters) for values in (counts, expected))
    spans = known.sum((1, 2)) / quarters
    squares = trimmed((seen - due) ** 2, spans, _THEIR_SHARE)
    fitted = np.minimum((parameters + counts.shape[1] / 7) / np.maximum(spans, 1), 0.8)
    varied = np.maximum(squares / np.maximum(due.sum(1), 1e-9) / (1 - fitted), dispersion) * (1 + fitted)
    return varied, (varied - dispersion) * due.sum(1) / np.maximum((due**2).sum(1), 1e-9)


def trimmed(squares: F64, among: F64, share: float) -> F64:
    """The sums (n,) of squares of deviations (n, m), of which so many (n,) are known and the others 0, as if the
    largest 1 % were as they are by chance, when the others have that `share` of the sum."""
    left_out = np.floor(among * (1 - _KEPT))[:, None]
    kept = np.arange(squares.shape[1]) < squares.shape[1] - left_out
    return np.asarray((np.sort(squares, axis=1) * kept).sum(1) / np.where(left_out[:, 0], share, 1))


def _wander(seen: F64, due: F64, dispersion: F64) -> F64:
    """Relative variance that the level gains a day (n,): that of past days beyond chance, as if a week had been as
    usual before, and as far as so few conversions can tell it from what goals usually have."""
    total, expected = seen.sum(2), due.sum(2)
    prior = 7 * (expected**2).mean(1) + 2 * (dispersion / _CREDIBLE) ** 2
    excess = ((total - expected) ** 2).sum(1) - dispersion * expected.sum(1)
    found = (excess + prior * _USUAL_WANDER) / ((expected**2).sum(1) + prior)
    return np.asarray(np.maximum(found, _USUAL_WANDER))


def _unseen(known: Mask, weekday: NDArray[np.int64]) -> F64:
    """Relative variance (n, 168) that the level gains a day, by hour of the week, in hours of the day and days of the
    week that were never seen, or in part."""
    hours = np.clip(1 - known.reshape(len(known), -1, 24, 4).mean(3).sum(1), 0, 1) ** 2
    days = np.clip(1 - _weekly(known, weekday).mean(2), 0, 1) ** 2
    begins = np.where(np.arange(24) == 0, _UNSEEN_HOUR, _UNSEEN_DAY)
    return np.asarray(days[:, :, None] * begins + hours[:, None] * _UNSEEN_HOUR).reshape(len(known), 168)


def _level(counts: F64, known: Mask, shape: F64, trend: _Trend, noise: _Noise, first_day: int) -> tuple[F64, F64]:
    """(level, certainty) at the last quarter-hour known: older ones weigh exp(-age/memory), where the memory is the
    filter's in its steady state, the square root of what a day's count varies over what the level wanders in a day.
    A spike counts as three sigma, so that what comes after one is no drop."""
    n, spread = len(counts), noise.dispersion[:, None]
    known = known.reshape(n, -1)
    quarters = np.arange(known.shape[1])
    last = np.where(known, quarters, 0).max(1)
    daily = np.maximum(trend.path[:, -1].sum(1) / noise.dispersion, 1e-9)
    varied = 1 / daily + noise.unrest / 24
    hour = (first_day * QUARTERS + last + 1) % WEEK // 4
    memory = np.clip(np.sqrt(varied / noise.wander[np.arange(n), hour]), _SHORTEST, _LONGEST)
    age = np.maximum(last[:, None] - quarters, 0) / QUARTERS
    weight = np.exp(-age / memory[:, None]) * known / spread
    expected = (trend.path * shape).reshape(n, -1)
    seen = np.minimum(counts.reshape(n, -1), expected + 3 * np.sqrt(spread * expected) + 1)
    conversions = (weight * seen).sum(1)
    due = (weight * shape.reshape(n, -1) * np.exp(-trend.growth[:, None] * age)).sum(1)
    certainty = conversions / (varied * daily + conversions * trend.doubt * memory**2)
    return conversions / np.maximum(due, 1e-9) / QUARTER, certainty
