"""Simulated goals by the minute, of kinds whose true rates are known: what bench_drops measures on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
DAY = 1440
HISTORY = 28 * DAY
_HOLIDAYS = (11, 46)  # days, of the history and of the month after it


@dataclass(frozen=True)
class Kind:
    """A kind of goal. `rate` gives relative rates by minute since the epoch; `restless`: the rate itself varies."""

    name: str
    rate: Callable[[I64], F64]
    restless: bool = False


def _even(minutes: I64) -> F64:
    return np.ones(len(minutes))


def _day(minutes: I64) -> F64:
    return 1 + 0.8 * np.sin(2 * np.pi * (minutes % DAY / 60 - 9) / 24)


def _week(minutes: I64) -> F64:
    of_day = np.array([1.1, 1.1, 0.8, 0.9, 1.0, 1.0, 1.1])
    return np.asarray(_day(minutes) * of_day[minutes // DAY % 7])


def _growing(minutes: I64) -> F64:
    """Three percent a day, and as many as the others when the history ends."""
    return _week(minutes) * np.exp(0.03 * (minutes - HISTORY) / DAY)


def _closed(minutes: I64) -> F64:
    """A shop that is open from 7 to 23."""
    hour = minutes % DAY / 60
    return np.where((hour >= 7) & (hour < 23), 1.5 * _week(minutes) / _day(minutes), 0)


def _holiday(minutes: I64) -> F64:
    return _week(minutes) * np.where(on_holiday(minutes), 0.4, 1)


def on_holiday(minutes: I64) -> NDArray[np.bool_]:
    """Which of the minutes are on a holiday of the kind that has some."""
    return np.isin(minutes // DAY, _HOLIDAYS)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("quiet", _even),
        Kind("rhythm", _week),
        Kind("growing", _growing),
        Kind("holiday", _holiday),
        Kind("overnight zero", _closed),
        Kind("restless", _week, restless=True),
    )
}


def _restlessness(rng: np.random.Generator, goals: int, minutes: int) -> F64:
    """What no model foresees: days that are 8 % better or worse, half-hours 15 %, and once in two weeks an hour that
    brings three times as many."""
    days = rng.normal(0, 0.08, (goals, minutes // DAY + 1)).repeat(DAY, axis=1)[:, :minutes]
    halves = rng.normal(0, 0.15, (goals, minutes // 30 + 1)).repeat(30, axis=1)[:, :minutes]
    spikes = (rng.random((goals, minutes // 60 + 1)) < 1 / 336).repeat(60, axis=1)[:, :minutes]
    return np.asarray(np.exp(days + halves) * np.where(spikes, 3, 1))


@dataclass(frozen=True)
class Months:
    """Simulated goals from the epoch on: true rates a minute (minutes,), counts (goals, minutes)."""

    rate: F64
    counts: I64

    @classmethod
    def of(cls, kind: Kind, hourly: float, goals: int, minutes: int, seed: int) -> Months:
        """So many goals of a kind with so many conversions an hour on average."""
        rng = np.random.default_rng([seed, round(hourly), *kind.name.encode()])
        rate = kind.rate(np.arange(minutes)) * hourly / 60
        varied = rate * _restlessness(rng, goals, minutes) if kind.restless else np.broadcast_to(rate, (goals, minutes))
        return cls(rate, rng.poisson(varied))

    def dropped(self, drop: float, start: I64, seed: int) -> Months:
        """The same without that share of the conversions from those minutes (goals,) on."""
        thinned = np.random.default_rng(seed).binomial(self.counts, 1 - drop)
        return Months(self.rate, np.where(np.arange(len(self.rate)) >= start[:, None], thinned, self.counts))
