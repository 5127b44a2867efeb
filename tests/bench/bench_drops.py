"""How soon a drop of conversions is noticed, and how often one is that never was, on simulated months.

    python tests/bench/bench_drops.py [--goals 48] [--kinds quiet,rhythm,...] [--rates 2,60,600,2000]

Each goal has four weeks of history, then a month without a drop (false alarms), then a drop at a random minute (delay).
Beside the watch as it ships, three rules on the same counts, each with the threshold at which it has as many false
alarms as the watch in that very month, or less:

- half    the last 60 minutes below a share of the same 60 minutes a week before (the share that people take is a half)
- sigma   the last 60 minutes some standard deviations (of Poisson) below their mean in the four weeks before
- cusum   Page's test, told the true expectation and the size of the drop: the best that any detector can do

`limit` is Lorden's: the minutes in which the information about the drop adds up to ln(A), A being a month of minutes;
where the rate is constant, ln(A) / (l1 ln(l1/l0) + l0 - l1). It holds for large A; where a month brings little
information, at few conversions an hour, even the best detector's delay is not its multiple, and may be less.
Nothing is noticed before its minute is over: limits are rounded up to whole minutes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.drops import FALSE_ALARM, Watch

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
DAY, WEEK, MONTH = 1440, 10_080, FALSE_ALARM
HISTORY = 28 * DAY
CALM = 2 * DAY  # of watching before a drop
HOLIDAY = 17  # day of the month
DROPS = (0.2, 0.5, 1.0)
LONGEST = 28 * DAY  # that a drop is waited for


@dataclass(frozen=True)
class Kind:
    """A kind of goal. `rate` gives relative rates by minute since the epoch; `restless`: the rate itself varies."""

    name: str
    rate: Callable[[I64], F64]
    restless: bool = False


def _day(minutes: I64) -> F64:
    return 1 + 0.8 * np.sin(2 * np.pi * (minutes % DAY / 60 - 9) / 24)


def _week(minutes: I64) -> F64:
    of_day = np.array([1.1, 1.1, 0.8, 0.9, 1.0, 1.0, 1.1])
    return _day(minutes) * of_day[minutes // DAY % 7]


def _growing(minutes: I64) -> F64:
    """Three percent a day, and as many as the others when the history ends."""
    return _week(minutes) * np.exp(0.03 * (minutes - HISTORY) / DAY)


def _closed(minutes: I64) -> F64:
    """A shop that is open from 7 to 23."""
    hour = minutes % DAY / 60
    return np.where((hour >= 7) & (hour < 23), 1.5 * _week(minutes) / _day(minutes), 0)


def _holiday(minutes: I64) -> F64:
    off = (minutes // DAY == 11) | (minutes // DAY == HISTORY // DAY + HOLIDAY)
    return _week(minutes) * np.where(off, 0.4, 1)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("quiet", lambda minutes: np.ones(len(minutes))),
        Kind("rhythm", _week),
        Kind("growing", _growing),
        Kind("holiday", _holiday),
        Kind("overnight zero", _closed),
        Kind("restless", _week, restless=True),
    )
}


def restlessness(rng: np.random.Generator, goals: int, minutes: int) -> F64:
    """What no model foresees: days that are 8 % better or worse, half-hours 15 %, and once in two weeks an hour that
    brings three times as many."""
    days = rng.normal(0, 0.08, (goals, minutes // DAY + 1)).repeat(DAY, axis=1)[:, :minutes]
    halves = rng.normal(0, 0.15, (goals, minutes // 30 + 1)).repeat(30, axis=1)[:, :minutes]
    spikes = (rng.random((goals, minutes // 60 + 1)) < 1 / 336).repeat(60, axis=1)[:, :minutes]
    return np.asarray(np.exp(days + halves) * np.where(spikes, 3, 1))


@dataclass
class Months:
    """Simulated goals from the epoch on: true rates a minute (minutes,), counts (goals, minutes)."""

    rate: F64
    counts: I64

    @classmethod
    def of(cls, kind: Kind, hourly: float, goals: int, minutes: int, seed: int) -> Months:
        rng = np.random.default_rng([seed, round(hourly), *kind.name.encode()])
        rate = kind.rate(np.arange(minutes)) * hourly / 60
        varied = rate * restlessness(rng, goals, minutes) if kind.restless else np.broadcast_to(rate, (goals, minutes))
        return cls(rate, rng.poisson(varied))

    def drop(self, drop: float, start: I64, seed: int) -> None:
        """Lose that share of the conversions from those minutes (goals,) on."""
        thinned = np.random.default_rng(seed).binomial(self.counts, 1 - drop)
        self.counts = np.where(np.arange(len(self.rate)) >= start[:, None], thinned, self.counts)


def watch(months: Months, end: int, until_all: bool = False) -> tuple[list[list[int]], Watch]:
    """The minutes in which alarms are raised, by goal. Stops early once each goal has one after CALM."""
    goals = len(months.counts)
    watch = Watch.after(0, months.counts[:, :HISTORY].astype(float), np.ones((goals, HISTORY), np.bool_))
    raised: list[list[int]] = [[] for _ in range(goals)]
    known = np.ones(goals, np.bool_)
    for minute in range(HISTORY, end):
        before = watch.alarms.on.copy()
        watch.add(months.counts[:, minute].astype(float), known)
        for goal in np.flatnonzero(watch.alarms.on & ~before):
            raised[goal].append(minute)
        if until_all and all(found and found[-1] >= HISTORY + CALM for found in raised):
            break
    return raised, watch


def last_hour(values: F64 | I64) -> F64:
    """Sums over the sixty minutes up to and with each, along the last axis; NaN before."""
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), values.cumsum(-1)], axis=-1)
    hours = sums[..., 60:] - sums[..., :-60]
    return np.concatenate([np.full((*values.shape[:-1], 59), np.nan), hours], axis=-1)


def half(months: Months, _: float) -> F64:
    """How far below the same hour last week: (before - now) / before."""
    now = last_hour(months.counts)
    before = np.concatenate([np.full_like(now[:, :WEEK], np.nan), now[:, :-WEEK]], axis=1)
    return np.where(before > 0, 1 - now / np.where(before > 0, before, 1), -1)


def sigma(months: Months, _: float) -> F64:
    """Standard deviations below the mean of the same hour of the last four weeks."""
    now = last_hour(months.counts)
    weeks = [np.pad(now, ((0, 0), (week * WEEK, 0)), constant_values=np.nan)[:, : now.shape[1]] for week in range(1, 5)]
    due = np.mean(weeks, axis=0)
    return np.where(due > 0, (due - now) / np.sqrt(np.where(due > 0, due, 1)), -1)


def cusum(months: Months, drop: float) -> F64:
    """Page's statistic with the true rate before and after."""
    rate = months.rate * min(drop, 0.999999)
    steps = months.counts * math.log1p(-min(drop, 0.999999)) + rate
    level, levels = np.zeros(len(steps)), np.empty(steps.shape)
    for minute in range(steps.shape[1]):
        level = np.maximum(level, 0) + steps[:, minute]
        levels[:, minute] = level
    return levels


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


