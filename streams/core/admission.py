"""Admission: which decoded events are taken in, and what becomes of the others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.events import END_OF_TIME, Rejected
from streams.core.identity import IDENTITY

I64 = NDArray[np.int64]
SKEW = 3_600_000  # ms that a clock may be ahead of ours


class Origin(NamedTuple):
    """Where a forwarded record comes from, and what for (see routing.py)."""

    purpose: str
    topic: str
    partition: int
    offset: int


class Batch(NamedTuple):
    """Source records of one topic and partition, in order, as equally long columns; only `forwarded` has `origins`."""

    topic: str
    values: Sequence[bytes | None]
    keys: Sequence[bytes | None]
    offsets: Sequence[int]
    partition: int = 0
    origins: Sequence[Origin] = ()

    def part(self, start: int, end: int | None = None) -> "Batch":
        """The records from one position up to another."""
        at = slice(start, end)
        columns = (self.values[at], self.keys[at], self.offsets[at])
        return Batch(self.topic, *columns, self.partition, self.origins[at])


class DeadLetter(NamedTuple):
    """A record that could not be used, as it came; `reason` and `error` as in contract 1."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str
    error: str


@dataclass
class Outcomes:
    """What became of every record of a batch: counts by outcome, and the dead letters."""

    batch: Batch
    counts: Counter[str] = field(default_factory=Counter)
    dead: list[DeadLetter] = field(default_factory=list)

    def count(self, **outcomes: int) -> None:
        """So many records had that outcome."""
        self.counts.update({outcome: int(n) for outcome, n in outcomes.items() if n})

    def reject(self, at: int, rejected: Rejected) -> None:
        """The record at that position is a dead letter."""
        self.counts["dead_letter"] += 1
        batch = self.batch
        source = (batch.topic, batch.partition, batch.offsets[at])
        self.dead.append(DeadLetter(*source, batch.keys[at], batch.values[at], rejected.reason, rejected.error))


class Clock:
    """What is too early or too late, by topic. `retention` in ms, None = no limit (a replay)."""

    def __init__(self, retention: int | None) -> None:
        self.retention = retention
        self.newest: dict[str, int] = {}  # the newest event time seen, ms

    def verdicts(self, topic: str, times: I64, now: int | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(ahead, late) for events in the order of their arrival. Those taken in move the topic's newest time."""
        ahead = (times < 0) | (times >= min(END_OF_TIME, END_OF_TIME if now is None else now + SKEW + 1))
        before = self.newest.get(topic, 0)
        newest = np.maximum.accumulate(np.concatenate(([before], np.where(ahead, 0, times))))
        if len(times) and not ahead.all():
            self.newest[topic] = int(newest[-1])
        late = newest[1:] - times > self.retention if self.retention is not None else np.zeros(len(times), np.bool_)
        return ahead, late & ~ahead

    @property
    def latest(self) -> int:
        """The newest event time of all topics, ms."""
        return max(self.newest.values(), default=0)

    @property
    def horizon(self) -> int:
        """The time before which no engagement or checkout event is taken in, ms; 0 while there is none."""
        # Links bear on events of any time and are never past; where they are seldom, they must not hold up the rest.
        newest = [time for topic, time in self.newest.items() if topic != IDENTITY]
        if self.retention is None or len(newest) < 2:
            return 0
        return min(newest) - self.retention


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
