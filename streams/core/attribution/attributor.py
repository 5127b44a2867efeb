"""The attributor: which conversions are stated anew, from which touches, and for which reason some are unattributed."""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

from msgspec import structs

from streams.core.attribution.conversion import WITHDRAWN, Conversion
from streams.core.attribution.restatements import PendingCause, PendingCauses
from streams.core.attribution.visible import KnownState, PendingConversion, SeenTouches, VisibleTouches
from streams.core.catalogue.model import Catalogue
from streams.core.door.canonical import END_OF_TIME
from streams.core.door.fields.names import event_name
from streams.core.orders.cause import Cause
from streams.core.orders.keys import field_of
from streams.core.orders.matching import counts
from streams.core.orders.order import Completion, Order
from streams.core.orders.value import value_for


class Attributor:
    """Keeps what was last stated of every conversion, and the set of those that something has changed for."""

    def __init__(self, catalogue: Catalogue, known: KnownState) -> None:
        self._book, self._shared, self._visible = known.book, known.shared, VisibleTouches(catalogue, known)
        self.statements: dict[tuple[str, str], Conversion] = {}
        self.dirty: dict[tuple[str, str], None] = {}
        self.marks = PendingCauses()
        self.frozen_before = 0  # ms; touches before it may have been forgotten
        self._use(catalogue)

    def _use(self, catalogue: Catalogue) -> None:
        self._goals = {goal.id: goal for goal in catalogue.goals}
        self._events = {goal.id: event_name(goal.event) for goal in catalogue.goals}

    def use(self, catalogue: Catalogue) -> None:
        """State by that catalogue from now on, and look again at every conversion."""
        self._use(catalogue)
        self._visible.use(catalogue)
        self.mark_all()

    def mark_all(self) -> None:
        """Look again at every conversion: the catalogue may be another. Of a goal that is gone nothing is left."""
        self.mark(self._book.orders.values(), Cause.CATALOGUE)
        self.dirty |= dict.fromkeys(key for key in self.statements if key[0] not in self._goals)

    def mark(self, orders: Iterable[Order], cause: Cause) -> None:
        """Something changed for those orders: if they are stated anew, it is for that cause or a stronger one."""
        for order in orders:
            for goal in self._goals.values():
                if self._events[goal.id] in order.completions and field_of(order.order_id) == goal.id_field:
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

    def _time(self, goal_id: str, order_id: str) -> int:
        """When a conversion happened, ms; 0 where it is none any more."""
        order = self._book.orders.get(order_id)
        completion = order.completions.get(self._events.get(goal_id, "")) if order else None
        return completion.time if completion else 0

    @property
    def oldest(self) -> int:
        """The earliest time of a conversion that waits to be stated, ms; the end of time where none does."""
        return min((self._time(*key) for key in self.dirty), default=END_OF_TIME)

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What the attributor keeps, by sort: to be measured."""
        return {"statements": self.statements, "due": self.dirty}

    def forget(self) -> None:
        """Drop what was stated of orders that are not known any more."""
        self.statements = {key: s for key, s in self.statements.items() if s.order_id in self._book.orders}
        self.marks.keep(self._book.orders)

    def fold(
        self, statements: Sequence[Conversion], marks: Iterable[PendingCause]
    ) -> list[tuple[Conversion, Conversion | None]]:
        """Take in what a segment stated, one after the other, and marked; each statement with the one that it takes the
        place of."""
        pairs = []
        for statement in statements:
            pairs.append((statement, self.statements.get(statement.key)))
            self.statements[statement.key] = statement
        self.marks.fold(statements, marks)
        return pairs

    def anonymise(self, token: int) -> bool:
        """What was stated of that token (a hash) was nobody's, and is to be stated anew; whether there is anything."""
        theirs = {key: s.anonymised() for key, s in self.statements.items() if s.user == token}
        self.statements |= theirs
        self.dirty |= dict.fromkeys(theirs)
        for key in theirs:
            self.marks.add(key, Cause.ERASURE)
        return bool(theirs)

    def attribute(self, keys: Sequence[tuple[str, str]], now: int | None) -> list[Conversion]:
        """The statements of those conversions that say something new. `now` in ms; None = each in its own hour."""
        for key in keys:
            self.dirty.pop(key, None)
        causes = {key: self.marks.take(key) for key in keys}
        found = [(self._case(*key), self.statements.get(key)) for key in keys]
        stated = self._stated([case for case, _ in found if case], now)
        stated += [self._withdrawal(before, now) for case, before in found if before and not case]
        fresh = [statement for statement in stated if not statement.same_as(self.statements.get(statement.key))]
        return [self._explained(statement, causes[statement.key]) for statement in fresh]

    def _explained(self, statement: Conversion, cause: Cause) -> Conversion:
        """With the cause, where it takes the place of another."""
        self.marks.journaled(statement.key)
        return structs.replace(statement, cause=cause.word) if statement.key in self.statements else statement

    def _case(self, goal_id: str, order_id: str) -> PendingConversion | None:
        goal, order = self._goals.get(goal_id), self._book.orders.get(order_id)
        if goal is None or order is None:
            return None
        whole, event = self._shared.of(self._book.whole(order)), self._events[goal_id]
        if not counts(whole, goal) or whole.completions[event] != order.completions.get(event):
            return None  # it does not count, or the partition that has the earliest completion states it
        value, before = value_for(whole, event, goal.value), self.statements.get((goal_id, order_id))
        return PendingConversion(
            goal, order, whole.completions[event], value, self._shared.contested(order, event), before
        )

    def _stated(self, cases: Sequence[PendingConversion], now: int | None) -> list[Conversion]:
        seen = self._visible.seen(cases, self.frozen_before)
        return [self._statement(case, each, now) for case, each in zip(cases, seen, strict=True)]

    def _statement(self, case: PendingConversion, seen: SeenTouches, now: int | None) -> Conversion:
        goal, order, completion, value, contested, before = case
        user, touches = seen.user, seen.touches
        reason = "" if touches else _reason(completion, seen)
        # Of an order so old that touches are forgotten, a link that comes now says nothing new.
        same_user = before is not None and before.user in (user, completion.user)
        if before and same_user and not completion.erased and before.time == completion.time < self.frozen_before:
            user, touches, reason = before.user, before.touches, before.reason
        reported = now if now is not None else completion.time
        return Conversion(
            goal=goal.id,
            order_id=order.order_id,
            time=completion.time,
            user=user,
            customer=completion.customer,
            currency=value.currency,
            reason=reason,
            value=value.value,
            remaining=value.remaining,
            status=value.status,
            known=value.known,
            touches=touches,
            newest=order.newest,
            first=before.first if before else reported,
            updated=reported,
            contested=contested,
            edition=before.edition + 1 if before else 1,
        )

    def _withdrawal(self, before: Conversion, now: int | None) -> Conversion:
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


def _reason(completion: Completion, seen: SeenTouches) -> str:
    """Why a conversion without a touch is unattributed."""
    if completion.erased:
        return "erased"
    if seen.denied:
        return "no_consent"
    if not completion.user:
        return "no_token"
    if seen.doubtful:
        return "ambiguous_identity"
    return "out_of_window" if seen.earlier else "no_touch"
