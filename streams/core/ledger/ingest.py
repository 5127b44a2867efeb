"""Ingestion: from source records to touches, orders, links and consents; what was bad, late, seen before, or belongs
elsewhere. Each kind of event takes one straight line: decode, route, admit, deduplicate, apply."""

from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, Mask
from streams.core.door.canonical import CompletionEvent, ConsentWord, Link, Message, Reversal, Update
from streams.core.door.plain.batch import Touches
from streams.core.door.plain.batches import BatchReader
from streams.core.events.batch import Batch
from streams.core.events.watermark import Outcomes, ahead_of_now, too_late
from streams.core.exchange.router import Router, routing_key
from streams.core.exchange.state import PartitionState
from streams.core.journal.effects import BatchEffects
from streams.core.journeys.from_events import TouchBuilder, columns_of, selected, touch_of
from streams.core.ledger.messages import Arrived, Messages, carried_events, count, with_keys_too_long
from streams.core.ledger.order_ingest import OrderIngest
from streams.core.ledger.settings import LedgerSettings


class Times(NamedTuple):
    """The places of messages, their times (ms), and which of these are too far ahead."""

    places: Sequence[int]
    time: I64
    ahead: Mask


class Ingest:
    """Takes in the events of one partition."""

    def __init__(self, state: PartitionState, rules: LedgerSettings, router: Router) -> None:
        self._state, self._router = state, router
        self.orders = OrderIngest(state, rules, router)
        self._builder = TouchBuilder(rules.catalogue, state.tokens, state.kinds, state.ids, state.unlisted)
        self.use(rules)

    def use(self, rules: LedgerSettings) -> None:
        """Go by those rules from now on."""
        self._rules, self._readers = rules, dict[str, BatchReader]()
        self._builder.use(rules.catalogue)
        self.orders.use(rules)

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What ingestion remembers, by sort: to be measured."""
        read = {f"{topic}: {sort}": of for topic, reader in self._readers.items() for sort, of in reader.held.items()}
        return read | self._builder.held

    def forget_words(self) -> None:
        """Look up the words of touches anew: their codes may be others' by now."""
        self._builder.forget()

    def take(self, batch: Batch, now: int | None, taken: BatchEffects) -> None:
        """Take in a batch of source records; `now` in ms, None in a replay."""
        outcomes = taken.begin(batch)
        too_long = with_keys_too_long(batch, self._rules.reading(batch.topic))
        values = (
            [None if at in too_long else value for at, value in enumerate(batch.values)] if too_long else batch.values
        )
        found = self._reader(batch.topic).read(values, batch.headers or None)
        messages = Messages(batch, found.raws, found.records)
        count(found, messages, outcomes, too_long)
        touches = self._touches_here(messages, found.touches, taken)
        arrived = self._events_here(messages, [Arrived(event, at) for at, event in found.events], taken)
        self._apply(messages, touches, arrived, outcomes, now, taken)

    def take_forwarded(self, batch: Batch, now: int | None, taken: BatchEffects) -> None:
        """Take in events of this partition that came in another."""
        outcomes = taken.begin(batch)
        carried = dict(carried_events(batch, outcomes))
        raws = [carried[at].raw if at in carried else value for at, value in enumerate(batch.values)]
        arrived = [Arrived(each.event, at) for at, each in carried.items() if each.touch is None]
        touches = columns_of({at: each.touch for at, each in carried.items() if each.touch is not None})
        self._apply(Messages(batch, raws), touches, arrived, outcomes, now, taken)

    def _reader(self, topic: str) -> BatchReader:
        if topic not in self._readers:
            self._readers[topic] = BatchReader(self._rules.reading(topic))
        return self._readers[topic]

    def _touches_here(self, messages: Messages, touches: Touches, taken: BatchEffects) -> Touches:
        """The touches that belong to this partition by their routing keys; the others are sent on."""
        if self._router.alone or not touches.kind:
            return touches
        keys = map(_first, touches.user_ids, touches.anonymous_ids, touches.message_ids)
        target = self._router.targets(list(keys))
        away = target != self._router.partition
        for i in np.flatnonzero(away).tolist():
            self._send_on(messages, touch_of(touches, i), touches.at[i], int(target[i]), taken)
        return selected(touches, ~away)

    def _events_here(self, messages: Messages, arrived: list[Arrived], taken: BatchEffects) -> list[Arrived]:
        """Events beside touches that belong to this partition by their routing keys; those that do not are sent on."""
        if self._router.alone or not arrived:
            return arrived
        target = self._router.targets([routing_key(each.event, self._rules.catalogue) for each in arrived])
        away = target != self._router.partition
        for i in np.flatnonzero(away).tolist():
            self._send_on(messages, arrived[i].event, arrived[i].at, int(target[i]), taken)
        return list(compress(arrived, (~away).tolist()))

    def _send_on(self, messages: Messages, event: Any, at: int, target: int, taken: BatchEffects) -> None:
        record, raw = messages.origin(at)
        taken.forwards.append(self._router.misrouted(messages.batch, record, event, raw, target))

    def _apply(
        self,
        messages: Messages,
        touches: Touches,
        arrived: list[Arrived],
        outcomes: Outcomes,
        now: int | None,
        taken: BatchEffects,
    ) -> None:
        """Admit, deduplicate and apply the events of this partition, touches first."""
        touches, arrived = self._admitted(messages, touches, arrived, outcomes, now)
        if touches.kind:
            self._touches(touches, outcomes, taken)
        kinds = dict[type, list[Arrived]]()
        for each in arrived:
            kinds.setdefault(type(each.event), []).append(each)
        self._links(kinds.get(Link, []), outcomes, taken)
        ordered = [each for kind in (CompletionEvent, Update, Reversal) for each in kinds.get(kind, [])]
        self.orders.take(sorted(ordered, key=lambda each: each.at), messages, outcomes, taken)
        self._consents(kinds.get(ConsentWord, []), outcomes, taken)

    def _admitted(
        self, messages: Messages, touches: Touches, arrived: list[Arrived], outcomes: Outcomes, now: int | None
    ) -> tuple[Touches, list[Arrived]]:
        """The events that may be taken in at all, as to their time; the others are dead letters. Words of consent are
        never late."""
        topic = messages.batch.topic
        if not arrived:
            return self._touches_admitted(messages, touches, outcomes, now), arrived
        places = [*touches.at, *(each.at for each in arrived)]
        time = np.append(touches.time, [each.event.message.time for each in arrived]).astype(np.int64)
        order = np.argsort(np.array(places, np.int64), kind="stable")
        ahead, late = np.empty(len(time), np.bool_), np.empty(len(time), np.bool_)
        n = len(touches.kind)
        begins = np.array([True] * n + [isinstance(each.event, CompletionEvent | Link) for each in arrived], np.bool_)
        ahead[order], late[order] = self._state.clock.late_or_early(topic, time[order], now, begins[order])
        late[n:] &= np.array([not isinstance(each.event, ConsentWord) for each in arrived], np.bool_)
        refused = ahead | late
        if not refused.any():
            return touches, arrived
        self._refuse(messages, Times(places, time, ahead), refused, outcomes, now)
        return selected(touches, ~refused[:n]), list(compress(arrived, (~refused[n:]).tolist()))

    def _touches_admitted(self, messages: Messages, touches: Touches, outcomes: Outcomes, now: int | None) -> Touches:
        """The touches that may be taken in, where nothing else came."""
        ahead, late = self._state.clock.late_or_early(messages.batch.topic, touches.time, now)
        refused = ahead | late
        if refused.any():
            self._refuse(messages, Times(touches.at, touches.time, ahead), refused, outcomes, now)
        return selected(touches, ~refused)

    def _refuse(self, messages: Messages, times: Times, refused: Mask, outcomes: Outcomes, now: int | None) -> None:
        newest = self._state.clock.newest_by(now, messages.batch.topic)
        for i in np.flatnonzero(refused).tolist():
            time = int(times.time[i])
            why = ahead_of_now(time, now) if times.ahead[i] else too_late(time, newest)
            record, raw = messages.origin(times.places[i])
            outcomes.reject(record, why, raw)

    def _touches(self, touches: Touches, outcomes: Outcomes, taken: BatchEffects) -> None:
        rows, denials = self._builder.rows(touches)
        fresh = self._state.touches.add(rows)
        refused = int((fresh & denials).sum())
        outcomes.userless += int((fresh & ~denials & (rows.user == 0)).sum())
        outcomes.count(duplicate=int((~fresh).sum()), no_consent=refused, accepted=int(fresh.sum()) - refused)
        taken.touches.append(rows.take(fresh))
        pairs: Iterable[tuple[str, str]] = zip(touches.anonymous_ids, touches.user_ids, strict=True)
        if not fresh.all():
            pairs = compress(pairs, fresh.tolist())
        taken.local_links.append(self._state.linking.of_pairs(pairs, self._state.clock.latest))

    def _link(self, messages: Iterable[Message], taken: BatchEffects) -> None:
        """Messages that carry both a user id and an anonymous one link them."""
        pairs = ((message.anonymous_id, message.user_id) for message in messages)
        taken.local_links.append(self._state.linking.of_pairs(pairs, self._state.clock.latest))

    def _links(self, arrived: list[Arrived], outcomes: Outcomes, taken: BatchEffects) -> None:
        if not arrived:
            return
        rows, links, fresh = self._state.linking.of_links([a.event for a in arrived], self._state.clock.latest)
        outcomes.count(duplicate=int((~fresh).sum()), accepted=int(fresh.sum()))
        taken.identified.append(rows)
        taken.local_links.append(links)

    def _consents(self, arrived: list[Arrived], outcomes: Outcomes, taken: BatchEffects) -> None:
        if not arrived:
            return
        events = [a.event for a in arrived]
        words, fresh = self._state.consents.of_events(events)
        outcomes.count(duplicate=int((~fresh).sum()), accepted=int(fresh.sum()))
        taken.consents.append(words)
        self._link((event.message for event in compress(events, fresh.tolist())), taken)


def _first(user_id: str, anonymous_id: str, message_id: str) -> str:
    return user_id or anonymous_id or message_id
