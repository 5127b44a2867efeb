"""Forgetting: what a ledger knows no more from when on.

An order, and what bears on it alone, is forgotten when no message of it came for the retention. A touch is needed

- for as long as a copy of it, a conversion that sees it, or a link may still come: the lateness, after it the longest
  window that a goal has, whatever its class, since paths (attribution/transitions.py) go on over that;
- for as long as an order is known that somebody completed within the longest window after it: a refund, an update, a
  word of consent, another catalogue may have that stated anew, and its journey is found in the touches;
- never, where it can be in no journey (it has no user, or undoes something): it is then kept to know copies of it.

Of those that are forgotten a row a user is left (journeys/forgotten.py), so that reasons and paths are as they would be
with all of them. What comes of it later than that finds them no more: a link noted after `longest window + lateness`, a
window that another catalogue makes longer, a member of a new list. Where the lateness is the retention, as by default,
touches are kept for the longest window more than that, whoever needs them.
"""

import numpy as np

from streams.core.attribution.attributor import Attributor
from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.run import KeyedRows, matches
from streams.core.events.watermark import DeadLetter
from streams.core.exchange.state import PartitionState
from streams.core.journeys.lanes import CLASSES, TouchesByUserAndClass
from streams.core.parsing.units import HOUR

_STEP = 6 * HOUR  # ms of event time between two times that touches are forgotten: each looks at all that are old


class Forgetting:
    """Forgets what is past in the state of one partition. `expired`: orders that had no message since then (ms) are
    forgotten."""

    def __init__(self, state: PartitionState, attributor: Attributor) -> None:
        self._state, self._attributor = state, attributor
        self.expired = self._touches = self._whole = 0

    @property
    def whole_since(self) -> int:
        """The time from which on all touches are there, and the last of everybody before that, ms."""
        return max(self.expired, self._whole)

    def expire(self, now: int | None, longest: int) -> list[DeadLetter]:
        """Forget what is past the retention and needed for no conversion that waits to be stated; reversals whose
        order never came are dead letters. `now` in ms; None = no event is newer than that."""
        due = self.expired + HOUR
        past = self._state.clock.low_watermark(now)
        if past < due or (horizon := min(past, self._attributor.oldest)) < due:
            return []
        return self.forget(horizon, longest)

    def forget(self, before: int, longest: int) -> list[DeadLetter]:
        """Forget what is past the retention, which began at that time, ms."""
        state = self._state
        self.expired = self._attributor.frozen_before = before
        state.ids.forget(state.touches.expire(before - longest))
        state.linking.seen.expire(before)
        state.subscriptions.expire(before)
        letters = state.book.expire(before)
        state.shared.expire(before, state.book.orders)
        self._attributor.forget()
        return letters

    def forget_touches(self, now: int | None, longest: int) -> None:
        """Forget touches that nothing needs. All that is counted from touches is as they are."""
        due = self._touches + _STEP
        past = self._state.clock.low_watermark_of_touches(now)
        if past < due or (horizon := min(past, self._attributor.oldest)) < due:
            return
        self._touches, self._whole = horizon, max(self._whole, horizon - longest)

        def unneeded(rows: KeyedRows) -> Mask:
            old = np.where(self._in_journeys(rows), rows.time < horizon - longest, rows.time < horizon)
            old[old] = ~self._seen_by_orders(rows.take(old), longest)
            return np.asarray(old)

        self._state.ids.forget(self._state.touches.forget(horizon, unneeded, self._counted))

    def _in_journeys(self, rows: KeyedRows) -> Mask:
        """Which of those touches may be in a journey, whatever the catalogue says."""
        return np.asarray((rows.user != 0) & (self._state.kinds.action_class_of[rows.kind] > 0))

    def _counted(self, rows: KeyedRows) -> Mask:
        """Which of those touches are some in a journey: none that nobody consented to."""
        links, consents = self._state.linking.links, self._state.consents
        counted = (rows.user != 0) & (self._state.kinds.class_of[rows.kind] > 0)
        if len(consents) and len(rows.user):
            denied = consents.denials(links.resolve)(links.resolve(rows.user)[0], rows.time)
            counted &= ~denied | self._state.kinds.consented[rows.kind]
        return np.asarray(counted)

    def _seen_by_orders(self, rows: KeyedRows, longest: int) -> Mask:
        """Which of those touches an order may see, or doubt, that is known: who they may be of completed it then, or at
        most `longest` ms later."""
        tokens, token = np.unique(rows.user, return_inverse=True)
        users, at = self._state.linking.links.ever_of(tokens)
        whose, time = self._completions(np.append(tokens, users), np.append(np.arange(len(tokens)), at))
        completions = TouchesByUserAndClass(whose, np.ones(len(whose), np.int64), time)
        return completions.any_inside(token, rows.time + longest, np.full((len(token), CLASSES), longest))

    def _completions(self, users: U64, at: I64) -> tuple[I64, I64]:
        """When (ms) each order of those users was completed, and what stands in `at` for its user."""
        book = self._state.book
        bought = [
            (buyer, completion.time)
            for buyer in book.buyers.among(np.unique(users))
            for order in book.of_buyer(buyer)
            for completion in order.completions.values()
        ]
        buyer = np.array([buyer for buyer, _ in bought], np.uint64)
        distinct = np.unique(users)
        pair, found = matches(np.searchsorted(distinct, users), np.searchsorted(distinct, buyer))
        return at[pair], np.array([time for _, time in bought], np.int64)[found]
