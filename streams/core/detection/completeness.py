"""The completeness watermark: up to which minute of event time everything has been counted, over all partitions.

Event time goes on as the newest event does, and where none comes, at the pace of the wall clock: so a shop that falls
silent is noticed, and a month that is played in seconds is taken for what it is. What is in the topics when somebody
looks is counted when the group has committed beyond it at a later look, and written by the look after that, since a
worker writes what it has committed at once; then all is complete up to the event time of the first look. A partition
with records from before that are still unread is as far as the newest event counted of it, and it holds back the
others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.events.continuity import Available
from streams.core.parsing.units import MINUTE

ALLOWANCE = MINUTE  # ms of event time that a record may take to reach its topic


class SourcePartition(NamedTuple):
    """A partition of a source topic."""

    topic: str
    partition: int


@dataclass
class CompletenessWatermark:
    """What was seen at the last look. Times in ms since the epoch. `unread` records there were then, of all sources;
    `caught_up` is when (by the wall clock) none was left of the look before; `clock` is the event time."""

    unread: int = 0
    caught_up: int = 0
    clock: int = 0
    _newest: int = 0
    _heard: int = 0
    _ends: dict[SourcePartition, int] = field(default_factory=dict)
    _committed: int = 0
    _reached: int = 0

    def advance(
        self, now: int, newest: Mapping[SourcePartition, int], sources: Mapping[SourcePartition, Available]
    ) -> int:
        """Look: `newest` is the event time of the newest event counted of those sources that have one. Returns the
        first minute (since the epoch) that may not be complete."""
        late = [source for source, at in sources.items() if _read(at) < self._ends.get(source, at.end)]
        self._reached = self._committed
        self._committed = max(self._committed, min((newest.get(source, 0) for source in late), default=self.clock))
        self.clock = self._event_time(now, max(newest.values(), default=0))
        self._ends = {source: at.end for source, at in sources.items()}
        self.caught_up = self.caught_up if late else now
        self.unread = sum(at.end - _read(at) for at in sources.values())
        return max(self._reached - ALLOWANCE, 0) // MINUTE

    def _event_time(self, now: int, newest: int) -> int:
        """Event time that never runs ahead of the wall clock: a clock somewhere may."""
        if newest > self._newest:
            self._newest, self._heard = newest, now
        return min(self._newest + now - self._heard, now)


def _read(at: Available) -> int:
    return at.earliest if at.committed is None else at.committed
