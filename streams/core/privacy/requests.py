"""Erasures: what is asked for, and the journal's segments without what they are to forget.

A request names a token by its keyed hash alone. A ledger forgets it at once, and its segment says so; the segments
before it are written anew under their own keys without the token, and only then does that segment stop naming it. So
each step leaves a journal from which the same state comes, and a crash between two steps only repeats them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import msgspec
from msgspec import Struct, structs

from streams.core.columns.run import anonymised
from streams.core.events.batch import Batch
from streams.core.events.topics import ERASURES
from streams.core.exchange.router import ERASE
from streams.core.identity.links import without
from streams.core.journal.segment import Columns, Segment, SegmentKey, columns, rows
from streams.core.parsing.decoding import Rejected, attempt, decoded, sized

Journal = Sequence[tuple[SegmentKey, Segment]]


VERSION = 1  # of a request
_HASH = re.compile(r"[0-9a-f]{16}")


class _Request(Struct, gc=False):
    user: str
    version: int = VERSION


_request: Callable[[bytes], _Request] = msgspec.json.Decoder(_Request).decode


def request(token: int) -> bytes:
    """The record that asks to forget that token (a hash)."""
    return msgspec.json.encode(_Request(f"{token:016x}"))


def requests(records: Sequence[bytes | None]) -> list[int | Rejected]:
    """The token that each record asks to forget. Never raises."""
    return [attempt(_requested, raw) for raw in records]


def _requested(raw: bytes | None) -> int:
    asked = decoded(_request, sized(raw))
    if asked.version != VERSION:
        raise Rejected(
            "internal", f"a maalstrom of another version asks (form {asked.version}, this one reads {VERSION})"
        )
    text = asked.user
    if not _HASH.fullmatch(text) or not (token := int(text, 16)):
        raise Rejected("malformed", "`user` is not the hash of a token, which is 16 hexadecimal digits")
    return token


def asks(batch: Batch) -> bool:
    """Whether its records are requests to forget."""
    return batch.topic == ERASURES or any(origin.purpose == ERASE for origin in batch.origins)


def apart(batch: Batch) -> Iterator[Batch]:
    """The batch in parts, in order, whose records are all requests to forget, or none is."""
    start = 0
    for at in range(1, len(batch.origins)):
        if (batch.origins[at].purpose == ERASE) != (batch.origins[at - 1].purpose == ERASE):
            yield batch.part(start, at)
            start = at
    yield batch.part(start) if start else batch


def scrubbed(segment: Segment, token: int) -> Segment:
    """The segment as if that token (a hash) had been nobody's from the start: what it did counts on."""

    def nobodys(table: Columns) -> Columns:
        return columns(anonymised(rows(table), token))

    return structs.replace(
        segment,
        columns=nobodys(segment.columns),
        replicated=nobodys(segment.replicated),
        identified=nobodys(segment.identified),
        links=columns(without(segment.new_links, token).rows),
        consents=nobodys(segment.consents),
        orders=[order.without(token) for order in segment.orders],
        foreign_orders=[order.without(token) for order in segment.foreign_orders],
        shared_orders=[order.without(token) for order in segment.shared_orders],
        statements=[s.anonymised() if s.user == token else s for s in segment.statements],
    )


def rewritten(journal: Journal, settled: int, hour: int) -> Journal:
    """The segments to write anew, in this order, so that nothing is left of what was erased up to the segment
    `settled`, by which all that follows from it was stated and written, in this `hour` (since the epoch) or before."""
    forgotten: set[int] = set()
    before: list[tuple[SegmentKey, Segment]] = []
    asking: list[tuple[SegmentKey, Segment]] = []
    for key, segment in reversed(journal):
        clean = reduce(lambda part, token: scrubbed(part, token), sorted(forgotten), segment)
        if segment.erased and key.sequence <= settled:
            forgotten.update(segment.erased)
            asking.append((key, structs.replace(clean, erased=[], thin=hour)))
        elif clean != segment:
            before.append((key, clean))
    return before + asking


def thinned(journal: Journal, opened: int) -> Journal:
    """The segments to write anew, in this order, so that of the hours before `opened`, which are not open, only what
    was last stated of each conversion is left: before, it may have been the journey of who was erased."""
    closed = [(key, segment) for key, segment in journal if key.hour < opened]
    latest = {statement.key: key for key, segment in closed for statement in segment.statements}
    before: list[tuple[SegmentKey, Segment]] = []
    asking: list[tuple[SegmentKey, Segment]] = []
    for key, segment in closed:
        thin = structs.replace(segment, statements=[s for s in segment.statements if latest[s.key] == key])
        if 0 <= segment.thin < opened:
            asking.append((key, structs.replace(thin, thin=-1)))
        elif thin != segment:
            before.append((key, thin))
    return before + asking if asking else []
