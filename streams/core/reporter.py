"""The reporter: which conversions must be stated anew, and what their statements say."""

from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from msgspec import structs

from streams.core.catalogue import Catalogue, Goal
from streams.core.codes import TOKEN, Kind, Kinds
from streams.core.events import END_OF_TIME
from streams.core.links import Links
from streams.core.order_book import OrderBook
from streams.core.orders import Completion, Order, Worth
from streams.core.restatements import Cause, Mark, Marks
from streams.core.rivals import Rivals
from streams.core.runs import U64, Mask
from streams.core.statements import TOUCH, WITHDRAWN, Statement
from streams.core.touches import Found, TouchIndex, Wanted


class Case(NamedTuple):
    """A conversion to be stated."""

    goal: Goal
    order: Order
    completion: Completion
    worth: Worth
    contested: bool
    before: Statement | None


class Seen(NamedTuple):
    """What a conversion sees: its canonical `user` (that of the checkout where it is ambiguous), its `touches`, whether
    there are others before it, and whether links leave open which are its own."""

    user: int
    touches: bytes
    earlier: bool
    doubtful: bool


class Reporter:
    """Keeps what was last stated of every conversion, and the set of those that something has changed for."""

    def __init__(
        self, catalogue: Catalogue, book: OrderBook, rivals: Rivals, index: TouchIndex, kinds: Kinds, links: Links
    ) -> None:
        self._catalogue, self._book, self._rivals = catalogue, book, rivals
        self._index, self._kinds, self._links = index, kinds, links
        self._goals = {goal.id: goal for goal in catalogue.goals}
        self.statements: dict[tuple[str, str], Statement] = {}
        self.dirty: dict[tuple[str, str], None] = {}
        self.marks = Marks()
        self.frozen_before = 0  # ms; touches before it may have been forgotten

    def mark(self, orders: Iterable[Order], cause: Cause) -> None:
        """Something changed for those orders: if they are stated anew, it is for that cause or a stronger one."""
        for order in orders:
            for goal in self._catalogue.goals:
                if goal.event in order.completions:
                    key = goal.id, order.order_id
                    self.dirty[key] = None
                    if key in self.statements:
                        self.marks.add(key, cause)

    def due(self, settled: int, most: int | None) -> list[tuple[str, str]]:
        """Conversions to state now, at the most `most`: those up to `settled` (ms) first, the earliest marked first."""
        if most is None or len(self.dirty) <= most:
            return list(self.dirty)
        early = (key for key in self.dirty if self._time(*key) <= settled)
        return list(islice(early, most)) or list(islice(self.dirty, most))

    def _time(self, goal: str, order_id: str) -> int:
        return self._book.orders[order_id].completions[self._goals[goal].event].time

    @property
    def oldest(self) -> int:
        """The earliest time of a conversion that waits to be stated, ms; the end of time where none does."""
        return min((self._time(*key) for key in self.dirty), default=END_OF_TIME)

    def forget(self) -> None:
        """Drop what was stated of orders that are not known any more."""
        self.statements = {key: s for key, s in self.statements.items() if s.order_id in self._book.orders}
        self.marks.keep(self._book.orders)

    def fold(self, statements: Sequence[Statement], marks: Iterable[Mark]) -> list[tuple[Statement, Statement | None]]:
        """Take in what a segment stated, one after the other, and marked; each statement with the one that it takes the
        place of."""
        pairs = []
        for statement in statements:
            pairs.append((statement, self.statements.get(statement.key)))
            self.statements[statement.key] = statement
        self.marks.fold(statements, marks)
        return pairs

    def disown(self, token: int) -> bool:
        """What was stated of that token (a hash) was nobody's, and is to be stated anew; whether there is anything."""
        theirs = {key: s.of_nobody() for key, s in self.statements.items() if s.user == token}
        self.statements |= theirs
        self.dirty |= dict.fromkeys(theirs)
        for key in theirs:
            self.marks.add(key, Cause.ERASURE)
        return bool(theirs)

    def state(self, keys: Sequence[tuple[str, str]], now: int | None) -> list[Statement]:
        """The statements of those conversions that say something new. `now` in ms; None = each in its own hour."""
        for key in keys:
            self.dirty.pop(key, None)
        causes = {key: self.marks.take(key) for key in keys}
        found = [(self._case(*key), self.statements.get(key)) for key in keys]
        stated = self._stated([case for case, _ in found if case], now)
        stated += [self._withdrawal(before, now) for case, before in found if before and not case]
        fresh = [statement for statement in stated if not statement.says_as(self.statements.get(statement.key))]
        return [self._explained(statement, causes[statement.key]) for statement in fresh]

    def _explained(self, statement: Statement, cause: Cause) -> Statement:
        """With the cause, where it takes the place of another."""
        self.marks.said(statement.key)
        return structs.replace(statement, cause=cause.word) if statement.key in self.statements else statement

    def _case(self, goal_id: str, order_id: str) -> Case | None:
        goal, order = self._goals[goal_id], self._book.orders.get(order_id)
        whole = self._rivals.of(order) if order else None
        worth = whole.worth(goal) if whole else None
        if order is None or whole is None or worth is None:
            return None
        completion = whole.completions[goal.event]
        if completion != order.completions.get(goal.event):
            return None  # the partition that has it states it
        contested = self._rivals.contested(order, goal.event)
        return Case(goal, order, completion, worth, contested, self.statements.get((goal_id, order_id)))

    def _stated(self, cases: Sequence[Case], now: int | None) -> list[Statement]:
        bought = np.fromiter((case.completion.user for case in cases), np.uint64, len(cases))
        user, ambiguous = self._links.resolve(bought)
        wanted = _wanted(cases, np.where(ambiguous, 0, user))
        found = self._index.journeys(wanted, self._kinds.class_of, self._links.certain)
        blobs = self._with_tokens(cases, found)
        doubtful = ambiguous | self._doubtful(wanted, np.array([not blob for blob in blobs], np.bool_))
        earlier = found.earlier | self._forgotten(cases, user)
        seen = zip(cases, map(Seen, user.tolist(), blobs, earlier.tolist(), doubtful.tolist()), strict=True)
        return [self._statement(case, each, now) for case, each in seen]

    def _forgotten(self, cases: Sequence[Case], user: U64) -> Mask:
        """Which had an earlier touch when they were last stated that may have been forgotten since; not where it may
        as well be a link that has taken it away."""
        once = [
            before is not None and before.user == now and before.reason == "out_of_window" and self.frozen_before > 0
            for before, now in zip((case.before for case in cases), user.tolist(), strict=True)
        ]
        forgotten = np.array(once, np.bool_)
        forgotten[forgotten] = ~self._links.loosened(user[forgotten])
        return forgotten

    def _doubtful(self, wanted: Wanted, untouched: Mask) -> Mask:
        """Which of the untouched ones would see a touch of a token that is linked to others, too."""
        untouched &= wanted.user != 0
        if len(self._links) and untouched.any():
            asked = Wanted(wanted.user[untouched], wanted.time[untouched], wanted.windows[untouched])
            found = self._index.journeys(asked, self._kinds.class_of, self._links.doubtful)
            untouched[untouched] = np.diff(found.starts) > 0
        else:
            untouched[:] = False
        return untouched

    def _with_tokens(self, cases: Sequence[Case], found: Found) -> list[bytes]:
        """The touches of each case as bytes, the checkout's own campaign added where no touch has it."""
        missing = [i for i, case in enumerate(cases) if case.completion.campaign and not self._has(case, found, i)]
        at = found.starts[1:][missing]
        own = [Kind(c.campaign, c.network, TOKEN) for c in (cases[i].completion for i in missing)]
        touches = np.empty(len(found.time) + len(at), TOUCH)
        touches["time"] = np.insert(found.time, at, [cases[i].completion.time for i in missing])
        touches["kind"] = np.insert(found.kind, at, self._kinds.codes(own).astype(np.uint32))
        starts = found.starts + np.searchsorted(missing, np.arange(len(cases) + 1))
        blob, edges = touches.tobytes(), (starts * TOUCH.itemsize).tolist()
        return [blob[start:end] for start, end in pairwise(edges)]

    def _has(self, case: Case, found: Found, i: int) -> bool:
        campaign = self._kinds.campaigns.code(case.completion.campaign)
        kinds = found.kind[found.starts[i] : found.starts[i + 1]]
        return bool((self._kinds.campaign_of[kinds] == campaign).any())

    def _statement(self, case: Case, seen: Seen, now: int | None) -> Statement:
        goal, order, completion, worth, contested, before = case
        user, touches = seen.user, seen.touches
        reason = "" if touches else _reason(completion, seen)
        # Of an order so old that touches are forgotten, a link that comes now says nothing new.
        same_user = before is not None and before.user in (user, completion.user)
        if before and same_user and not completion.erased and before.time == completion.time < self.frozen_before:
            user, touches, reason = before.user, before.touches, before.reason
        reported = now if now is not None else completion.time
        return Statement(
            goal=goal.id,
            order_id=order.order_id,
            time=completion.time,
            user=user,
            customer=completion.customer,
            currency=completion.currency,
            reason=reason,
            value=worth.value,
            remaining=worth.remaining,
            status=worth.status,
            touches=touches,
            newest=order.newest,
            first=before.first if before else reported,
            updated=reported,
            contested=contested,
            edition=before.edition + 1 if before else 1,
        )

    def _withdrawal(self, before: Statement, now: int | None) -> Statement:
        """A later completion of the order does not count for the goal, or is another partition's."""
        return structs.replace(
            before,
            value=0,
            remaining=0,
            status=WITHDRAWN,
            touches=b"",
            reason="",
            user=0,
            newest=self._book.orders[before.order_id].newest,
            updated=before.updated if now is None else now,
            edition=before.edition + 1,
        )


def _wanted(cases: Sequence[Case], user: U64) -> Wanted:
    n = len(cases)
    time = np.fromiter((case.completion.time for case in cases), np.int64, n)
    windows = [(w.click, w.engage, w.view) for w in (case.goal.windows for case in cases)]
    return Wanted(user, time, np.array(windows, np.int64).reshape(n, 3))


def _reason(completion: Completion, seen: Seen) -> str:
    """Why a conversion without a touch is unattributed."""
    if completion.erased:
        return "erased"
    if completion.denied:
        return "no_consent"
    if not completion.user:
        return "no_token"
    if seen.doubtful:
        return "ambiguous_identity"
    return "out_of_window" if seen.earlier else "no_touch"