def information(drop: float) -> float:
    """Kullback and Leibler's, of what is left of an expected conversion against it."""
    left = 1 - drop
    return (left * math.log(left) if left else 0) + drop


def limits(rate: F64, drop: float, start: I64) -> F64:
    """Lorden's limit (goals,) in minutes for a drop that begins in those minutes."""
    gained = np.cumsum(rate) * information(drop)
    before = np.where(start > 0, gained[start - 1], 0)
    reached = np.interp(before + math.log(MONTH), gained, np.arange(1, len(rate) + 1))
    return np.ceil(reached - start - 1e-6)


@dataclass
class Delays:
    """Minutes to notice a drop, the longest wait where it was not: of the watch and of each rule."""

    limit: float
    watch: float
    missed: float
    rules: dict[str, float]


def delays(kind: Kind, hourly: float, drop: float, goals: int, thresholds: dict[str, float]) -> Delays:
    """Means over goals without an alarm before the drop."""
    wait = int(min(max(4 * math.log(MONTH) / (information(drop) * hourly / 60), 720), LONGEST))
    months = Months.of(kind, hourly, goals, HISTORY + CALM + DAY + wait + LONGEST, seed=2)
    rng = np.random.default_rng(3)
    awake = np.flatnonzero(months.rate[HISTORY + CALM : HISTORY + CALM + DAY] > 0)
    start = HISTORY + CALM + rng.choice(awake, goals)
    limit = limits(months.rate, drop, start)
    months = Months(months.rate[: HISTORY + CALM + DAY + wait], months.counts[:, : HISTORY + CALM + DAY + wait])
    months.drop(drop, start, seed=4)
    raised, _ = watch(months, months.counts.shape[1], until_all=True)
    after = [[minute for minute in found if minute >= at] for found, at in zip(raised, start, strict=True)]
    clear = np.array([not any(minute < at for minute in found) for found, at in zip(raised, start, strict=True)])
    own = np.array([min(found[0] - at + 1, wait) if found else wait for found, at in zip(after, start, strict=True)])
    rules = {
        name: float(_first(rule(months, drop), start, thresholds[name], wait)[clear].mean())
        for name, rule in RULES.items()
    }
    return Delays(limit[clear].mean(), own[clear].mean(), (own[clear] == wait).mean(), rules)


