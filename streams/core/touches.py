"""The touch index: every retained engagement event of a partition, and the touches that a conversion sees.

It takes about 30 bytes an event (README, "What is measured").
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from streams.core.index import Index
from streams.core.message_ids import Keys
from streams.core.runs import I64, U32, U64, Mask, Touches, concatenated, matches, slices

_PART = 1 << 18  # touches or so that are put in order at once
MOST = 1000  # touches a conversion sees, the latest ones
CLASSES = 3  # click, engage, view are the classes 1 to 3; 0 is no touch


class Wanted(NamedTuple):
    """Conversions whose touches are asked for: `user` hash, `time` in ms, `windows` in ms as (n, CLASSES)."""

    user: U64
    time: I64
    windows: I64


class Found(NamedTuple):
    """The touches of each wanted conversion: row `i` owns `starts[i]:starts[i + 1]` of `time` and `kind`, in order.

    `earlier[i]` says whether the user has any touch before the conversion, inside a window or not.
    """

    starts: I64
    time: I64
    kind: U32
    earlier: Mask


class Owned(NamedTuple):
    """Whose touches somebody sees: those of `token[i]` are seen by the user at position `owner[i]`."""

    token: U64
    owner: I64


# The canonical token of each, and which are set apart: those that nobody, or somebody elsewhere, counts.
Resolve = Callable[[U64], tuple[U64, Mask]]


def each_alone(users: U64) -> Owned:
    """Every user has one token."""
    return Owned(users, np.arange(len(users)))


class TouchIndex(Index):
    """All retained engagement events of one partition. `text_of` gives a message id's text, to order ties by. Touches
    of other partitions' tokens that count for users here are `lent`: found with the rest, and counted with none."""

    def __init__(self, text_of: Callable[[int, int, int], str]) -> None:
        super().__init__()
        self._text_of = text_of
        self.lent = Index()

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return super().nbytes + self.lent.nbytes

    def expire(self, before: int) -> Keys:
        """Forget the rows before that time (ms), of each run as soon as they are many; returns keys of none now."""
        one, other = super().expire(before), self.lent.expire(before)
        gone = Keys(*(np.concatenate([one[i], other[i]]) for i in range(3)))
        return gone.take(~(self.holds(gone) | self.lent.holds(gone)))

    def disown(self, token: int) -> bool:
        """The rows of that token (a hash) belong to nobody from now on, and their keys stay; whether there are any."""
        return super().disown(token) | self.lent.disown(token)

    def users(self) -> U64:
        """All users, sorted."""
        return np.union1d(super().users(), self.lent.users())

    def of_users(self, users: U64) -> tuple[Touches, I64]:
        """The rows of those users (sorted, distinct), and for each the user's position in `users`."""
        if not len(self.lent):
            return super().of_users(users)
        (own, owner), (lent, borrower) = super().of_users(users), self.lent.of_users(users)
        only = ~self.holds(lent.keys)  # what was lent may have come here, too, since
        return concatenated([own, lent.take(only)]), np.concatenate([owner, borrower[only]])

    def journeys(self, wanted: Wanted, classes: I64, tokens_of: Callable[[U64], Owned] = each_alone) -> Found:
        """The touches that each wanted conversion sees (contract 4); `classes[kind]` is a kind's action class, and
        `tokens_of` says which tokens count as each of the users (sorted, distinct, not 0)."""
        users, user = np.unique(wanted.user, return_inverse=True)
        rows, owner = self._rows_of(tokens_of(users[users != 0]))
        owner += int((users == 0).any())
        action_class = classes[rows.kind]
        touch = action_class > 0
        rows, owner, action_class = rows.take(touch), owner[touch], action_class[touch]
        lanes = _Lanes(owner, action_class, rows.time)
        conversion, at = lanes.latest(user, wanted)
        return self._ordered(conversion, rows.take(at), lanes.any_before(user, wanted.time))

    def histories(self, classes: I64, resolve: Resolve | None = None) -> Iterator[Touches]:
        """Everybody's touches, by user, time and message id, in parts that hold all touches of a user each; `classes`
        as for `journeys`. `resolve` says who the users are; what it sets apart is left out."""
        linked = np.zeros(0, np.uint64)
        if resolve:
            users = self.users()
            canonical, apart = resolve(users)
            away = (canonical != users) | apart
            linked = np.union1d(users[away], canonical[away])
            rows, _ = self.of_users(linked)
            user, apart = resolve(rows.user)
            yield self._history(rows._replace(user=user).take(~apart), classes)
        parts = len(self) // _PART + 1
        edges = [(1 << 64) * part // parts for part in range(parts + 1)]
        for least, end in pairwise(edges):
            rows = self.by_user(least, end - 1)
            yield self._history(rows.take(~np.isin(rows.user, linked)) if len(linked) else rows, classes)

    def _history(self, rows: Touches, classes: I64) -> Touches:
        rows = rows.take((classes[rows.kind] > 0) & (rows.user != 0))
        rows = rows.take(np.argsort(rows.user, kind="stable"))
        group = np.cumsum(np.diff(rows.user, prepend=rows.user[:1]) != 0)
        rows = rows.take(time_order(group, rows.time))
        return rows.take(self._tie_order(group, rows))

    def _rows_of(self, owned: Owned) -> tuple[Touches, I64]:
        """The rows of those tokens, once for each owner, and the owner of each."""
        tokens, token = np.unique(owned.token, return_inverse=True)
        order = np.argsort(token, kind="stable")
        owner = owned.owner[order]
        rows, at = self.of_users(tokens)
        if len(tokens) == len(owner):
            return rows, owner[at]
        seen, pairs = matches(at, token[order])
        return rows.take(seen), owner[pairs]

    def _ordered(self, conversion: I64, rows: Touches, earlier: Mask) -> Found:
        """By conversion, time and message id; the latest MOST of each conversion."""
        order = np.lexsort((rows.time, conversion))
        conversion, rows = conversion[order], rows.take(order)
        rows = rows.take(self._tie_order(conversion, rows))
        ends = np.searchsorted(conversion, conversion, side="right")
        late = np.arange(len(conversion)) >= ends - MOST
        starts = np.searchsorted(conversion[late], np.arange(len(earlier) + 1))
        return Found(starts, rows.time[late], rows.kind[late], earlier)

    def _tie_order(self, conversion: I64, rows: Touches) -> I64:
        """The positions of `rows` (ordered by time) with those at the same time ordered by their ids' texts."""
        order = np.arange(len(conversion))
        tied = (conversion[1:] == conversion[:-1]) & (rows.time[1:] == rows.time[:-1])
        edges = np.flatnonzero(np.diff(np.concatenate(([0], tied, [0]))))
        for start, last in edges.reshape(-1, 2).tolist():
            order[start : last + 1] = sorted(range(start, last + 1), key=lambda i: self._text(rows.keys, i))
        return order

    def _text(self, keys: Keys, i: int) -> str:
        return self._text_of(int(keys.high[i]), int(keys.low[i]), int(keys.form[i]))


def time_order(group: I64, time: I64) -> I64:
    """The order of those times within their groups, which are numbered as they come."""
    first, span = int(time.min(initial=0)), int(np.ptp(time)) + 1 if len(time) else 1
    if (int(group.max(initial=0)) + 1) * span >= 1 << 63:
        return np.lexsort((time, group))
    return np.argsort(group * span + (time - first), kind="stable")  # nearly sorted, and so quick


class _Lanes:
    """Touches sorted by user and class (a lane) and time: the window of one class is one slice."""

    def __init__(self, user: I64, action_class: I64, time: I64) -> None:
        lane = user * (CLASSES + 1) + action_class
        self._order = np.lexsort((time, lane))
        self._times = np.unique(time)
        self._span = len(self._times) + 1
        self._keys = self._key(lane, time)[self._order]

    def _key(self, lane: I64, time: I64) -> I64:
        """(lane, time) as one number, exact however wide the times are: a time counts by its rank."""
        return lane * self._span + np.searchsorted(self._times, time)

    def _position(self, lane: I64, time: I64) -> I64:
        """How many touches stand before (lane, time)."""
        return np.searchsorted(self._keys, self._key(lane, time))

    def latest(self, user: I64, wanted: Wanted) -> tuple[I64, I64]:
        """(conversion, touch) pairs: inside the windows, the latest MOST of each class, and all tied with the last."""
        lane = (user[:, None] * (CLASSES + 1) + np.arange(1, CLASSES + 1)).ravel()
        until = np.repeat(wanted.time, CLASSES)
        end = self._position(lane, until + 1)
        start = np.maximum(self._position(lane, until - wanted.windows.ravel()), self._tie_start(end - MOST))
        conversion = np.repeat(np.arange(len(user)), CLASSES)
        return conversion.repeat(end - start), self._order[slices(start, end)]

    def _tie_start(self, at: I64) -> I64:
        """The first touch with the lane and time of the one at `at`."""
        inside = at > 0
        at[inside] = np.searchsorted(self._keys, self._keys[at[inside]])
        return at

    def any_before(self, user: I64, time: I64) -> Mask:
        """Whether the user has a touch of any class before that time."""
        lanes = user[:, None] * (CLASSES + 1) + np.arange(1, CLASSES + 1)
        starts = np.searchsorted(self._keys, lanes * self._span)
        before = self._position(lanes, np.repeat(time[:, None], CLASSES, axis=1)) > starts
        return np.asarray(before.any(axis=1))
