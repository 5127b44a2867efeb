"""Lift: what a campaign caused, from users that it was shown to and users that it was held out from.

By intention to treat: every token counts in its own group, whatever became of it, with what its person bought under
whatever token. Of somebody with two, chance puts each into a group by itself, so that what a campaign caused through
either adds up. The view `campaign_lift` computes the same in SQL; its users are tokens.
"""

from math import ceil, sqrt
from statistics import NormalDist
from typing import NamedTuple

Z = NormalDist().inv_cdf(0.975)  # of a 95 % interval
ENOUGH = 10  # converted users to be expected in each group, and as many others: below, no normal interval holds


class ExperimentArm(NamedTuple):
    """A group of users: how many there are, and converted; the `total` of what is measured (conversions or value), and
    the sum of its squares, user by user."""

    users: int
    converted: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """Of what is measured, a user."""
        return self.total / self.users

    @property
    def uncertainty(self) -> float:
        """The variance of that mean; where every user has 0 or 1 it is p (1 - p) / n."""
        return max(self.squares / self.users - self.mean**2, 0.0) / self.users


class Estimate(NamedTuple):
    """A figure with its 95 % interval; None where nothing can be said."""

    value: float | None
    low: float | None
    high: float | None


def missing(shown: ExperimentArm, held: ExperimentArm, share: float) -> int:
    """How many users have yet to be seen, a `share` of them held out, before an interval holds; 0 = enough are seen.

    The rarer of converting and not converting is to be expected ENOUGH times in each group (Cochran 1954 asks for half
    as many), at the rate of both groups together; half a user is added, so that none yet is not never.
    """
    users, converted = shown.users + held.users, shown.converted + held.converted
    rate = (min(converted, users - converted) + 0.5) / (users + 1)
    needed = ceil(ENOUGH / rate)
    lacking = max(needed - held.users, 0) / share, max(needed - shown.users, 0) / (1 - share)
    return ceil(max(lacking))


def difference(shown: ExperimentArm, held: ExperimentArm) -> Estimate:
    """What a user more who is shown the campaign brings: the difference of the means, variances not pooled."""
    value = shown.mean - held.mean
    half = Z * sqrt(shown.uncertainty + held.uncertainty)
    return Estimate(value, value - half, value + half)


def incremental(shown: ExperimentArm, held: ExperimentArm) -> Estimate:
    """What all users who were to be shown the campaign brought that would not have come without it."""
    value, low, high = difference(shown, held)
    return Estimate(*(shown.users * each for each in (value, low, high) if each is not None))


def relative(shown: ExperimentArm, held: ExperimentArm) -> Estimate:
    """The difference as a share of the mean without the campaign, with Fieller's interval (1954): it leaves out 0
    exactly where that of the difference does. It has no bounds where the mean without the campaign may be 0."""
    if held.mean <= 0:
        return Estimate(None, None, None)
    value = shown.mean / held.mean - 1
    a = held.mean**2 - Z**2 * held.uncertainty
    if a <= 0:
        return Estimate(value, None, None)
    b, c = shown.mean * held.mean, shown.mean**2 - Z**2 * shown.uncertainty
    half = sqrt(max(b**2 - a * c, 0.0))
    return Estimate(value, (b - half) / a - 1, (b + half) / a - 1)


def over_credit(attributed: float, caused: Estimate) -> Estimate:
    """How many times what the campaign caused (`incremental`) a model credits it with: 1 is right, 2 twice as much.
    It has no upper bound where it may have caused nothing."""
    value, low, high = (attributed / each if each and each > 0 else None for each in caused)
    return Estimate(value, high, low)


def balance(shown: ExperimentArm, held: ExperimentArm, share: float) -> float:
    """How likely by chance a split of users at least as far from `share` is (normal approximation): where it is next to
    0, being seen depends on the group, and the groups cannot be compared (a sample ratio mismatch)."""
    users = shown.users + held.users
    if not users:
        return 1.0
    deviation = abs(held.users - users * share) / sqrt(users * share * (1 - share))
    return 2 * (1 - NormalDist().cdf(deviation))
