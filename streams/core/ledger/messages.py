"""Messages of a batch: which record each came in, and what is none of ours among them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streams.core.door.canonical import Rejected
from streams.core.door.context import Reading
from streams.core.door.plain.batch import DecodedBatch
from streams.core.events.batch import Batch
from streams.core.events.watermark import Outcomes
from streams.core.exchange.messages import Carried, unpacked
from streams.core.parsing.decoding import attempt


class Arrived(NamedTuple):
    """An event, and the place of its message in the batch that it came in."""

    event: Any  # Link, ConsentWord or an OrderEvent
    at: int


class Messages(NamedTuple):
    """The messages of a batch: the bytes of each, and the record that it came in (None: each in its own)."""

    batch: Batch
    raws: Sequence[bytes | None]
    records: Sequence[int] | None = None

    def origin(self, at: int) -> tuple[int, bytes]:
        """The record that the message at that place came in, and its own bytes."""
        return at if self.records is None else self.records[at], self.raws[at] or b""


def carried_events(batch: Batch, outcomes: Outcomes) -> Iterator[tuple[int, Carried]]:
    """The records that carry events of this partition, by their places; what carries none is a dead letter."""
    for at, value in enumerate(batch.values):
        carried = attempt(unpacked, value)
        if isinstance(carried, Rejected):
            outcomes.reject(at, carried)
        elif carried.event is None:
            outcomes.reject(at, Rejected("internal", "the record carries no event"))
        else:
            yield at, carried


def with_keys_too_long(batch: Batch, reading: Reading) -> dict[int, Rejected]:
    """The records that are too long with their keys alone, by their places; a batch body has a limit of its own."""
    limit = reading.limit
    if _longest(batch.keys) + _longest(batch.values) <= limit:
        return {}
    sizes = ((at, value, len(key or b"")) for at, (key, value) in enumerate(zip(batch.keys, batch.values, strict=True)))
    return {
        at: Rejected("oversized", f"{size + len(value)} bytes with its key; at most {limit} are taken")
        for at, value, size in sizes
        if value and len(value) <= limit < size + len(value)
        if reading.batch_limit <= limit or b'"batch"' not in value
    }


def _longest(texts: Sequence[bytes | None]) -> int:
    return max(map(len, filter(None, texts)), default=0)


def count(found: DecodedBatch, messages: Messages, outcomes: Outcomes, too_long: Mapping[int, Rejected]) -> None:
    """Count what is no event of ours, or of which something was left out."""
    outcomes.placeholders += found.placeholders
    outcomes.faults.update({(fault.place, fault.type): n for fault, n in found.faults.items()})
    for name, times in found.ignored.items():
        outcomes.ignore(name, times)
    for at, rejected in found.rejected:
        record, raw = messages.origin(at)
        if record in too_long:
            outcomes.reject(record, too_long[record])
        else:
            outcomes.reject(record, rejected, raw or None)
