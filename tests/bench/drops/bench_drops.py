"""How soon a drop of conversions is noticed, and how often one is that never was, on simulated months.

    python -m tests.bench.drops.bench_drops [--goals 24] [--kinds quiet,rhythm,...] [--rates 2,60,600,2000]

Each goal has four weeks of history, then a month without a drop (false alarms), or a day and then a drop at a random
minute of the next (delay). Beside the watch as it ships, three rules on the same counts, each with the threshold at
which it has as many false alarms as the watch in that very month, or fewer:

- half    the last 60 minutes below a share of the same 60 minutes a week before (the share that people take is a half)
- sigma   the last 60 minutes some standard deviations (of Poisson) below their mean in the four weeks before
- cusum   Page's test, told the true expectation and the size of the drop: the best that any detector can do

`limit` is Lorden's: the minutes in which the information about the drop adds up to ln(A), A being a month of minutes;
where the rate is constant, ln(A) / (l1 ln(l1/l0) + l0 - l1). It holds for large A and for counts of Poisson at a known
rate: where a month brings little information, at few conversions an hour, a delay may be less, and where the rate
itself is restless, none comes near. Nothing is noticed before its minute is over.

A drop is waited for four times the limit, half a day at least and two weeks at most; what was not noticed by then
(`missed`) counts as noticed then, so that a mean with a `>` is too small.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from streams.core.detection.detector import DropDetector
from tests.bench.drops.drop_rules import (
    MONTH,
    RULES,
    WEEK,
    cusum,
    first_over,
    first_rate,
    half,
    information,
    limits,
    threshold,
)
from tests.bench.drops.goal_months import DAY, F64, HISTORY, I64, KINDS, Kind, Months, on_holiday

CALM = DAY  # of watching before a drop may begin
DROPS = (0.2, 0.5, 1.0)
LONGEST = 14 * DAY  # that a drop is waited for: with what is before it, until the holiday


def watch(kinds: Sequence[Months], until_all: bool = False) -> list[list[list[int]]]:
    """The minutes after the history in which alarms are raised, by kind and goal, all watched at once. Stops early once
    each goal has one after CALM."""
    counts = np.concatenate([months.counts for months in kinds]).astype(np.float32)
    known = np.ones((len(counts), HISTORY), np.bool_)
    watch = DropDetector.after(0, counts[:, :HISTORY].astype(float), known)
    raised: list[list[int]] = [[] for _ in counts]
    for minute in range(HISTORY, counts.shape[1]):
        before = watch.alarms.on
        watch.add(counts[:, minute].astype(float), known[:, 0])
        for goal in np.flatnonzero(watch.alarms.on & ~before):
            raised[goal].append(minute)
        if until_all and all(found and found[-1] >= HISTORY + CALM for found in raised):
            break
    goals = len(counts) // len(kinds)
    return [raised[at : at + goals] for at in range(0, len(counts), goals)]


@dataclass(frozen=True)
class Calm:
    """A month without a drop: alarms a goal and week, of the watch and of half the same hour last week; on a holiday
    (share of goals with one); each rule's threshold by drop."""

    weekly: float
    written: float
    holiday: float
    thresholds: dict[float, dict[str, float]]


def calm(months: Months, raised: list[list[int]], holidays: bool) -> Calm:
    """What those alarms amount to. A holiday is no false alarm, for the watch or for a rule."""
    usual = ~(on_holiday(np.arange(HISTORY, HISTORY + MONTH)) & holidays)
    false = [[minute - HISTORY + 1 for minute in found if usual[minute - HISTORY]] for found in raised]
    rate = first_rate(np.array([found[0] if found else np.inf for found in false]))
    shared = {name: threshold(RULES[name](months, 0)[:, HISTORY:], usual, rate) for name in ("half", "sigma")}
    thresholds = {drop: shared | {"cusum": threshold(cusum(months, drop)[:, HISTORY:], usual, rate)} for drop in DROPS}
    below = (half(months, 0)[:, HISTORY:] > 0.5) & usual
    begun = (below[:, 1:] & ~below[:, :-1]).sum()
    weeks = len(raised) * MONTH / WEEK
    on_one = np.mean([any(not usual[minute - HISTORY] for minute in found) for found in raised])
    return Calm(sum(map(len, false)) / weeks, begun / weeks, float(on_one), thresholds)


@dataclass(frozen=True)
class Found:
    """Minutes (goals,) to notice a drop, infinite where it was not, and the longest that was waited."""

    minutes: F64
    wait: int

    @property
    def mean(self) -> float:
        return float(np.minimum(self.minutes, self.wait).mean())

    @property
    def missed(self) -> float:
        return float((self.minutes > self.wait).mean())

    @property
    def more(self) -> str:
        return "> " if self.missed else ""

    def __str__(self) -> str:
        return f"{self.more}{self.mean:,.0f}"


