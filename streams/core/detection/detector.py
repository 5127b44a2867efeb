"""The drop detector: is a goal getting fewer conversions than it should, and how much evidence is an alarm?

A `DropDetector` is fed one minute after the other, each once its counts are final. It raises an alarm when the
evidence for a drop (see `evidence`) is such as comes by chance once in `FALSE_ALARM` minutes, and ends it when there
is as good evidence that counts are back, or when the drop has lasted so long that it is the new normal. What was
counted during an alarm is not learnt from. No clock, no I/O: all state is in arrays and numbers, and the same counts
give the same alarms. A holiday that nobody told of is a drop too: `diagnosis` tells fewer people from a broken shop.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import F64, I64, Mask
from streams.core.detection.evidence import Evidence
from streams.core.detection.forecast import Forecast, quarter_of_week
from streams.core.detection.history import DAY, History

FALSE_ALARM = 30 * DAY  # minutes between false alarms of a goal, on average or longer
PATIENCE = 7 * DAY  # minutes after which a drop is the new normal

_HOUR = 60
_CALM = -1


class Drop(NamedTuple):
    """An alarm that is on. `goal` is its index, `since` the likeliest minute in which the drop began, `raised` the one
    that gave it away; `expected` and `seen` are conversions since it began."""

    goal: int
    since: int
    raised: int
    expected: float
    seen: float


@dataclass
class AlarmState:
    """Of n goals, arrays (n,): since when there is a drop and when that was noticed (minutes, -1 where there is none),
    conversions expected and seen since, the evidence that counts are back."""

    since: I64
    raised: I64
    expected: F64
    seen: F64
    back: F64

    @property
    def on(self) -> Mask:
        """For which goals there is one (n,)."""
        return np.asarray(self.since != _CALM)

    def add(self, counts: F64, expected: F64, dispersion: F64) -> None:
        """Take in the counts of a minute. The evidence for an end is Shiryaev and Roberts' too: for counts that are
        back against a quarter of the drop being made up, so that an alarm stays on until most is."""
        self.seen += counts
        self.expected += expected
        drop = 0.75 * np.clip(1 - (self.seen + 0.5) / (self.expected + 0.5), 0.1, 1)
        gain = (-counts * np.log(1 - drop) - drop * expected) / dispersion
        self.back = np.where(self.on, (1 + self.back) * np.exp(np.minimum(gain, 100)), 0)

    def begin(self, drop: Drop) -> None:
        """Raise an alarm."""
        self.since[drop.goal], self.raised[drop.goal], self.back[drop.goal] = drop.since, drop.raised, 0
        self.expected[drop.goal], self.seen[drop.goal] = drop.expected, drop.seen


@dataclass
class DropDetector:
    """Goals under watch, by index. `minute` is the next one to be fed. `weighed` (goals,): the evidence for a drop, of
    all starts, beyond what starts without any would add up to."""

    minute: int
    history: History
    expectation: Forecast
    evidence: Evidence
    alarms: AlarmState
    weighed: F64

    @classmethod
    def begin(cls, goals: int, minute: int) -> "DropDetector":
        """A watch that knows nothing yet."""
        none = np.zeros((goals, 0))
        return cls.after(minute, none, none.astype(np.bool_))

    @classmethod
    def after(cls, first: int, counts: F64, known: Mask) -> "DropDetector":
        """A watch that has learnt from counts (goals, minutes) since the minute `first`, without looking for drops."""
        goals, minutes = counts.shape
        history, zero = History.of(first, counts, known), np.zeros(goals)
        alarms = AlarmState(np.full(goals, _CALM), np.full(goals, _CALM), zero, zero.copy(), zero.copy())
        return cls(first + minutes, history, history.forecast(), Evidence.none(goals), alarms, zero.copy())

    def add(self, counts: F64, known: Mask) -> None:
        """Take in the counts (goals,) of the next minute where they are known; the others tell nothing. Counts are of
        what was completed in that minute, whatever became of it later."""
        if self.minute % _HOUR == 0:
            self._learn()
            self.evidence.scale(np.exp(self.expectation.growth / 24))
        calm = ~self.alarms.on
        self.evidence.add(self.minute, counts, known, self.expectation, calm)
        self.alarms.add(counts * known, self.expected * known, self.expectation.dispersion)
        ratios = self.evidence.ratios(self.expectation)
        self.weighed = (self.evidence.weight * (ratios - 1)).sum(1)
        self.history.add(self.minute, counts, known, self.alarms.on)
        self._end()
        for goal in np.flatnonzero(calm & (self.weighed >= FALSE_ALARM)):
            self._raise(int(goal), *self.evidence.likeliest(int(goal), ratios))
        self.evidence.thin()
        self.minute += 1

    def _learn(self) -> None:
        """Expect what the history says by now; levels found before go on in terms of the new shape."""
        before = self.history.recent_exposure(self.expectation.shape, self.minute)
        self.expectation = self.history.forecast()
        after = self.history.recent_exposure(self.expectation.shape, self.minute)
        self.evidence.scale(np.where(after > 0, before / np.maximum(after, 1e-9), 1))

    def _raise(self, goal: int, since: int, seen: float, expected: float) -> None:
        self.alarms.begin(Drop(goal, since, self.minute, expected, seen))
        self.evidence.forget(goal)
        self.history.mark(goal, since, self.minute, True)

    def _end(self) -> None:
        alarms = self.alarms
        lasting = alarms.on & (self.minute - alarms.raised >= PATIENCE)
        for goal in np.flatnonzero(lasting):
            self.history.mark(int(goal), int(alarms.since[goal]), self.minute, False)
        alarms.since[lasting | (alarms.back >= FALSE_ALARM)] = _CALM
        if lasting.any():
            self._learn()

    @property
    def expected(self) -> F64:
        """Conversions (goals,) to be expected in the next minute."""
        return np.asarray(self.expectation.level * self.expectation.shape[:, quarter_of_week(self.minute)])

    @property
    def probability(self) -> F64:
        """The probability that a drop is on (goals,), 0 to 1, if there is one a month: an alarm is raised at 0.5."""
        evidence = np.maximum(self.weighed, 0)
        calm, alarm = evidence / (evidence + FALSE_ALARM), FALSE_ALARM / (FALSE_ALARM + self.alarms.back)
        return np.where(self.alarms.on, alarm, calm)

    @property
    def drops(self) -> list[Drop]:
        """The alarms that are on."""
        alarms = self.alarms
        columns = (alarms.since, alarms.raised, alarms.expected, alarms.seen)
        return [Drop(int(goal), *(column[goal].item() for column in columns)) for goal in np.flatnonzero(alarms.on)]
