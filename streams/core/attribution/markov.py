"""The Markov model: what each campaign's removal would cost, from how journeys go from campaign to campaign.

A first-order chain (Anderl, Becker, von Wangenheim and Schumann 2016): its states are the campaigns, it is entered
with a journey's first touch and left by a conversion or without. Solved exactly: the same counts, the same result.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.attribution.models import Journeys, Shares, split
from streams.core.columns.arrays import F64

OUTSIDE = ""  # where journeys come from, and where they go: to the conversion, or nowhere
MAX_CAMPAIGNS = 2000  # campaigns: an exact solution takes their number cubed
_UNITS = 10**9  # to which a removal effect is rounded where credit is shared out


class Transition(NamedTuple):
    """How many times journeys went from one campaign to the next, or from or to OUTSIDE: those that `converted`, and
    those that `ended` without."""

    source: str
    target: str
    converted: int
    ended: int


class UnsolvableError(ValueError):
    """The chain has no solution; the text says for which campaigns."""


class _Chain(NamedTuple):
    """A Markov chain: the campaigns, sorted; counts from each to each, from outside, to the conversion, and out of each
    in all."""

    names: Sequence[str]
    inner: F64
    entered: F64
    converted: F64
    left: F64
    converting: NDArray[np.bool_]  # whether any journey that converted has it


def removal_effects(transitions: Sequence[Transition]) -> dict[str, float]:
    """By campaign, the share of conversions that the chain loses when every journey ends where the campaign would have
    come: P(from outside to the campaign) x P(from there to the conversion) / P(from outside to the conversion).

    A campaign that is in no journey that converted has 0. Raises UnsolvableError where journeys can come to a campaign
    and never leave, or where there are more than MAX_CAMPAIGNS.
    """
    chain = _chain(transitions)
    if not chain.names or not chain.converted.any():
        return dict.fromkeys(chain.names, 0.0)
    visits = np.linalg.solve(np.eye(len(chain.names)) - chain.inner / chain.left[:, None], np.eye(len(chain.names)))
    converts = visits @ (chain.converted / chain.left)
    enters = chain.entered / chain.entered.sum()
    reaches = enters @ visits / np.diag(visits)  # visits to it, by visits to it of those that are there
    effects = np.where(chain.converting, np.clip(reaches * converts / (enters @ converts), 0, 1), 0.0)
    return dict(zip(chain.names, effects.tolist(), strict=True))


def _chain(transitions: Sequence[Transition]) -> _Chain:
    names = sorted({name for t in transitions for name in t[:2] if name != OUTSIDE})
    if len(names) > MAX_CAMPAIGNS:
        raise UnsolvableError(
            f"{len(names)} campaigns are more than the {MAX_CAMPAIGNS} that can be solved for; "
            "list in the catalogue, as aliases of one campaign, what belongs together"
        )
    if stuck := _stuck(transitions, names):
        raise UnsolvableError(f"no journey that came to {', '.join(stuck)} has ended yet; wait until one has")
    at = {name: i for i, name in enumerate(names)}
    n = len(names)
    counts, converted, converting = np.zeros((n + 1, n + 1)), np.zeros(n + 1), np.zeros(n + 1, np.bool_)
    for t in transitions:
        source, target = at.get(t.source, n), at.get(t.target, n)
        counts[source, target] += t.converted + t.ended
        converted[source] += t.converted if t.target == OUTSIDE else 0
        converting[[source, target]] |= t.converted > 0
    left = counts[:n].sum(axis=1)
    return _Chain(names, counts[:n, :n], counts[n, :n], converted[:n], left, converting[:n])


def _stuck(transitions: Iterable[Transition], names: Sequence[str]) -> list[str]:
    """The campaigns from which there is no way out: those make the system singular."""
    before = defaultdict[str, set[str]](set)
    for t in transitions:
        if t.converted + t.ended:
            before[t.target].add(t.source)
    leads_out, found = {OUTSIDE}, [OUTSIDE]
    while found:
        found = list({source for target in found for source in before[target]} - leads_out)
        leads_out.update(found)
    return [name for name in names if name not in leads_out]


def finished(transitions: Sequence[Transition]) -> list[Transition]:
    """The chain without what leads to campaigns that no journey has left yet: those journeys are still under way."""
    stuck = set(_stuck(transitions, sorted({name for t in transitions for name in t[:2] if name != OUTSIDE})))
    return [t for t in transitions if t.source not in stuck and t.target not in stuck]


def credit(total: int, effects: Mapping[str, float]) -> dict[str, int]:
    """`total` (millionths) shared out in proportion to the removal effects; the parts add up exactly. Nothing where
    all effects are 0."""
    weights = np.array([round(effect * _UNITS) for effect in effects.values()], object)
    n = len(weights)
    if not weights.any():
        return {}
    one = Journeys(np.array([0, n]), np.zeros(n, np.int64), np.zeros(n, np.bool_), np.zeros(n, np.int64))
    shares = Shares(weights, np.full(n, weights.sum(), object))
    return dict(zip(effects, split(np.array([total], object), shares, one).tolist(), strict=True))
