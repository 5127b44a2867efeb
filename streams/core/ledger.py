"""The ledger: one partition's state, and the only place with rules.

`apply` takes in a batch of records, `report` states what changed for goals, `changes` gives the rows to write,
`restore` folds segments back into a state. Nothing here depends on the order in which events arrive.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from streams.core.admission import Batch, DeadLetter, Outcomes
from streams.core.aggregates import REPLAYED, Aggregates
from streams.core.eraser import Eraser
from streams.core.erasure import asks
from streams.core.events import Rejected
from streams.core.intake import CHECKOUT, ENGAGEMENT, Intake
from streams.core.order_book import unclaimed
from streams.core.orders import Order
from streams.core.reporter import Reporter
from streams.core.restatements import Cause
from streams.core.routing import Forward, Router
from streams.core.rows import Columns
from streams.core.rules import Rules
from streams.core.runs import Touches, concatenated, none
from streams.core.segment import Segment, SegmentKey, columns, open_since, recoded, rows, used_kinds
from streams.core.statements import Statement
from streams.core.tokens import Tokens
from streams.core.transitions import Transitions
from streams.core.unwritten import Unwritten

HOUR = 3_600_000  # ms
_AT_ONCE = 512  # conversions looked at together: where all have a thousand touches, that is half a million


class Applied(NamedTuple):
    """What a batch did: the segment that says so, what became of the records, and what to send to other partitions
    before the segment is written."""

    segment: Segment
    outcomes: list[Outcomes]
    forwards: list[Forward]


class Stated(NamedTuple):
    """What a report did: the segment that says so; each statement in it with the one it takes the place of."""

    segment: Segment
    pairs: list[tuple[Statement, Statement | None]]


class Ledger:
    """The state of one partition."""

    def __init__(self, rules: Rules, partition: int = 0, partitions: int = 1) -> None:
        """`partitions` is how many the topics have; of one, nothing is ever forwarded."""
        self._rules = rules
        router, tokens = Router(partition, partitions), Tokens(rules.token_key)
        self._intake = Intake(rules.catalogue, rules.retention, router, tokens)
        self._index, self._book, self._clock = self._intake.index, self._intake.book, self._intake.clock
        self._ids, self._kinds, self._links = self._intake.ids, self._intake.kinds, self._intake.linking.links
        self._lent, self._rivals, self._partition = self._intake.lent, self._intake.rivals, partition
        self._reporter = Reporter(rules.catalogue, self._book, self._rivals, self._index, self._kinds, self._links)
        self._eraser = Eraser(self._intake, self._reporter, tokens, router)
        origin = "replay" if rules.replay else "live"
        self._aggregates = Aggregates(self._kinds, origin, partition)
        self._transitions = Transitions(rules.catalogue, self._kinds, origin, partition)
        self._unwritten = Unwritten(rules.catalogue, self._kinds)
        self._expired = self._said_expired = 0  # what is past the retention, ms; and what segments say of it
        self.offsets: dict[str, int] = {}  # the next one to read, by topic

    def apply(self, batch: Batch, now: int | None = None) -> Applied:
        """Take in records of any topic, those of `forwarded` as `apart` gives them; `now` in ms, None in a replay.
        Those that the state already covers are skipped. A bad record never raises: it is in the outcomes."""
        batch = self._uncovered(batch)
        if asks(batch):
            return self._covering(batch, self._forgetting(batch))
        taken = self._intake.take(batch, now)
        touches, lent, links = (concatenated([none(), *parts]) for parts in (taken.touches, taken.lent, taken.links))
        self._engage(touches, _hour(now))
        self._look_at(lent)
        for order_id, cause in taken.causes.items():
            self._reporter.mark([taken.orders[order_id]], cause)
        self._linked(links)
        if taken.lent_orders:
            self._transitions.mark()
        segment = self._segment(touches, [order.journaled() for order in taken.orders.values()], lent=lent)
        segment.links, segment.identified = columns(links), columns(concatenated([none(), *taken.identified]))
        segment.lent_orders, segment.places, segment.rivals = taken.lent_orders, taken.places, taken.rivals
        return self._covering(batch, Applied(segment, taken.outcomes, taken.forwards))

    def lend(self) -> list[Forward]:
        """What other partitions are to be sent of what came, before the next report is flushed."""
        return self._intake.lender.lend()

    def _forgetting(self, batch: Batch) -> Applied:
        tokens, outcomes, forwards = self._eraser.take(batch)
        self._disown(tokens)
        return Applied(Segment(erased=tokens), outcomes, forwards)

    def _disown(self, tokens: Sequence[int]) -> None:
        """What is still to be written is of none of those erased tokens (hashes)."""
        for token in tokens:
            self._unwritten.disown(token)
            self._transitions.mark()

    def _covering(self, batch: Batch, applied: Applied) -> Applied:
        first = batch.offsets[0] if batch.offsets else 0
        segment, start = applied.segment, self.offsets.setdefault(batch.topic, first)
        if batch.offsets:
            self.offsets[batch.topic] = batch.offsets[-1] + 1
        segment.starts = {batch.topic: start}
        if self._expired > self._said_expired:
            self._said_expired = self._expired
            self._carry_links(segment)
        segment.offsets, segment.newest, segment.expired = dict(self.offsets), dict(self._clock.newest), self._expired
        return applied

    def skip(self, batch: Batch, error: str) -> Applied:
        """Records that our own code failed on: all of them are dead letters."""
        outcomes = Outcomes(batch)
        for at in range(len(batch.values)):
            outcomes.reject(at, Rejected("internal", error))
        return self._covering(batch, Applied(Segment(), [outcomes], []))

    def _engage(self, touches: Touches, hour: int) -> None:
        self._aggregates.engaged(hour, touches.time, touches.kind)
        self._unwritten.engaged(touches)
        self._look_at(touches)

    def _look_at(self, touches: Touches) -> None:
        """Look again at the orders that those new touches may count for."""
        self._transitions.mark()
        self._reporter.mark(self._book.affected(touches.user, touches.time), Cause.LATE_TOUCH)
        links, at = self._links.of(touches.user)
        self._reporter.mark(self._book.affected(links.keys.high, touches.time[at]), Cause.LATE_TOUCH)

    def _linked(self, links: Touches) -> None:
        """Look again at the orders of newly linked tokens, and at those that their touches count for, or no more."""
        if not len(tokens := np.unique(links.user)):
            return
        self._unwritten.linked(links)
        self._book.relate(self._links, tokens.tolist())
        bought = (order for token in tokens.tolist() for order in self._book.of_buyer(token))
        self._reporter.mark(bought, Cause.IDENTITY)
        touches, _ = self._index.of_users(tokens)
        touches = touches.take(self._kinds.class_of[touches.kind] > 0)
        links, at = self._links.of(touches.user)
        self._reporter.mark(self._book.affected(links.keys.high, touches.time[at]), Cause.IDENTITY)

    def _carry_links(self, segment: Segment) -> None:
        """Links are never past: those in segments that may go from now on are said again."""
        oldest = self._links.oldest
        if oldest is not None and oldest < self.needed_since:
            segment.links = columns(self._links.renew(self._clock.latest))

    def _uncovered(self, batch: Batch) -> Batch:
        start = 0 if self._rules.replay else bisect_left(batch.offsets, self.offsets.get(batch.topic, 0))
        return batch.part(start) if start else batch

    def _segment(
        self, touches: Touches, orders: list[Order], statements: Sequence[Statement] = (), lent: Touches | None = None
    ) -> Segment:
        both = concatenated([touches, lent]) if lent else touches
        return Segment(
            kinds={code: self._kinds.words[code] for code in used_kinds(both, statements)},
            columns=columns(touches),
            lent=columns(lent or none()),
            texts=self._ids.texts_of(both.keys),
            orders=orders,
            statements=list(statements),
            marks=self._reporter.marks.unsaid(),
        )

    @property
    def newest(self) -> Mapping[str, int]:
        """The newest event time by topic, ms."""
        return self._clock.newest

    @property
    def needed_since(self) -> int:
        """Segments whose latest event is before this time (ms) can go, as soon as those made since are durable."""
        return self._said_expired - self._rules.catalogue.longest_window

    @property
    def size(self) -> tuple[int, int]:
        """Retained engagement events, and the bytes that they and the links take."""
        return len(self._index), self._index.nbytes + self._links.nbytes

    @property
    def pending(self) -> int:
        """How many conversions wait to be stated."""
        return len(self._reporter.dirty)

    def report(self, now: int | None = None, most: int | None = None) -> Stated:
        """State conversions that something changed for, at the most `most`, those first that are settled as far as
        engagement has been read. The figures are reported in the hour of `now` (ms), or each in its own (a replay)."""
        keys = self._reporter.due(self._clock.newest.get(ENGAGEMENT, 0), most)
        pairs = []
        for start in range(0, len(keys), _AT_ONCE):
            pairs += self._state(keys[start : start + _AT_ONCE], now)
            self._transitions.mark()
        if self._transitions.due(now):
            self._count_transitions(now)
        return Stated(self._segment(none(), [], [statement for statement, _ in pairs]), pairs)

    def _count_transitions(self, now: int | None) -> None:
        """Of journeys that lie in several partitions, the user's counts."""
        statements, goals = self._reporter.statements.values(), self._rules.catalogue.goals
        resolve, elsewhere = partial(self._links.resolve_at, self._partition), list(self._lent.bought(goals))
        self._transitions.count(self._index, statements, self._expired, now, resolve, elsewhere)

    def _state(self, keys: Sequence[tuple[str, str]], now: int | None) -> list[tuple[Statement, Statement | None]]:
        statements = {statement.key: statement for statement in self._reporter.state(keys, now)}
        pairs = [(statement, self._reporter.statements.get(key)) for key, statement in statements.items()]
        self._aggregates.stated(_hour(now), pairs)
        self._reporter.statements.update(statements)
        self._unwritten.stated(statements.values())
        return pairs

    def changes(self, version: int) -> dict[str, Columns]:
        """The rows of every table for what changed since the last call, as absolute values."""
        return self._aggregates.changes(version) | self._transitions.changes(version) | self._unwritten.rows()

    def expire(self) -> list[DeadLetter]:
        """Forget what is past the retention and needed for no conversion that waits to be stated; reversals whose
        order never came are dead letters."""
        due = self._expired + HOUR
        if self._clock.horizon < due or (horizon := min(self._clock.horizon, self._reporter.oldest)) < due:
            return []
        return unclaimed(self._forget(horizon), CHECKOUT)

    def _forget(self, before: int) -> list[Order]:
        self._expired = self._reporter.frozen_before = before
        self._ids.forget(self._index.expire(before - self._rules.catalogue.longest_window))
        self._intake.linking.seen.expire(before)
        self._lent.expire(before)
        gone = self._book.expire(before)
        self._rivals.expire(before, self._book.orders)
        self._reporter.forget()
        return gone

    def unclaimed(self) -> list[DeadLetter]:
        """Dead letters for the reversals that still wait: the end of a replay."""
        return unclaimed(self._book.orders.values(), CHECKOUT)

    def restore(self, segments: Sequence[tuple[SegmentKey, Segment]], now: int) -> None:
        """Fold valid segments, in their order, into this empty ledger. What may not have been written to ClickHouse
        is among the next `changes`; every conversion is looked at again by the next reports. Of the hours before the
        first open one no aggregates are made: their segments may have been merged into those of other hours."""
        flushed = max((segment.flushed for _, segment in segments), default=-1)
        opened = open_since((key for key, _ in segments), flushed, _hour(now))
        parts = [(key, recoded(segment, self._kinds)) for key, segment in segments]
        for key, segment in parts:
            self._fold(segment, key.hour, key.hour >= opened, key.sequence > flushed)
        self._book.relate(self._links)
        self._forget(max((segment.expired for _, segment in segments), default=0))
        self._intake.lender.add_again(segment for key, segment in parts if key.sequence > flushed)
        self._reporter.mark(self._book.orders.values(), Cause.CATALOGUE)
        self._transitions.restored()

    def _fold(self, segment: Segment, hour: int, open_: bool, unwritten: bool) -> None:
        self._ids.texts.update({(high, low): text for high, low, text in segment.texts})
        self.offsets |= {topic: max(n, self.offsets.get(topic, 0)) for topic, n in segment.offsets.items()}
        self._clock.newest |= {t: max(n, self._clock.newest.get(t, 0)) for t, n in segment.newest.items()}
        touches = segment.touches
        touches = touches.take(self._index.add(touches))
        self._index.lent.add(rows(segment.lent))
        self._lent.put(segment.lent_orders)
        self._rivals.place(segment.places)
        self._rivals.put(segment.rivals)
        self._links.add(rows(segment.links))
        self._unwritten.linked(rows(segment.links))  # all of them: the catalogue may have a holdout only now
        self._intake.linking.seen.add(rows(segment.identified))
        for order in segment.orders:
            self._book.put(order)
        if open_:
            self._aggregates.engaged(hour, touches.time, touches.kind)
        if unwritten:
            self._unwritten.engaged(touches)
            self._unwritten.stated(segment.statements)
        pairs = self._reporter.fold(segment.statements, segment.marks)
        if open_:
            self._aggregates.stated(hour, pairs)
        self._disown([token for token in segment.erased if self._eraser.erase(token)])


def _hour(now: int | None) -> int:
    return REPLAYED if now is None else now // HOUR
