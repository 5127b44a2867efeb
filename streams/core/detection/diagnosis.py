"""Diagnosis: whether fewer conversions are counted because the pipeline is late, because a tag broke, because fewer
people came, or because fewer of those who came convert; and which campaigns or networks lost them.

What is missing is the yardstick: a cause counts where it is large enough to explain half of that.
"""

from collections.abc import Mapping, Sequence
from math import log, sqrt
from typing import Literal, NamedTuple

Cause = Literal["late", "refused", "silence", "tag", "people", "conversions"]

EXPLAINED: Mapping[Cause, str] = {
    "late": "the pipeline is late: what is missing may be among the records not read yet",
    "refused": "what is missing may be among the dead letters: checkouts arrive and cannot be used",
    "silence": "no engagement arrives either: the sites, or what lies between them and the broker, are down",
    "tag": "engagement goes on and no checkout arrives from some sources: their tag or checkout is broken",
    "people": "engagement fell as much: fewer people came, as on a holiday or after a campaign",
    "conversions": "engagement goes on and fewer of it convert: price, stock, payment, or what was promised",
}

_LATE = 60.0  # seconds behind that are no hiccup
_CERTAIN = 7.0  # expected where none is seen: by chance once in e^7, a thousand, times
_NO_CHANCE = 2.0  # of a log likelihood ratio: by chance about once in twenty times
_DAY = 1440  # minutes
_WEEKS, _DAYS = (7, 14, 21, 28), (1, 2, 3)  # days before, of what a drop is compared with

Span = tuple[int, int]  # minutes, the last not included


class ExpectedSeen(NamedTuple):
    """What was to be expected of something since the drop began, and what was seen."""

    expected: float
    seen: float

    @property
    def missing(self) -> float:
        """How many fewer, at least 0."""
        return max(self.expected - self.seen, 0.0)

    @property
    def silent(self) -> bool:
        """None where there should be some."""
        return not self.seen and self.expected >= _CERTAIN


class Pipeline(NamedTuple):
    """The pipeline since the drop began: checkout records not read yet, seconds that the oldest of them waits (or that
    the watermark is behind), checkout records that became dead letters beyond the usual."""

    unread: int
    behind: float
    dead_letters: float


class CampaignCounts(NamedTuple):
    """Conversions of a campaign on a network ('' = unattributed): `seen` since the drop began, and `usual` ones, in the
    spans that this is compared with together."""

    campaign: str
    network: str
    seen: float
    usual: float


class Diagnosis(NamedTuple):
    """The likeliest cause, and the sources whose tag broke if that is it."""

    cause: Cause
    sources: tuple[str, ...] = ()


class Loss(NamedTuple):
    """A campaign or network that lost conversions beyond chance: how many, and their share of all losses, 0 to 1."""

    name: str
    missing: float
    share: float


def diagnose(
    goal: ExpectedSeen, pipeline: Pipeline, engagement: ExpectedSeen, sources: Mapping[str, ExpectedSeen]
) -> Diagnosis:
    """Why a goal gets fewer conversions than expected.

    `engagement` is that of all campaigns, `sources` the goal's checkouts by where they come from (shop, site, till).
    A broken pipeline goes before everything: what it has not counted, nobody can judge.
    """
    if pipeline.behind >= _LATE and 2 * pipeline.unread >= goal.missing:
        return Diagnosis("late")
    if pipeline.dead_letters and 2 * pipeline.dead_letters >= goal.missing:
        return Diagnosis("refused")
    if engagement.silent:
        return Diagnosis("silence")
    # Where nothing comes at all, each source alone may be too small to tell.
    broken = tuple(sorted(name for name, flow in sources.items() if flow.silent or goal.silent))
    if broken and _goes_on(engagement, goal) and 2 * sum(sources[name].missing for name in broken) >= goal.missing:
        return Diagnosis("tag", broken)
    return Diagnosis("people" if _as_few(engagement, goal) else "conversions")


def _ratio(flow: ExpectedSeen) -> float:
    return flow.seen / flow.expected if flow.expected else 1.0


def _goes_on(engagement: ExpectedSeen, goal: ExpectedSeen) -> bool:
    """Engagement lost less than half of the share that the goal lost."""
    return 1 - _ratio(engagement) < (1 - _ratio(goal)) / 2


def _as_few(engagement: ExpectedSeen, goal: ExpectedSeen) -> bool:
    """The goal's conversions are what so much engagement brings, within two standard deviations."""
    due = goal.expected * _ratio(engagement)
    return not _goes_on(engagement, goal) and goal.seen >= due - 2 * sqrt(due)


def losses(expected: float, usual: Mapping[str, float], seen: Mapping[str, float]) -> list[Loss]:
    """Which campaigns (or networks) explain a shortfall, the largest loss first.

    `expected` conversions are shared out as they `usual`ly come, in counts of the same hours before; `seen` are those
    since the drop began. A loss that chance explains is left out (a likelihood ratio test of each count).
    """
    total = sum(usual.values())
    flows = {name: ExpectedSeen(expected * count / total, seen.get(name, 0)) for name, count in usual.items() if total}
    everything = sum(flow.missing for flow in flows.values())
    found = [
        Loss(name, flow.missing, flow.missing / everything) for name, flow in flows.items() if _beyond_chance(flow)
    ]
    return sorted(found, key=lambda loss: (-loss.missing, loss.name))


def _beyond_chance(flow: ExpectedSeen) -> bool:
    """Half the deviance of a Poisson count below its mean."""
    surprise = flow.expected - flow.seen + (flow.seen * log(flow.seen / flow.expected) if flow.seen else 0.0)
    return flow.missing > 0 and surprise >= _NO_CHANCE


def comparable(span: Span, known: int) -> list[Span]:
    """The spans that show what is usual in this one, none before the minute `known`: the same hours of the weeks
    before, else of the days before, else what was just before."""
    since, until = span
    for days in (_WEEKS, _DAYS):
        shifts = [day * _DAY for day in days if until - since <= day * _DAY <= since - known]
        if shifts:
            return [(since - shift, until - shift) for shift in shifts]
    before = max(2 * since - until, known)
    return [(before, since)] if before < since else []


def beyond_usual(totals: Sequence[tuple[int, int]], since: int) -> float:
    """How many more than usual came since a minute, from running totals by minute, of which those before say what is
    usual."""
    before = [(minute, total) for minute, total in totals if minute <= since] or list(totals[:1])
    if not totals:
        return 0.0
    (first, none), (start, some), (end, all_) = before[0], before[-1], totals[-1]
    usual = (some - none) / (start - first) if start > first else 0.0
    return max(all_ - some - usual * (end - start), 0.0)
