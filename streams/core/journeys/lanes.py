"""Touches by user, class and time: which of them lie in a window, and whether there are any."""

import numpy as np

from streams.core.columns.arrays import I64, Mask
from streams.core.columns.run import slices

CLASSES = 3  # click, engage, view are the classes 1 to 3; 0 is no touch


class TouchesByUserAndClass:
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

    def latest(self, user: I64, time: I64, windows: I64, most: int) -> tuple[I64, I64]:
        """(conversion, touch) pairs: inside the windows (n, CLASSES) that end at those times, the latest `most` of each
        class, and all tied with these."""
        lane = (user[:, None] * (CLASSES + 1) + np.arange(1, CLASSES + 1)).ravel()
        until = np.repeat(time, CLASSES)
        end = self._position(lane, until + 1)
        start = np.maximum(self._position(lane, until - windows.ravel()), self._tie_start(end - most))
        conversion = np.repeat(np.arange(len(user)), CLASSES)
        return conversion.repeat(end - start), self._order[slices(start, end)]

    def any_inside(self, user: I64, time: I64, windows: I64) -> Mask:
        """Whether each of those users has a touch in the windows (n, CLASSES) that end at those times."""
        lane = user[:, None] * (CLASSES + 1) + np.arange(1, CLASSES + 1)
        until = np.repeat(time[:, None], CLASSES, axis=1)
        inside = self._position(lane, until + 1) > self._position(lane, until - windows)
        return np.asarray(inside.any(axis=1))

    def _tie_start(self, at: I64) -> I64:
        """The first touch with the lane and time of the one at `at`."""
        inside = at > 0
        at[inside] = np.searchsorted(self._keys, self._keys[at[inside]])
        return at

    def any_before(self, user: I64, time: I64) -> Mask:
        """Whether the user has a touch of any class before that time."""
        by_class = user[:, None] * (CLASSES + 1) + np.arange(1, CLASSES + 1)
        starts = np.searchsorted(self._keys, by_class * self._span)
        before = self._position(by_class, np.repeat(time[:, None], CLASSES, axis=1)) > starts
        return np.asarray(before.any(axis=1))
