"""Transitions: how journeys go from campaign to campaign, counted by goal and day, for the Markov model.

A journey that converted is a conversion's touches, in order; all its transitions belong to the conversion's day. Of
what is left, the touches that no conversion of their user for the goal follows within the goal's longest window, a
journey goes on where the next touch is no further than that window, and else ends without a conversion; each of its
transitions belongs to the day of the touch that it leaves, the first one to the day of the touch that it enters.

All of it is counted anew from the state, so that it depends on the events alone. What a day's last touches come to is
known when the longest window has passed after it; whoever reads the counts waits for that.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from streams.core.attribution.conversion import Conversion, column, paths
from streams.core.attribution.markov import OUTSIDE
from streams.core.catalogue.parse import Catalogue, Goal
from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.column import Columns, Ragged
from streams.core.columns.dictionary import coded
from streams.core.columns.run import KeyedRows
from streams.core.identity.owners import Resolve
from streams.core.journeys.kinds import TouchKinds
from streams.core.journeys.touches import TouchIndex
from streams.core.parsing.units import DAY

PAUSE = 0.06  # ms between two counts for each touch: a minute for a million, which takes a fraction of a second
_MOVED = 31  # days between two completions of one order
_SPARSE = 8  # possible transitions for each one there is, beyond which they are sorted to be counted


class ForeignConversion(NamedTuple):
    """A conversion that counts, as another partition has it: the goal's id, the canonical user, the time in ms, and
    what its own message says of consent."""

    goal: str
    user: int
    time: int
    denied: bool | None = None


class _History(NamedTuple):
    """Touches by user and time (ms); `state` is 1 + the code of the campaign, since 0 is OUTSIDE."""

    user: U64
    time: I64
    state: I64


class _Steps(NamedTuple):
    """Transitions, one each: the day (since the epoch), and from which state to which."""

    day: I64
    source: I64
    target: I64


class _Tally(NamedTuple):
    """Distinct transitions as (day * size + source) * size + target, size = the number of states; how many of each."""

    keys: I64
    number: I64


class Counts(NamedTuple):
    """By source and target state, how many transitions are in journeys that converted, and in those that ended."""

    source: I64
    target: I64
    converted: I64
    ended: I64


_Days = dict[tuple[str, int], Counts]  # by goal and day


class Transitions:
    """The counts of one partition; `origin` is live or replay."""

    def __init__(self, catalogue: Catalogue, kinds: TouchKinds, origin: str, partition: int) -> None:
        self._catalogue, self._kinds, self._origin, self._partition = catalogue, kinds, origin, partition
        self._days: _Days = {}
        self._unwritten: set[tuple[str, int]] = set()
        self._changed, self._counted, self._next = True, 0, 0.0
        self._restored = False

    def use(self, catalogue: Catalogue) -> None:
        """Count for the goals of that catalogue, anew."""
        self._catalogue = catalogue
        self.restored()

    def mark(self) -> None:
        """Something has changed."""
        self._changed = True

    def restored(self) -> None:
        """The state is another's: of what that counted, some may have come to nothing since."""
        self._changed = self._restored = True

    def due(self, now: int | None) -> bool:
        """Whether something has changed, and it is time to count anew at `now` (ms; None: it is); it is, too, where the
        clock has gone back."""
        return self._changed and (now is None or now >= self._next or now < self._counted)

    def count(
        self,
        index: TouchIndex,
        statements: Collection[Conversion],
        since: int,
        now: int | None,
        resolve: Resolve | None = None,
        allowed: Callable[[KeyedRows], Mask] | None = None,
        elsewhere: Collection[ForeignConversion] = (),
    ) -> None:
        """Count anew. `resolve` knows who is who, and `allowed` which touches may be in a journey; `elsewhere` are
        conversions of users here that others state. Days that do not lie wholly after `since` (ms), before which
        events may be forgotten, stay as they are."""
        self._changed, self._counted = False, now or 0
        self._next = self._counted + PAUSE * len(index)
        counting = [statement for statement in statements if statement.counted]
        goals = [
            _GoalJourneys(
                goal,
                [s for s in counting if s.goal == goal.id],
                [bought for bought in elsewhere if bought.goal == goal.id],
                self._kinds,
            )
            for goal in self._catalogue.goals
        ]
        for touches in index.histories(self._kinds.class_of, resolve, allowed):
            history = _History(touches.user, touches.time, self._kinds.campaign_of[touches.kind] + 1)
            for goal in goals:
                goal.add(history)
        found = {(goal.id, day): counts for goal in goals for day, counts in goal.days() if day * DAY >= since}
        known = {*self._days, *(self._any_key(index, statements) if self._restored else ())}
        since_then = {key for key in known if key[1] * DAY >= since} | found.keys()
        self._unwritten |= {key for key in since_then if not _equal(found.get(key), self._days.get(key))}
        self._days, self._restored = found, False

    def _any_key(self, index: TouchIndex, statements: Collection[Conversion]) -> Iterator[tuple[str, int]]:
        """Every day that may have been counted before, for each goal: a completion can move by so many days, and
        touches count for nobody, or elsewhere, when a link says so."""
        edges = (
            index.oldest,
            index.newest,
            index.replicated.oldest,
            index.replicated.newest,
            *(s.time for s in statements),
        )
        days = [time // DAY for time in edges if time is not None]
        span = range(min(days), max(days) + _MOVED + 1) if days else range(0)
        return product((goal.id for goal in self._catalogue.goals), span)

    @property
    def nbytes(self) -> int:
        """Bytes of all counts."""
        return sum(part.nbytes for counts in self._days.values() for part in counts)

    def campaigns(self) -> I64:
        """The codes of the campaigns that what was counted last names."""
        states = [part for counts in self._days.values() for part in (counts.source, counts.target)]
        found = np.unique(np.concatenate([np.zeros(0, np.int64), *states]))
        return found[found > 0] - 1

    def changes(self, version: int) -> dict[str, Columns]:
        """Rows of path_transitions for the days that changed since the last call, each as a whole."""
        keys, self._unwritten = sorted(self._unwritten), set()
        if not keys:
            return {}
        n, words = len(keys), [OUTSIDE, *self._kinds.campaigns.words]
        rank = np.argsort(np.argsort(np.array(words, object)))
        counts = [_ordered(self._days.get(key, _NONE), rank) for key in keys]
        offsets = np.cumsum([0, *(len(each.source) for each in counts)])
        source, target, converted, ended = (np.concatenate(parts) for parts in zip(*counts, strict=True))
        columns: Columns = {
            "goal": coded([goal for goal, _ in keys], np.arange(n)),
            "day": np.array([day for _, day in keys], np.int64),
            "origin": coded([self._origin], np.zeros(n, np.int64)),
            "partition": np.full(n, self._partition),
            "source": Ragged(offsets, coded(words, source)),
            "target": Ragged(offsets, coded(words, target)),
            "converted": Ragged(offsets, converted),
            "ended": Ragged(offsets, ended),
            "version": np.full(n, version, np.uint64),
        }
        return {"path_transitions": columns}


_NONE = Counts(*np.zeros((4, 0), np.int64))
_NOTHING = _Tally(*np.zeros((2, 0), np.int64))


def _ordered(counts: Counts, rank: I64) -> Counts:
    """By the words of the states, so that the order does not depend on how they came to be coded."""
    order = np.lexsort((rank[counts.target], rank[counts.source]))
    return Counts(*(each[order] for each in counts))


def _equal(one: Counts | None, other: Counts | None) -> bool:
    return one is not None and other is not None and all(map(np.array_equal, one, other))


class _GoalJourneys:
    """The journeys for one goal, whose conversions that count are `statements` and those `elsewhere`."""

    def __init__(
        self, goal: Goal, statements: Sequence[Conversion], elsewhere: Sequence[ForeignConversion], kinds: TouchKinds
    ) -> None:
        self.id, self._size = goal.id, int(kinds.campaign_of.max(initial=-1)) + 2
        self._window = max(goal.windows.click, goal.windows.engage, goal.windows.view)
        bought: list[Conversion | ForeignConversion] = [*statements, *elsewhere]
        self._buyers = np.fromiter((each.user for each in bought), np.uint64, len(bought))
        self._bought = np.fromiter((each.time for each in bought), np.int64, len(bought))
        self._converted = _tally(_converted([s for s in statements if s.touches], kinds), self._size)
        self._ended = [_NOTHING]

    def add(self, history: _History) -> None:
        """Count what those users' touches come to without a conversion."""
        self._ended.append(_tally(_ended(history, self._window, self._followed(history)), self._size))

    def _followed(self, history: _History) -> Mask:
        """Which touches have a conversion of their user at their time or within the window after it."""
        low, high = (np.searchsorted(history.user, self._buyers, side) for side in ("left", "right"))
        times = (self._bought - self._window, self._bought + 1)
        start, end = (_first_at(history.time, low, high, at) for at in times)
        n = len(history.time)
        change = np.bincount(start, minlength=n + 1) - np.bincount(end, minlength=n + 1)
        return np.asarray(np.cumsum(change)[:n] > 0)

    def days(self) -> Iterator[tuple[int, Counts]]:
        """What is counted by day."""
        columns = (self._converted, _Tally(*map(np.concatenate, zip(*self._ended, strict=True))))
        keys = np.union1d(*(column.keys for column in columns))
        sums = np.zeros((2, len(keys)), np.int64)
        for row, (key, number) in zip(sums, columns, strict=True):
            np.add.at(row, np.searchsorted(keys, key), number)
        days, first = np.unique(keys // self._size**2, return_index=True)
        all_ = Counts(keys // self._size % self._size, keys % self._size, *sums)
        for day, (start, end) in zip(days.tolist(), pairwise([*first.tolist(), len(keys)]), strict=True):
            yield day, Counts(*(each[start:end] for each in all_))


def _tally(steps: _Steps, size: int) -> _Tally:
    """How often there is each transition."""
    keys = (steps.day * size + steps.source) * size + steps.target
    first, span = int(keys.min(initial=1 << 62)), int(np.ptp(keys)) + 1 if len(keys) else 0
    if span > _SPARSE * len(keys):
        return _Tally(*np.unique(keys, return_counts=True))
    number = np.bincount(keys - first, minlength=span) if span else keys
    at = np.flatnonzero(number)
    return _Tally(at + first, number[at])


def _converted(statements: Sequence[Conversion], kinds: TouchKinds) -> _Steps:
    """The transitions of those conversions' journeys."""
    journeys = paths(statements, kinds).journeys
    state, day = journeys.campaign + 1, column(statements, "time") // DAY
    source = np.insert(state, journeys.starts[:-1], 0)
    target = np.insert(state, journeys.starts[1:], 0)
    return _Steps(np.repeat(day, journeys.lengths + 1), source, target)


def _ended(history: _History, window: int, followed: Mask) -> _Steps:
    """The transitions of the journeys of those touches that no conversion has `followed`."""
    user, time, state = history
    goes_on = (user[1:] == user[:-1]) & (np.diff(time) <= window) & ~(followed[1:] | followed[:-1])
    alone = ~followed
    entered = alone & ~np.concatenate(([False], goes_on))[: len(user)]
    next_ = np.where(np.append(goes_on, False)[: len(user)], np.append(state[1:], 0)[: len(user)], 0)
    day = time // DAY
    outside = np.zeros(int(entered.sum()), np.int64)
    return _Steps(
        np.concatenate([day[alone], day[entered]]),
        np.concatenate([state[alone], outside]),
        np.concatenate([next_[alone], state[entered]]),
    )


def _first_at(times: I64, low: I64, high: I64, target: I64) -> I64:
    """In each slice low:high of ascending times, the first position at or after the target, else `high`."""
    low, high = low.copy(), high.copy()
    while len(at := np.flatnonzero(low < high)):
        middle = (low[at] + high[at]) // 2
        before = times[middle] < target[at]
        low[at[before]], high[at[~before]] = middle[before] + 1, middle[~before]
    return low