def _first(statistic: F64, start: I64, over: float, wait: int) -> F64:
    later = (statistic > over) & (np.arange(statistic.shape[1]) >= start[:, None])
    return np.where(later.any(1), np.minimum(later.argmax(1) - start + 1, wait), wait)


@dataclass
class Calm:
    """A month without a drop: alarms a goal and week, on the holiday (share of goals), and each rule's threshold by
    drop; `written`: how often a goal and week half the same hour last week would have been an alarm."""

    weekly: float
    holiday: float
    thresholds: dict[float, dict[str, float]]
    written: float


def calm(kind: Kind, hourly: float, goals: int) -> Calm:
    months = Months.of(kind, hourly, goals, HISTORY + MONTH, seed=1)
    raised, _ = watch(months, HISTORY + MONTH)
    quiet_day = HISTORY // DAY + HOLIDAY if kind.name == "holiday" else -1
    on_it = [any(minute // DAY == quiet_day for minute in found) for found in raised]
    usual = np.arange(HISTORY, HISTORY + MONTH) // DAY != quiet_day
    false = [[minute - HISTORY + 1 for minute in found if usual[minute - HISTORY]] for found in raised]
    rate = first_rate(np.array([found[0] if found else np.inf for found in false]))
    shared = {name: threshold(RULES[name](months, 0)[:, HISTORY:], usual, rate) for name in ("half", "sigma")}
    thresholds = {drop: shared | {"cusum": threshold(cusum(months, drop)[:, HISTORY:], usual, rate)} for drop in DROPS}
    below = (half(months, 0)[:, HISTORY:] > 0.5) & usual
    begun = (below[:, 1:] & ~below[:, :-1]).sum()
    weeks = goals * MONTH / WEEK
    return Calm(sum(map(len, false)) / weeks, float(np.mean(on_it)), thresholds, begun / weeks)


def first_weeks(hourly: float, goals: int) -> list[float]:
    """False alarms a goal in each of the first four weeks of goals that nothing is known of."""
    months = Months.of(KINDS["rhythm"], hourly, goals, 4 * WEEK, seed=5)
    unknown = Watch.begin(goals, 0)
    raised = np.zeros(4)
    for minute in range(4 * WEEK):
        before = unknown.alarms.on.copy()
        unknown.add(months.counts[:, minute].astype(float), np.ones(goals, np.bool_))
        raised[minute // WEEK] += (unknown.alarms.on & ~before).sum()
    return (raised / goals).tolist()


COLUMNS = ("kind", "an hour", "false", "half: false", "drop", "limit", "watch", "times", "missed", *RULES)


def line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(f"{cell:>11}" for cell in cells) + " |"


def measure(kind: Kind, hourly: float, goals: int) -> None:
    """Print the lines of one kind and rate."""
    quiet = calm(kind, hourly, goals)
    head = (kind.name, f"{hourly:g}", f"{quiet.weekly:.2f}", f"{quiet.written:.1f}")
    for drop in DROPS:
        found = delays(kind, hourly, drop, goals, quiet.thresholds[drop])
        times = f"{found.limit:,.0f}", f"{found.watch:,.0f}", f"{found.watch / found.limit:.2f}", f"{found.missed:.0%}"
        print(line((*head, f"{drop:.0%}", *times, *(f"{found.rules[name]:,.0f}" for name in RULES))), flush=True)
    if kind.name == "holiday":
        print(f"  (on the holiday itself, {quiet.holiday:.0%} of the goals had an alarm)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goals", type=int, default=48)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rates", default="2,60,600,2000")
    chosen = parser.parse_args()
    print(f"{chosen.goals} goals a line; delays in minutes; false alarms a goal and week (a month: 0.23)")
    print(line(COLUMNS))
    print(line(tuple("---:" for _ in COLUMNS)))
    for name in chosen.kinds.split(","):
        for hourly in chosen.rates.split(","):
            measure(KINDS[name], float(hourly), chosen.goals)
    for hourly in chosen.rates.split(","):
        weeks = ", ".join(f"{false:.2f}" for false in first_weeks(float(hourly), chosen.goals))
        print(f"new goals with {hourly} an hour, false alarms a goal in the first four weeks: {weeks}", flush=True)


if __name__ == "__main__":
    main()
