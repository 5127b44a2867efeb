"""The touch index: every retained engagement event of a partition, found by message id or by user.

A log-structured index: each batch becomes a run, runs merge as they grow, and a conversion's touches are found by
binary search in the few runs there are. It takes about 30 bytes an event (README, "What is measured").
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streams.core.message_ids import Keys
from streams.core.runs import (
    EPOCH_BITS,
    I64,
    U32,
    U64,
    Mask,
    Run,
    Touches,
    concatenated,
    contains,
    first_of_each,
    key_order,
    merged,
    none,
    rows_of,
    rows_of_users,
    slices,
    sorted_run,
    times,
)

MOST = 1000  # touches a conversion sees, the latest ones
CLASSES = 3  # click, engage, view are the classes 1 to 3; 0 is no touch
_FAN = 4  # runs of about one size that are merged into one
_WORTH = 8  # a run is made anew when one in so many of its rows is past


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


class TouchIndex:
    """All retained engagement events of one partition. `text_of` gives a message id's text, to order ties by."""

    def __init__(self, text_of: Callable[[int, int, int], str]) -> None:
        self._runs: list[Run] = []
        self._text_of = text_of

    def __len__(self) -> int:
        return sum(len(run.low) for run in self._runs)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(column.nbytes for run in self._runs for column in run[1:])

    def add(self, batch: Touches) -> Mask:
        """Take in the events whose message id is new, the first of each; the mask says which those were."""
        order = key_order(batch.keys)
        batch = batch.take(order)
        fresh = first_of_each(batch.keys)
        for run in self._runs:
            fresh &= ~contains(run, batch.keys.low, batch.keys.high)
        epochs = batch.time >> EPOCH_BITS
        for epoch in np.unique(epochs[fresh]).tolist():
            self._runs.append(sorted_run(batch.take(fresh & (epochs == epoch)), epoch))
            self._merge(epoch)
        accepted = np.empty_like(fresh)
        accepted[order] = fresh
        return accepted

    def _merge(self, epoch: int) -> None:
        """Merge while the smallest _FAN runs are of about one size, so that there are few, however many rows."""
        mine = sorted((run for run in self._runs if run.epoch == epoch), key=lambda run: len(run.low))
        while len(mine) >= _FAN and len(mine[_FAN - 1].low) <= _FAN * len(mine[0].low):
            mine = sorted([merged(mine[:_FAN]), *mine[_FAN:]], key=lambda run: len(run.low))
        self._runs = [run for run in self._runs if run.epoch != epoch] + mine

    def expire(self, before: int) -> Keys:
        """Forget the events before that time (ms), of each run as soon as they are many; returns their keys."""
        gone = [none()]
        for i, run in enumerate(self._runs):
            old = times(run) < before
            if old.sum() * _WORTH >= len(old):
                gone.append(rows_of(run).take(old))
                self._runs[i] = sorted_run(rows_of(run).take(~old), run.epoch)
        self._runs = [run for run in self._runs if len(run.low)]
        return concatenated(gone).keys

    def journeys(self, wanted: Wanted, classes: I64) -> Found:
        """The touches that each wanted conversion sees (contract 4); `classes[kind]` is a kind's action class."""
        users, user = np.unique(wanted.user, return_inverse=True)
        rows, owner = self._rows_of_users(users[users != 0])
        owner += int((users == 0).any())
        action_class = classes[rows.kind]
        touch = action_class > 0
        rows, owner, action_class = rows.take(touch), owner[touch], action_class[touch]
        lanes = _Lanes(owner, action_class, rows.time)
        conversion, at = lanes.latest(user, wanted)
        return self._ordered(conversion, rows.take(at), lanes.any_before(user, wanted.time))

    def _rows_of_users(self, users: U64) -> tuple[Touches, I64]:
        found = [rows_of_users(run, users) for run in self._runs] or [(none(), np.zeros(0, np.int64))]
        return concatenated([rows for rows, _ in found]), np.concatenate([owner for _, owner in found])

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