@dataclass(frozen=True)
class Delays:
    """Of goals without an alarm before the drop: the mean limit in minutes, what the watch found and each rule."""

    limit: float
    watch: Found
    rules: dict[str, Found]

    @property
    def cells(self) -> tuple[str, ...]:
        times = f"{self.watch.more}{self.watch.mean / self.limit:.2f}"
        own = f"{self.limit:,.0f}", str(self.watch), times, f"{self.watch.missed:.0%}"
        return (*own, *map(str, self.rules.values()))


def dropped(kinds: Sequence[Kind], hourly: float, drop: float, goals: int) -> tuple[list[Months], list[I64], int]:
    """Goals of each kind that lose a share of their conversions, from which minutes on, and how long to wait."""
    wait = int(min(max(4 * math.log(MONTH) / (information(drop) * hourly / 60), 720), LONGEST))
    rng = np.random.default_rng(3)
    length, first = HISTORY + CALM + DAY + wait, HISTORY + CALM
    before = [Months.of(kind, hourly, goals, length, seed=2) for kind in kinds]
    starts = [first + rng.choice(np.flatnonzero(months.rate[first : first + DAY] > 0), goals) for months in before]
    return [months.dropped(drop, start, 4) for months, start in zip(before, starts, strict=True)], starts, wait


def delays(
    kinds: Sequence[Kind], hourly: float, drop: float, goals: int, thresholds: Sequence[dict[str, float]]
) -> list[Delays]:
    """By kind."""
    all_months, starts, wait = dropped(kinds, hourly, drop, goals)
    found = []
    for kind, months, start, raised, over in zip(
        kinds, all_months, starts, watch(all_months, until_all=True), thresholds, strict=True
    ):
        clear = np.array([not each or each[0] >= at for each, at in zip(raised, start, strict=True)])
        own = np.array([each[0] - at + 1 if each else np.inf for each, at in zip(raised, start, strict=True)])
        limit = limits(kind.rate(np.arange(start.max() + 2 * LONGEST)) * hourly / 60, drop, start)
        rules = {name: first_over(rule(months, drop), start, over[name])[clear] for name, rule in RULES.items()}
        by_rule = {name: Found(minutes, wait) for name, minutes in rules.items()}
        found.append(Delays(limit[clear].mean(), Found(own[clear], wait), by_rule))
    return found


def first_weeks(hourly: float, goals: int) -> str:
    """Says how many false alarms goals have that nothing is known of."""
    counts = Months.of(KINDS["rhythm"], hourly, goals, 4 * WEEK, seed=5).counts
    unknown, known, raised = DropDetector.begin(goals, 0), np.ones(goals, np.bool_), np.zeros((4, goals))
    for minute in range(4 * WEEK):
        before = unknown.alarms.on
        unknown.add(counts[:, minute].astype(float), known)
        raised[minute // WEEK] += unknown.alarms.on & ~before
    weeks = ", ".join(f"{false:.2f}" for false in raised.mean(1))
    return f"new goals with {hourly:g} an hour, false alarms a goal in the first four weeks: {weeks}"


COLUMNS = ("kind", "an hour", "false a week", "half: false", "drop", "limit", "watch", "times", "missed", *RULES)


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(f"{cell:>12}" for cell in cells) + " |"


def measure(kinds: Sequence[Kind], hourly: float, goals: int) -> list[str]:
    """The lines of one rate, and what is to be said besides."""
    months = [Months.of(kind, hourly, goals, HISTORY + MONTH, seed=1) for kind in kinds]
    quiet = [
        calm(each, raised, kind.name == "holiday")
        for kind, each, raised in zip(kinds, months, watch(months), strict=True)
    ]
    by_drop = {drop: delays(kinds, hourly, drop, goals, [each.thresholds[drop] for each in quiet]) for drop in DROPS}
    lines, besides = [], [first_weeks(hourly, goals)]
    for at, (kind, without) in enumerate(zip(kinds, quiet, strict=True)):
        for drop in DROPS:
            head = kind.name, f"{hourly:g}", f"{without.weekly:.2f}", f"{without.written:.1f}", f"{drop:.0%}"
            lines.append(line((*head, *by_drop[drop][at].cells)))
        if kind.name == "holiday":
            besides.append(f"goals with {hourly:g} an hour that had an alarm on the holiday: {without.holiday:.0%}")
    return [*lines, *besides]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goals", type=int, default=24)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rates", default="2,60,600,2000")
    chosen = parser.parse_args()
    kinds = [KINDS[name] for name in chosen.kinds.split(",")]
    print(f"{chosen.goals} goals a line; delays in minutes; one false alarm a month is 0.23 a week")
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(measure, kinds, float(rate), chosen.goals) for rate in chosen.rates.split(",")]
        for job in jobs:
            print("\n".join([line(COLUMNS), line(["---:"] * len(COLUMNS)), *job.result()]), flush=True)


if __name__ == "__main__":
    main()
