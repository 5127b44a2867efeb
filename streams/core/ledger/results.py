"""What a ledger answers with, and how it names hours."""

from typing import NamedTuple

from streams.core.attribution.conversion import Conversion
from streams.core.door.canonical import Rejected
from streams.core.events.batch import Batch, Forward
from streams.core.events.watermark import Outcomes
from streams.core.journal.effects import BatchEffects
from streams.core.journal.segment import Segment
from streams.core.parsing.units import HOUR
from streams.core.rows.aggregates import REPLAYED


class Applied(NamedTuple):
    """What a batch did: the segment that says so, what became of the records, and what to send to other partitions
    before the segment is written."""

    segment: Segment
    outcomes: list[Outcomes]
    forwards: list[Forward]


class Attributed(NamedTuple):
    """What a report did: the segment that says so; each statement in it with the one it takes the place of."""

    segment: Segment
    pairs: list[tuple[Conversion, Conversion | None]]


class LedgerSize(NamedTuple):
    """Retained engagement events, the bytes of memory that all of the state takes, as far as can be told, those of its
    files, and why it could not be written to files lately ('' where it could)."""

    touches: int = 0
    memory: int = 0
    disk: int = 0
    refused: str = ""


def hour_of(now: int | None) -> int:
    """The hour of a time (ms), since the epoch; REPLAYED of None."""
    return REPLAYED if now is None else now // HOUR


def refused(batch: Batch, now: int | None, taken: BatchEffects) -> None:
    """Records that no worker of this version sends."""
    outcomes = taken.begin(batch)
    for at, origin in enumerate(batch.origins):
        outcomes.reject(at, Rejected("internal", origin.why or f"no worker knows what {origin.purpose!r} is for"))
