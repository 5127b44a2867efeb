"""The ledger: one partition's state, and the order in which what comes is worked on.

`apply` takes in a batch of records, `report` states what changed for goals, `changes` gives the rows to write,
`restore` folds segments back into a state. Nothing here depends on the order in which events arrive.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

from streams.core.attribution.attributor import Attributor
from streams.core.attribution.conversion import Conversion
from streams.core.columns.column import Columns
from streams.core.columns.run import KeyedRows, concatenated, none
from streams.core.columns.stored.keeper import IN_MEMORY, RunKeeper
from streams.core.door.canonical import Rejected
from streams.core.events.batch import Batch, Forward
from streams.core.events.topics import FORWARDED
from streams.core.events.watermark import DeadLetter, Outcomes, Watermark
from streams.core.exchange.publisher import Publisher
from streams.core.exchange.receiver import Receiver
from streams.core.exchange.router import CLAIM, EVENT, FOREIGN, OFFER, UPDATE, Router, by_origin
from streams.core.exchange.state import PartitionState
from streams.core.identity.links import Links
from streams.core.identity.tokens import Tokens
from streams.core.journal.effects import BatchEffects
from streams.core.journal.segment import KeyedSegments, Segment, SegmentKey, columns, recoded, used_kinds
from streams.core.ledger.affected import AffectedOrders
from streams.core.ledger.forgetting import Forgetting
from streams.core.ledger.ingest import Ingest
from streams.core.ledger.outputs import Outputs
from streams.core.ledger.results import Applied, Attributed, LedgerSize, hour_of, refused
from streams.core.ledger.settings import LedgerSettings
from streams.core.ledger.upkeep import Consumers, Upkeep
from streams.core.orders.cause import Cause
from streams.core.orders.order import Order
from streams.core.orders.store import AGAIN
from streams.core.parsing.units import HOUR
from streams.core.privacy.eraser import Eraser
from streams.core.privacy.requests import asks
from streams.core.rows.members import Members

_AT_ONCE = 512  # conversions looked at together: where all have a thousand touches, that is half a million


class Ledger:
    """The state of one partition."""

    def __init__(
        self, rules: LedgerSettings, partition: int = 0, partitions: int = 1, keeper: RunKeeper = IN_MEMORY
    ) -> None:
        """`partitions` is how many the topics have; of one, nothing is ever forwarded. `keeper`: where touches go."""
        self._rules, self._made_of = rules, (rules, partition, partitions)
        router, tokens = Router(partition, partitions), Tokens(rules.token_key)
        self._state = state = PartitionState(
            rules.catalogue,
            Watermark(rules.retention, rules.lateness),
            tokens,
            router,
            rules.campaigns,
            rules.sources.scoped,
        )
        state.keep(keeper)
        self._index, self._book, self._clock = state.touches, state.book, state.clock
        self._ids, self._kinds, self._links = state.ids, state.kinds, state.linking.links
        self._ingest, self._publisher = Ingest(state, rules, router), Publisher(state, router)
        self._receiver = Receiver(state, partitions)
        self._attributor = Attributor(rules.catalogue, state)
        self._eraser = Eraser(state, self._publisher, self._attributor, router)
        self._outputs = out = Outputs(state, rules, partition)
        self._affected = AffectedOrders(state, self._attributor)
        parts = (self._ingest, self._publisher, self._attributor, out.aggregates, out.transitions, out.audiences)
        self._upkeep = Upkeep(state, Consumers(*parts))
        self._past = Forgetting(state, self._attributor)
        self._said_expired = 0  # what segments say of what is past the retention, ms
        self._consents_said = 0  # when all words of consent were said last, ms
        self._work: Mapping[str, Callable[[Batch, int | None, BatchEffects], None]] = {
            EVENT: self._ingest.take_forwarded,
            OFFER: self._ingest.orders.take_offers,
            CLAIM: self._ingest.orders.take_claims,
            UPDATE: self._receiver.take,
            FOREIGN: refused,
        }
        self.offsets: dict[str, int] = {}  # the next one to read, by topic

    def apply(self, batch: Batch, now: int | None = None, hour: int | None = None) -> Applied:
        """Take in records of any topic, those of `forwarded` as `apart` gives them; `now` in ms, None in a replay. What
        they change is reported in that `hour` (since the epoch; None = that of `now`).
        Those that the state already covers are skipped. A bad record never raises: it is in the outcomes."""
        batch = self._uncovered(batch)
        if asks(batch):
            return self._covering(batch, self._forgetting(batch))
        taken = self._taken(batch, now)
        self._state.settle()
        touches, replicated = (concatenated([none(), *parts]) for parts in (taken.touches, taken.replicated))
        links = Links.joined(taken.links)
        self._outputs.engaged(hour_of(now) if hour is None else hour, touches)
        for came in (touches, replicated):
            self._affected.by_people(came.user, came.time, Cause.LATE_TOUCH)
        for order_id, cause in taken.causes.items():
            self._attributor.mark([taken.orders[order_id]], cause)
        self._outputs.linked(links)
        self._affected.by_links(links)
        consents = concatenated([none(), *taken.consents])
        self._affected.by_people(consents.user, consents.time, Cause.CONSENT)
        self._outputs.mark()
        segment = self._segment(touches, self._book.journaled(taken.orders.values()), replicated=replicated)
        segment.links, segment.identified = columns(links.rows), columns(concatenated([none(), *taken.identified]))
        segment.foreign_orders, segment.places, segment.shared_orders = (
            taken.foreign_orders,
            taken.places,
            taken.shared_orders,
        )
        segment.unlisted = self._state.unlisted.take_new()
        segment.consents = columns(consents)
        segment.texts += self._state.consents.texts_of(consents)
        return self._covering(batch, Applied(segment, taken.outcomes, taken.forwards))

    def _taken(self, batch: Batch, now: int | None) -> BatchEffects:
        taken = BatchEffects()
        self._state.unlisted.begin(now)
        if batch.topic == FORWARDED:
            for purpose, part in by_origin(batch):
                self._work.get(purpose, refused)(part, now, taken)
            self._receiver.receive(taken)
        else:
            self._ingest.take(batch, now, taken)
        self._publisher.add(taken)
        if taken.outcomes:
            taken.outcomes[0].folded = self._state.unlisted.take_folded()
        return taken

    def use(self, rules: LedgerSettings) -> None:
        """Go by other rules from now on: what their catalogue says holds for all that is retained."""
        self._rules, self._made_of = rules, (rules, *self._made_of[1:])
        self._state.use(rules.catalogue)
        self._ingest.use(rules)
        self._outputs.use(rules.catalogue)
        self._attributor.use(rules.catalogue)

    def enlist(self, members: Members) -> None:
        """Count the audiences of those lists from now on, by all that is retained."""
        self._outputs.audiences.enlist(members)

    def publish(self) -> list[Forward]:
        """What other partitions are to be sent of what came, before the next report is flushed."""
        return self._publisher.publish()

    def _forgetting(self, batch: Batch) -> Applied:
        tokens, outcomes, forwards = self._eraser.take(batch)
        self._outputs.anonymise(tokens)
        return Applied(Segment(erased=tokens), outcomes, forwards)

    def _covering(self, batch: Batch, applied: Applied) -> Applied:
        first = batch.offsets[0] if batch.offsets else 0
        segment, start = applied.segment, self.offsets.setdefault(batch.topic, first)
        if batch.offsets:
            self.offsets[batch.topic] = batch.offsets[-1] + 1
        segment.starts = {batch.topic: start}
        if self._past.expired > self._said_expired:
            self._said_expired = self._past.expired
            self._carry(segment)
        segment.offsets, segment.newest = dict(self.offsets), dict(self._clock.newest)
        segment.expired = self._past.expired
        return applied

    def empty(self) -> "Ledger":
        """A ledger of this partition that knows nothing: to try things out."""
        return Ledger(*self._made_of)

    def skip(self, batch: Batch, error: str) -> Applied:
        """Records that our own code failed on: all of them are dead letters."""
        outcomes = Outcomes(batch)
        for at in range(len(batch.values)):
            outcomes.reject(at, Rejected("internal", error))
        return self._covering(batch, Applied(Segment(), [outcomes], []))

    def _carry(self, segment: Segment) -> None:
        """What is never past, though the segments that have it may go from now on, is said again: links, and words of
        consent while they hold."""
        links, consents, latest = self._links, self._state.consents, self._clock.latest
        if links.oldest is not None and links.oldest < self.needed_since:
            segment.links = columns(links.renew(latest).rows)
        if len(consents) and self._consents_said < self.needed_since:
            self._consents_said = latest
            words = consents.renew(self._past.expired - self._rules.catalogue.longest_window)
            segment.consents, segment.texts = columns(words), segment.texts + consents.texts_of(words)

    def _uncovered(self, batch: Batch) -> Batch:
        start = 0 if self._rules.replay else bisect_left(batch.offsets, self.offsets.get(batch.topic, 0))
        return batch.part(start) if start else batch

    def _segment(
        self,
        touches: KeyedRows,
        orders: list[Order],
        statements: Sequence[Conversion] = (),
        replicated: KeyedRows | None = None,
    ) -> Segment:
        both = concatenated([touches, replicated]) if replicated else touches
        return Segment(
            kinds={code: self._kinds.words[code] for code in used_kinds(both, statements)},
            columns=columns(touches),
            replicated=columns(replicated or none()),
            texts=self._ids.texts_of(both.keys),
            orders=orders,
            statements=list(statements),
            marks=self._attributor.marks.unjournaled(),
        )

    @property
    def newest(self) -> Mapping[str, int]:
        """The newest event time by topic, ms."""
        return self._clock.newest

    @property
    def needed_since(self) -> int:
        """Segments whose latest event is before this time (ms) can go, as soon as those made since are durable."""
        return self._said_expired - max(self._rules.catalogue.longest_window, AGAIN)

    @property
    def size(self) -> LedgerSize:
        """How large the state is."""
        return LedgerSize(len(self._index), self._upkeep.nbytes, self._state.disk, self._state.keeper.refused)

    @property
    def pending(self) -> int:
        """How many conversions wait to be stated."""
        return len(self._attributor.dirty)

    def report(self, now: int | None = None, most: int | None = None, hour: int | None = None) -> Attributed:
        """State conversions that something changed for, at the most `most`, those first that are settled as far as
        engagement has been read. The figures are reported in that `hour` (None = that of `now`, ms), or each in its own
        (a replay)."""
        reported = now if now is None or hour in (None, hour_of(now)) else hour * HOUR
        keys = self._attributor.due(self._clock.settled, most)
        pairs = []
        for start in range(0, len(keys), _AT_ONCE):
            pairs += self._stated(keys[start : start + _AT_ONCE], reported)
        statements = self._attributor.statements.values()
        if self._outputs.count(statements, self._past.whole_since, now, changed=bool(keys)):
            self._past.forget_touches(now, self._rules.catalogue.longest_window)
        return Attributed(self._segment(none(), [], [statement for statement, _ in pairs]), pairs)

    def _stated(self, keys: Sequence[tuple[str, str]], now: int | None) -> list[tuple[Conversion, Conversion | None]]:
        statements = {statement.key: statement for statement in self._attributor.attribute(keys, now)}
        pairs = [(statement, self._attributor.statements.get(key)) for key, statement in statements.items()]
        self._attributor.statements.update(statements)
        self._outputs.stated(hour_of(now), pairs)
        return pairs

    def changes(self, version: int) -> dict[str, Columns]:
        """The rows of every table for what changed since the last call, as absolute values."""
        rows = self._outputs.changes(version)
        self._upkeep.forget_words()
        self._state.rest()
        return rows

    def expire(self, now: int | None = None) -> list[DeadLetter]:
        """Forget what is past the retention and needed for no conversion that waits to be stated; reversals whose
        order never came are dead letters. `now` in ms; None = no event is newer than that."""
        return self._past.expire(now, self._rules.catalogue.longest_window)

    def unclaimed(self) -> list[DeadLetter]:
        """Dead letters for what still waits for its order, or took nothing of it: the end of a replay."""
        return self._book.unclaimed()

    def restore(
        self, segments: KeyedSegments, now: int, heads: Sequence[tuple[SegmentKey, Segment]] | None = None
    ) -> None:
        """Fold valid segments, in their order, into this empty ledger; `heads` are they without their rows, where they
        are read one by one. What may not be in ClickHouse is among the next `changes`; reports look at each conversion
        again. Of hours that are not open no aggregates are made: their segments may be merged into other hours'."""
        if heads is None:
            segments = heads = list(segments)
        flushed = max((segment.flushed for _, segment in heads), default=-1)
        opened, unwritten = {hour_of(now), *(key.hour for key, _ in heads if key.sequence > flushed)}, list[Segment]()
        for key, segment in segments:
            part = recoded(segment, self._kinds)
            self._fold(part, key.hour, key.hour in opened, key.sequence > flushed)
            self._state.settle()
            unwritten += [part] * (key.sequence > flushed)
        self._book.relate(self._links)
        expired = max((segment.expired for _, segment in heads), default=0)
        self._past.forget(expired, self._rules.catalogue.longest_window)
        self._publisher.add_again(unwritten)
        self._attributor.mark_all()
        self._outputs.restored(anything=bool(heads))
        self._state.rest()

    def _fold(self, segment: Segment, hour: int, open_: bool, unwritten: bool) -> None:
        self._ids.texts.update({(high, low): text for high, low, text in segment.texts})
        self.offsets |= {topic: max(n, self.offsets.get(topic, 0)) for topic, n in segment.offsets.items()}
        self._clock.newest |= {t: max(n, self._clock.newest.get(t, 0)) for t, n in segment.newest.items()}
        touches = segment.touches
        touches = touches.take(self._index.add(touches))
        self._state.fold(segment)
        pairs = self._attributor.fold(segment.statements, segment.marks)
        self._outputs.fold(segment, touches, pairs, hour if open_ else None, unwritten)
        self._outputs.anonymise([token for token in segment.erased if self._eraser.erase(token)])
