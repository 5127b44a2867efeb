"""Cutting: a segment of any size as parts that do the same."""

from collections.abc import Sequence
from itertools import accumulate

import msgspec

from streams.core.columns.run import concatenated
from streams.core.journal.segment import Segment, columns, encode, rows, tables, used_kinds

RAW_LIMIT = 500 * 1024  # bytes of a segment before it is compressed: Kafka refuses 1 MiB
_ORDERS = ("orders", "foreign_orders", "shared_orders")
_LISTS = (
    "places",
    "orders",
    "foreign_orders",
    "shared_orders",
    "statements",
)  # a place is durable no later than its order


def cut(segment: Segment, limit: int) -> list[Segment]:
    """Parts of at most about `limit` bytes that do the same, one after the other. Every part stands alone: a crash
    between them repeats only what the message ids recognise, because the last part alone has the offsets."""
    if len(encode(segment)) <= limit:
        return [segment]
    halves = _halves(segment) if sum(_lengths(segment)) > 1 else _halves_of_one(segment)
    return [part for half in halves for part in cut(half, limit)] if halves else [segment]


def _halves_of_one(segment: Segment) -> tuple[Segment, Segment] | None:
    """The one order that it has in two parts, None where it cannot be parted: a statement, say."""
    for name in _ORDERS:
        for order in getattr(segment, name):
            if halves := order.halves:
                first, second = (msgspec.structs.replace(segment, **{name: [half]}) for half in halves)
                return msgspec.structs.replace(first, offsets={}, newest={}, starts={}, unlisted={}), second
    return None


def _lengths(segment: Segment) -> list[int]:
    """How many marks, rows of each table, and things in each list: a mark is durable no later than what it is for."""
    lists = (len(getattr(segment, name)) for name in _LISTS)
    return [len(segment.marks), *(len(each.form) for each in tables(segment)), *lists]


def _halves(segment: Segment) -> tuple[Segment, Segment]:
    """All that it has, one kind after the other, cut in the middle."""
    lengths = _lengths(segment)
    starts = accumulate(lengths, initial=0)
    middles = [min(max(sum(lengths) // 2 - start, 0), n) for start, n in zip(starts, lengths, strict=False)]
    first = _side(segment, [slice(middle) for middle in middles])
    # With the newest times of the whole, a repetition of the second half could find its own events too late.
    first = msgspec.structs.replace(first, offsets={}, newest={}, starts={}, unlisted={})
    return first, _side(segment, [slice(middle, None) for middle in middles])


def _side(segment: Segment, at: Sequence[slice]) -> Segment:
    """A part of everything, with those kinds and texts alone that it needs: or halving would not make it small."""
    parts = zip(tables(segment), at[1:], strict=False)
    links, touches, identified, replicated, consents = (rows(each).take(part) for each, part in parts)
    lists = {name: getattr(segment, name)[part] for name, part in zip(_LISTS, at[-len(_LISTS) :], strict=True)}
    both = concatenated([touches, replicated])
    named = concatenated([both, consents]).keys
    keys = set(zip(named.high.tolist(), named.low.tolist(), strict=True))
    return msgspec.structs.replace(
        segment,
        kinds={code: segment.kinds[code] for code in used_kinds(both, lists["statements"])},
        columns=columns(touches),
        links=columns(links),
        identified=columns(identified),
        replicated=columns(replicated),
        consents=columns(consents),
        texts=[text for text in segment.texts if text[:2] in keys],
        marks=segment.marks[at[0]],
        **lists,
    )
