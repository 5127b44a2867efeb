"""The monitor: looks at every minute of every goal once it is complete, and says where conversions have dropped.

One worker of the group does it, for all partitions, from what all of them wrote to ClickHouse. What is to be expected
is learnt from there too, so a start, or a change of that worker, needs nothing else. A failure here is logged, counted
and tried again; it never stops the flow.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import structlog
from aiokafka.errors import KafkaError

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.alert import Alert, columns, explained, record
from streams.core.detection.completeness import CompletenessWatermark, SourcePartition
from streams.core.detection.detector import Drop, DropDetector
from streams.core.detection.diagnosis import Pipeline, beyond_usual, comparable
from streams.core.detection.history import DAY, MEMORY
from streams.core.events.continuity import Available
from streams.core.events.topics import ENGAGEMENT, FORWARDED, IDENTITY, dead_letters_of
from streams.core.parsing.units import MINUTE
from streams.jobs import goal_counts
from streams.jobs.periodic import Leadership, PeriodicTask
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.sinks.threads import in_thread
from streams.telemetry import metrics

LOOKED_AT_AGAIN = 2 * DAY  # minutes before a start in which an alarm may have begun that is still on
LEFT_OUT = DAY  # minutes to catch up with, beyond which the older ones are learnt and not looked at

log = structlog.get_logger(__name__)


class AvailableOffsets(Protocol):
    """What is needed of the consumer group."""

    async def available(self, topics: Sequence[str], partition: int) -> Mapping[str, Available]: ...


class Writer(Leadership, Protocol):
    """The worker, which says when all that it has committed is in the database."""

    async def written(self) -> None: ...


class AlertProducer(Protocol):
    """Where records of alerts go; returns once the broker has acknowledged it."""

    async def alert(self, goal: str, record: bytes) -> None: ...


class Monitor:
    """Watches `goals` (their ids): a look a turn."""

    def __init__(
        self,
        goals: Sequence[str],
        client: Client,
        producer: AlertProducer,
        group: AvailableOffsets,
        owner: Writer,
        read: Sequence[SourcePartition],
    ) -> None:
        """Messages are `read` from these topics and partitions."""
        topics, self._partitions = list(dict.fromkeys(source.topic for source in read)), {s.partition for s in read}
        self._read = [*(topic for topic in topics if topic != IDENTITY), FORWARDED]
        self._letters = [dead_letters_of(topic) for topic in topics if topic not in (ENGAGEMENT, IDENTITY)]
        self._goals, self._client, self._producer, self._group, self._owner = goals, client, producer, group, owner
        self.turns = PeriodicTask(self._look)
        self._forget()

    def _forget(self) -> None:
        self._watch: DropDetector | None = None
        self._completeness = CompletenessWatermark()
        self._said: dict[str, int] = {}
        self._unsaid: list[Drop] = []
        self._dead: list[tuple[int, int]] = []  # how many dead letters of checkouts there were by which minute
        metrics.EXPECTED.clear()
        metrics.DROP_PROBABILITY.clear()

    def use(self, goals: Sequence[str]) -> None:
        """Watch those goals from now on, anew."""
        self._goals = goals
        self._forget()

    async def _look(self) -> None:
        try:
            if not self._owner.leads:
                self._forget()
            elif self._owner.ready:
                await self.check(time.time_ns() // 1_000_000)
        except (DatabaseError, KafkaError) as error:
            metrics.WATCH_FAILURES.inc()
            log.warning("could not look for drops of conversions, trying again", error=repr(error))
        except Exception:
            metrics.WATCH_FAILURES.inc()
            log.exception("a defect in the look for drops of conversions; looking anew")
            self._forget()

    async def check(self, now: int) -> None:
        """Look at the minutes that are complete by `now` (ms). Raises DatabaseError and KafkaError; looking again is
        safe."""
        if self._watch is None or now >= (self._watch.minute + 2) * MINUTE:
            sources, dead = await self._sources()
            await self._owner.written()  # what this worker has committed may be unwritten still
            newest = await in_thread(partial(goal_counts.newest, self._client, self._read))
            end = self._completeness.advance(now, newest, sources)
            self._dead = [*self._dead[-DAY:], (self._completeness.clock // MINUTE, dead)]
            await in_thread(partial(self._catch_up, end))
        while self._unsaid:
            await self._send_alert(self._unsaid[0], now)
            del self._unsaid[0]

    async def _sources(self) -> tuple[dict[SourcePartition, Available], int]:
        """What the source topics hold, and how many dead letters of checkouts there ever were."""
        found, dead = dict[SourcePartition, Available](), 0
        for number in sorted(self._partitions):
            held = dict(await self._group.available([*self._read, *self._letters], number))
            dead += sum(held.pop(letters).end for letters in self._letters)
            found |= {SourcePartition(topic, number): at for topic, at in held.items()}
        return found, dead

    def _catch_up(self, end: int) -> None:
        """Feed the watch all minutes before `end`, in a thread."""
        watch = self._watch
        if end and (watch is None or end - watch.minute > LEFT_OUT):
            watch = self._trained(end)
        if watch is None or watch.minute >= end:
            return
        counts = goal_counts.counts(self._client, self._goals, watch.minute, end)
        for column, known in zip(counts.T, _known(counts, watch.history.begun).T, strict=True):
            before = watch.alarms.on
            watch.add(column, known)
            self._unsaid += [drop for drop in watch.drops if not before[drop.goal] and self._is_news(drop)]
        self._watch = watch
        for goal, expected, probability in zip(self._goals, watch.expected, watch.probability, strict=True):
            metrics.EXPECTED.labels(goal).set(expected)
            metrics.DROP_PROBABILITY.labels(goal).set(probability)

    def _trained(self, end: int) -> DropDetector:
        """A watch that knows what the database does; the last minutes before `end` are left for it to look at."""
        self._said = dict(goal_counts.said(self._client))
        first, until = end - MEMORY * DAY, end - LOOKED_AT_AGAIN
        counts = goal_counts.counts(self._client, self._goals, first, until)
        return DropDetector.after(first, counts, _known(counts, np.zeros(len(counts), np.bool_)))

    def _is_news(self, drop: Drop) -> bool:
        """An alert that was raised since this drop began is one of it."""
        return self._said.get(self._goals[drop.goal], -1) < drop.since

    async def _send_alert(self, drop: Drop, now: int) -> None:
        alert = await in_thread(partial(self._explained, drop, now))
        log.warning("conversions have dropped", goal=alert.goal, cause=alert.verdict.cause, seen=drop.seen)
        await self._producer.alert(alert.goal, record(alert))
        await in_thread(partial(self._client.insert, "alerts", columns([alert], now)))
        self._said[alert.goal] = drop.raised

    def _explained(self, drop: Drop, now: int) -> Alert:
        goal, span = self._goals[drop.goal], (drop.since, drop.raised + 1)
        begin = self._watch.history.begin(drop.goal) if self._watch else drop.since
        parts = goal_counts.parts(self._client, goal, span, comparable(span, begin))
        # When a drop began is not known to the minute: its later half is the surer one.
        later = (drop.since + drop.raised) // 2, drop.raised + 1
        engagement = goal_counts.engagement(self._client, later, comparable(later, begin))
        behind = (now - self._completeness.caught_up) / 1000
        pipeline = Pipeline(self._completeness.unread, behind, beyond_usual(self._dead, drop.since))
        return explained(goal, drop, parts, engagement, pipeline)


def _known(counts: F64, begun: Mask) -> Mask:
    """Which counts (goals, minutes) say something: those before a goal's first conversion do not, where it has not
    `begun` (goals,)."""
    return np.asarray(np.maximum.accumulate(counts > 0, axis=1) | begun[:, None])
