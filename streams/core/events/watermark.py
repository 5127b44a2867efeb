"""The watermark: which events are too late or too early, which are taken in, and what becomes of the others."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import I64
from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT, EVENTS, IDENTITY
from streams.core.parsing.decoding import END_OF_TIME, Rejected

SKEW = 3_600_000  # ms that a clock may be ahead of ours


class DeadLetter(NamedTuple):
    """A record that could not be used, as it came; `reason` and `error` as dead letters have them."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str
    error: str


@dataclass
class Outcomes:
    """What became of every message of a batch: counts by outcome, and the dead letters; names of what is `ignored`,
    places of fields that were left out, how many ids were nobody, how many touches had no user (`userless`), how many
    message ids were of two messages, how many orders were completed with other facts."""

    batch: Batch
    counts: Counter[str] = field(default_factory=Counter)
    dead: list[DeadLetter] = field(default_factory=list)
    folded: int = 0  # times that a campaign was one too many of its day, and is `(other)`
    ignored: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)  # place and JSON type
    placeholders: int = 0
    userless: int = 0
    conflicting_ids: int = 0
    order_conflicts: int = 0
    foreign: int = 0  # refunds in another currency than their order's

    def count(self, **outcomes: int) -> None:
        """Count records that had an outcome."""
        for outcome, n in outcomes.items():
            if n:
                self.counts[outcome] += int(n)

    def ignore(self, name: str, times: int) -> None:
        """Count messages of a name that nobody counts."""
        self.counts["ignored"] += times
        self.ignored[name] += times

    def reject(self, at: int, rejected: Rejected, value: bytes | None = None) -> None:
        """The record at that position, or the message of it with that value, is a dead letter."""
        self.counts["dead_letter"] += 1
        batch = self.batch
        source = (batch.topic, batch.partition, batch.offsets[at], batch.keys[at])
        kept = batch.values[at] if value is None else value
        self.dead.append(DeadLetter(*source, kept, rejected.reason, rejected.error))


class Watermark:
    """What is too early or too late, by topic. `retention` in ms, None = no limit (a replay); `lateness` of what begins
    or belongs to a journey, ms, None = as the retention."""

    def __init__(self, retention: int | None, lateness: int | None = None) -> None:
        self.retention, self.lateness = retention, retention if lateness is None else lateness
        self.newest: dict[str, int] = {}  # the newest event time seen, ms

    def late_or_early(
        self, topic: str, times: I64, now: int | None, begins: NDArray[np.bool_] | bool = True
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(ahead, late) for events in the order of their arrival, of which those that begin or belong to a journey may
        come so late as `lateness` says. Those taken in move the topic's newest time."""
        ahead = (times < 0) | (times > _latest(now))
        before = self.newest_by(now, topic)
        newest = np.maximum.accumulate(np.concatenate(([before], np.where(ahead, 0, times))))
        if len(times) and not ahead.all():
            self.newest[topic] = max(int(newest[-1]), self.newest.get(topic, 0))
        if self.retention is None or self.lateness is None:
            return ahead, np.zeros(len(times), np.bool_)
        late = newest[1:] - times > np.where(begins, self.lateness, self.retention)
        return ahead, late & ~ahead

    @property
    def latest(self) -> int:
        """The newest event time of all topics, ms."""
        return max(self.newest.values(), default=0)

    def newest_by(self, now: int | None, topic: str) -> int:
        """The newest event time of the topic, ms, as far as that may be: a clock may have been ahead once."""
        return min(self.newest.get(topic, 0), _latest(now))

    @property
    def settled(self) -> int:
        """The time up to which touches have been read, as far as anybody can know, ms."""
        return min((self.newest[topic] for topic in (ENGAGEMENT, EVENTS) if topic in self.newest), default=0)

    def low_watermark(self, now: int | None) -> int:
        """The time before which no engagement or checkout event is taken in, ms; 0 while there is none."""
        # Links bear on events of any time and are never past; where they are seldom, they must not hold up the rest.
        newest = {topic: self.newest_by(now, topic) for topic in self.newest if topic != IDENTITY}
        # Where kinds are kept apart, what has come of one says nothing of the other.
        if self.retention is None or not newest or newest.keys() in ({ENGAGEMENT}, {CHECKOUT}):
            return 0
        return min(newest.values()) - self.retention

    def low_watermark_of_touches(self, now: int | None) -> int:
        """The time before which no completion, touch or link is taken in by any topic, ms, where that is later than
        what `low_watermark` says; else 0."""
        newest = [self.newest_by(now, topic) for topic in self.newest]
        if self.lateness is None or self.lateness == self.retention or not self.low_watermark(now):
            return 0
        return min(newest) - self.lateness  # who reads links later than the rest needs touches until then


def _latest(now: int | None) -> int:
    """The latest time that an event may have, ms."""
    return END_OF_TIME - 1 if now is None else min(END_OF_TIME - 1, now + SKEW)


def ahead_of_now(time: int, now: int | None) -> Rejected:
    """Why an event at `time` was refused as too early."""
    if now is None or not 0 <= time < END_OF_TIME:
        return Rejected("malformed", f"`timestamp` ({time} ms since 1970) lies outside 1970-01-01 to 2106-02-07")
    return Rejected(
        "malformed", f"`timestamp` is {(time - now) // 1000} s ahead of now; at most {SKEW // 1000} s are taken"
    )


def too_late(time: int, newest: int) -> Rejected:
    """Why an event at `time` was refused as too late."""
    return Rejected("too_late", f"{(newest - time) // 1000} s behind the newest event of its partition")
