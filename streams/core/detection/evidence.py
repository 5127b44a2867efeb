"""The statistic of the drop test: evidence that counts have dropped, for every minute at which they may have begun to.

For a start v and a drop d, the likelihood of the counts since v if their rate is (1 - d) x expected, over that if it
is as expected. With n seen and E expected since v, and a level known before v as from a conversions (a gamma
distribution, integrated out), the ratio is

    L(v, d) = (1 - d)^n ((a + E) / (a + (1 - d) E))^(a + n)        -> (1 - d)^n e^(d E)  where a is large.

The evidence is R = sum over v of the mean over d of L(v, d): the statistic of Shiryaev and Roberts, as a mixture over
d (Pollak 1987, Ann. Statist. 15). While nothing has dropped, R less the number of minutes is a martingale, so an alarm
at R >= A comes once in A minutes on average or more seldom, whatever the rate: no threshold has to be tuned.

Of starts long ago some stand for their neighbours (an eighth of their age apart), so there are about a hundred.
Where counts vary more than Poisson's within minutes, as where people order in groups, n and E are divided by the
dispersion (quasi-likelihood, McCullagh and Nelder). Where the rate itself varies from hour to hour or wanders from day
to day, the level is the less certain: 1/a grows by those variances, over the time since v. Of the restlessness of
quarter-hours, hours and days the one counts that explains most: over less time each is as large, over more it averages
out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.forecast import Forecast, quarter_of_week

DROPS = (0.2, 0.5, 0.97)
MAX_DELAY = 14 * 1440  # minutes that a drop may go unnoticed

_SPACING = 8
_BORN, _SEEN, _EXPECTED, _CERTAINTY, _LEVEL, _DOUBT = range(6)
_RESTLESS = np.array([[15.0], [60.0], [1440.0]])  # minutes that the rate varies over
_MOST = 600.0  # of a logarithm: e^600 is still a number


@dataclass
class Evidence:
    """Starts s of n goals. `born` (s,): their minutes, in order. `weight` (n, s): how many minutes each stands for.
    `facts` (6, n, s): its minute for this goal, conversions seen and expected since, certainty of the level and the
    level itself (conversions a minute) then, relative variance that the level has gained since."""

    born: NDArray[np.int64]
    weight: F64
    facts: F64

    @classmethod
    def none(cls, goals: int) -> "Evidence":
        """Before the first minute."""
        return cls(np.zeros(0, np.int64), np.zeros((goals, 0)), np.zeros((6, goals, 0)))

    def add(self, minute: int, counts: F64, known: Mask, expectation: Forecast, calm: Mask) -> None:
        """Take in the counts (n,) of the next minute where they are known. A drop may begin in it where it is calm."""
        self._begin(minute, expectation, calm)
        rate = expectation.shape[:, quarter_of_week(minute)] * known
        self.facts[_SEEN] += (counts * known)[:, None]
        self.facts[_EXPECTED] += self.facts[_LEVEL] * rate[:, None]
        self.facts[_DOUBT] += expectation.wander[:, quarter_of_week(minute) // 4, None]

    def _begin(self, minute: int, expectation: Forecast, calm: Mask) -> None:
        none = np.zeros(len(calm))
        fresh = np.stack([none + minute, none, none, expectation.certainty, expectation.level, none])
        self.born = np.append(self.born, minute)
        self.weight = np.concatenate([self.weight, calm[:, None]], axis=1)
        self.facts = np.concatenate([self.facts, fresh[:, :, None]], axis=2)

    def ratios(self, expectation: Forecast) -> F64:
        """L (n, s) of each start, the mean over the drops."""
        seen, expected = self.facts[[_SEEN, _EXPECTED]] / expectation.dispersion[:, None]
        times = np.maximum((self.born[-1] + 1 - self.born) / _RESTLESS, 1)
        doubt = self.facts[_DOUBT] + (expectation.unrest[:, :, None] / times).max(1)
        certainty = self.facts[_CERTAINTY] / (1 + self.facts[_CERTAINTY] * doubt) + 1e-9
        total = np.zeros_like(seen)
        for drop in DROPS:
            gain = np.log1p(drop * expected / (certainty + (1 - drop) * expected))
            total += np.exp(np.minimum(seen * np.log(1 - drop) + (certainty + seen) * gain, _MOST))
        return np.asarray(total / len(DROPS))

    def thin(self) -> None:
        """Let one start stand for its next, and forget those too long ago."""
        now = self.born[-1]
        between = self.born[2:] - self.born[:-2] <= (now - self.born[1:-1]) / _SPACING
        if between.any():
            self._merge(int(between.argmax()))
        if now - self.born[0] >= MAX_DELAY:
            self._keep(np.arange(len(self.born)) > 0)

    def _merge(self, at: int) -> None:
        """Start `at` stands for the next one too; where it stands for nothing, the next one takes its place."""
        empty = self.weight[:, at] == 0
        self.facts[:, empty, at] = self.facts[:, empty, at + 1]
        self.weight[:, at] += self.weight[:, at + 1]
        self._keep(np.arange(len(self.born)) != at + 1)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        self.born, self.weight, self.facts = self.born[kept], self.weight[:, kept], self.facts[:, :, kept]

    def likeliest(self, goal: int, ratios: F64) -> tuple[int, float, float]:
        """The start (minute) with the largest of the ratios (n, s), conversions of the goal seen and expected since."""
        start = int(np.where(self.weight[goal] > 0, ratios[goal], -1).argmax())
        minute, seen, expected = self.facts[[_BORN, _SEEN, _EXPECTED], goal, start].tolist()
        return int(minute), seen, expected

    def forget(self, goal: int) -> None:
        """Look only for drops of that goal which begin after this."""
        self.weight[goal] = 0

    def scale(self, factor: F64) -> None:
        """Multiply the levels (n,): the shape they belong to has changed."""
        self.facts[_LEVEL] *= factor[:, None]
