"""Credit models: how a conversion is shared among its touches, in whole millionths that add up exactly.

All functions work on many journeys at once. A journey's touches lie side by side in flat arrays, in order, and
journey `i` owns `starts[i]:starts[i + 1]`; every journey has at least one touch. Formulas: docs/explanation/models.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import I64

WHOLE = 1_000_000  # one conversion, in millionths
_PIECE = 1 << 16  # touches
_HALF_LIFE = np.longdouble(7 * 24 * 3600 * 1000)  # ms


@dataclass(frozen=True)
class Journeys:
    """`starts` (n + 1); per touch: `age` before the conversion in ms, whether it is a `click`, a `campaign` code."""

    starts: I64
    age: I64
    click: NDArray[np.bool_]
    campaign: I64

    @cached_property
    def lengths(self) -> I64:
        return np.diff(self.starts)

    @cached_property
    def owner(self) -> I64:
        """Per touch, the journey it belongs to."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    @cached_property
    def place(self) -> I64:
        """Per touch, its position in its journey, from 0."""
        return np.arange(len(self.age)) - self.starts[self.owner]


class Shares(NamedTuple):
    """Per touch the share `numerator / denominator` (integers) of its journey's whole; they add up to 1 in each."""

    numerator: NDArray[Any]
    denominator: NDArray[Any]


def _all_to(touch: I64, journeys: Journeys) -> Shares:
    numerator = np.zeros(len(journeys.age), np.int64)
    numerator[touch] = 1
    return Shares(numerator, np.ones_like(numerator))


def first(journeys: Journeys) -> Shares:
    """All to the first touch."""
    return _all_to(journeys.starts[:-1], journeys)


def last(journeys: Journeys) -> Shares:
    """All to the last touch."""
    return _all_to(journeys.starts[1:] - 1, journeys)


def last_click(journeys: Journeys) -> Shares:
    """All to the last click, or to the last touch where there is none."""
    clicked = np.where(journeys.click, np.arange(len(journeys.click)), -1)
    latest = np.maximum.reduceat(clicked, journeys.starts[:-1])
    return _all_to(np.where(latest >= 0, latest, journeys.starts[1:] - 1), journeys)


def linear(journeys: Journeys) -> Shares:
    """Equal shares to all touches."""
    return Shares(np.ones(len(journeys.age), np.int64), journeys.lengths[journeys.owner])


def position(journeys: Journeys) -> Shares:
    """0.4 to the first and the last, 0.2 shared by those between; of two, half to each."""
    n = journeys.lengths[journeys.owner]
    edge = (journeys.place == 0) | (journeys.place == n - 1)
    return Shares(np.where(edge & (n > 2), 2 * (n - 2), 1), np.where(n > 2, 5 * (n - 2), n))


def time_decay(journeys: Journeys) -> Shares:
    """2^(-age / 7 days) against the sum of them, as integers of 62 bits: whole weeks apart are exact."""
    since = journeys.age - journeys.age[journeys.starts[1:] - 1][journeys.owner]
    weight = np.rint(np.exp2(62 - since / _HALF_LIFE)).astype(np.int64)
    high, low = (np.add.reduceat(half, journeys.starts[:-1]) for half in (weight >> 31, weight & (2**31 - 1)))
    whole = high.astype(object) * 2**31 + low  # Python's ints: no overflow
    return Shares(weight, whole[journeys.owner])


def shapley(journeys: Journeys) -> Shares:
    """Equal shares to all campaigns, shared equally by its touches: the Shapley value where a coalition's worth is the
    conversions of the paths inside it (Zhao, Mahboobi and Bagheri 2018)."""
    owner = journeys.owner
    pairs = owner * (journeys.campaign.max(initial=0) + 1) + journeys.campaign
    _, pair, touches = np.unique(pairs, return_inverse=True, return_counts=True)
    opens = np.zeros(len(pairs), np.int64)
    opens[np.unique(pair, return_index=True)[1]] = 1
    campaigns = np.add.reduceat(opens, journeys.starts[:-1])
    return Shares(np.ones(len(pairs), np.int64), campaigns[owner] * touches[pair])


MODELS: Mapping[str, Callable[[Journeys], Shares]] = {
    model.__name__: model for model in (first, last, last_click, linear, position, time_decay, shapley)
}


def split(total: I64, shares: Shares, journeys: Journeys) -> I64:
    """`total[i]` (millionths, below 10^18) of each journey among its touches: floor of each share, and what is left
    over one each to the largest remainders, ties to the earlier touch (Hamilton's method)."""
    if (shares.denominator == 1).all():  # all to one touch
        return np.asarray(total[journeys.owner] * shares.numerator)
    parts, remainder = _floors(total[journeys.owner], shares)
    left = (total - np.add.reduceat(parts, journeys.starts[:-1])).astype(np.int64)
    parts[_largest(remainder, left, journeys)] += 1
    return parts


def _floors(total: I64, shares: Shares) -> tuple[I64, NDArray[np.float64]]:
    """floor(total x share) and the fraction cut off, without overflow; in pieces, because Python's ints are large."""
    parts, fractions = np.empty_like(total), np.empty(len(total), np.float64)
    for start in range(0, len(total), _PIECE):
        at = slice(start, start + _PIECE)
        parts[at], fractions[at] = _floor(total[at], shares.numerator[at], shares.denominator[at])
    return parts, fractions


def _floor(total: I64, numerator: NDArray[Any], denominator: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    quotient, rest = total // denominator, total % denominator
    product = rest * numerator
    return quotient * numerator + product // denominator, product % denominator / denominator


def _largest(remainder: NDArray[np.float64], count: I64, journeys: Journeys) -> I64:
    """The positions of the `count[i]` largest remainders of each journey."""
    owner = journeys.owner
    open_ = np.flatnonzero(count[owner] > 0)
    order = open_[np.lexsort((open_, -remainder[open_], owner[open_]))]
    rank = np.arange(len(order)) - np.searchsorted(owner[order], owner[order])
    return order[rank < count[owner[order]]]
