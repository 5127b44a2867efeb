"""Records on their way in and out: batches of one topic and partition, and what goes to other partitions."""

from collections.abc import Sequence
from typing import NamedTuple


class Origin(NamedTuple):
    """Where a forwarded record comes from, and what for (see router.py); of one that is none of ours also `why`."""

    purpose: str
    topic: str
    partition: int
    offset: int
    why: str = ""


Headers = Sequence[tuple[str, bytes]]


def telling(headers: Sequence[tuple[str, bytes | None]] | None) -> Headers:
    """The headers that say what a record is: a collector's format, the attributes of a CloudEvent."""
    return [(name, value or b"") for name, value in headers or () if name == "format" or name.startswith("ce_")]


class Batch(NamedTuple):
    """Source records of one topic and partition, in order, as equally long columns; only `forwarded` has `origins`,
    and where no record has `headers` that matter there are none."""

    topic: str
    values: Sequence[bytes | None]
    keys: Sequence[bytes | None]
    offsets: Sequence[int]
    partition: int = 0
    origins: Sequence[Origin] = ()
    headers: Sequence[Headers] = ()

    def part(self, start: int, end: int | None = None) -> "Batch":
        """The records from one position up to another."""
        at = slice(start, end)
        columns = (self.values[at], self.keys[at], self.offsets[at])
        return Batch(self.topic, *columns, self.partition, self.origins[at], self.headers[at])


class OffsetRange(NamedTuple):
    """Offsets of one partition of a topic (its plain name), from `begin` up to `end`."""

    topic: str
    partition: int
    begin: int
    end: int


class Forward(NamedTuple):
    """A record for another partition, as it came; what is published is an update (exchange/update.py)."""

    target: int
    origin: Origin
    key: bytes | None
    value: bytes | None
