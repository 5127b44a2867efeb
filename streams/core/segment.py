"""Segments: what one batch did to a partition's state, as one journal record; the state is a fold over them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.core.codes import Kind, Kinds
from streams.core.message_ids import Keys
from streams.core.orders import Order
from streams.core.restatements import Mark, merged_marks
from streams.core.rivals import Places
from streams.core.runs import Touches, concatenated, none
from streams.core.statements import TOUCH, Statement

K = TypeVar("K", str, int)
S = TypeVar("S", Order, Places)
RAW_LIMIT = 500 * 1024  # bytes of a segment before it is compressed: Kafka refuses 1 MiB


class SegmentKey(NamedTuple):
    """Where a segment stands: the hour (since the epoch) it was written in, its owner's epoch, its number."""

    hour: int
    epoch: int
    sequence: int


class Columns(Struct, array_like=True, frozen=True, gc=False):
    """Touches as little-endian bytes."""

    user: bytes = b""
    time: bytes = b""
    kind: bytes = b""
    high: bytes = b""
    low: bytes = b""
    form: bytes = b""


_TYPES = {"user": "<u8", "time": "<i8", "kind": "<u4", "high": "<u8", "low": "<u8", "form": "u1"}


class Segment(Struct, array_like=True, gc=False):
    """All effects of one batch or one report. `offsets` are the next source offsets by topic; empty in all but the
    last part of a segment that was cut. `after` is the sequence that an epoch went on from, `flushed` the last one
    known to be in ClickHouse when this was written. `kinds` gives the words of every kind code inside.
    """

    after: dict[int, int] = {}
    flushed: int = -1
    offsets: dict[str, int] = {}
    newest: dict[str, int] = {}  # event time by topic, ms
    expired: int = 0  # orders that had no message since then (ms) were forgotten when this was written
    kinds: dict[int, Kind] = {}
    columns: Columns = Columns()
    texts: list[tuple[int, int, str]] = []  # of long message ids, by key
    orders: list[Order] = []
    statements: list[Statement] = []
    starts: dict[str, int] = {}  # the next source offset before it, for the topics that it has records of
    links: Columns = Columns()  # as links.py has them
    identified: Columns = Columns()  # identity messages by their anonymous tokens
    marks: list[Mark] = []  # why conversions that wait will be stated anew, as far as its effects change that
    lent: Columns = Columns()  # touches of other partitions' tokens
    lent_orders: list[Order] = []  # orders of other partitions
    places: list[Places] = []  # where orders were completed
    rivals: list[Order] = []  # what other partitions know of orders that were completed here too
    erased: list[int] = []  # tokens (hashes) that the segments before it are to forget; then it has nothing else
    thin: int = -1  # once that hour is not open, statements that later ones have replaced are to go
    since: int = -1  # of which sequence the first of the segments was that it was merged from; -1 = of none

    @property
    def touches(self) -> Touches:
        """Its engagement events."""
        return rows(self.columns)

    @property
    def latest(self) -> int:
        """The latest event time that it bears on, ms: it is needed until that is past the retention."""
        orders = (*self.orders, *self.lent_orders, *self.rivals)
        times = [each.newest for each in orders] + [each.newest for each in self.places]
        times += [statement.newest for statement in self.statements]
        tables = (rows(each).time for each in _tables(self))
        return max(0, *(int(time.max(initial=0)) for time in tables), *(times or self.newest.values()))


_LISTS = ("places", "orders", "lent_orders", "rivals", "statements")  # a place is durable no later than its order


def _tables(segment: Segment) -> tuple[Columns, ...]:
    return segment.columns, segment.links, segment.identified, segment.lent


def rows(columns: Columns) -> Touches:
    """What `columns` was given."""
    user, time, kind, high, low, form = (np.frombuffer(getattr(columns, n), t) for n, t in _TYPES.items())
    return Touches(user, time, kind, Keys(high, low, form))


def columns(touches: Touches) -> Columns:
    """Touches as a segment carries them."""
    arrays: tuple[NDArray[Any], ...] = (touches.user, touches.time, touches.kind, *touches.keys)
    return Columns(*(array.astype(kind).tobytes() for array, kind in zip(arrays, _TYPES.values(), strict=True)))


def used_kinds(touches: Touches, statements: Iterable[Statement]) -> list[int]:
    """The codes of the kinds that a segment of these has to explain."""
    used: list[int] = np.unique(np.concatenate([touches.kind, *(s.kinds for s in statements)])).tolist()
    return used


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Segment)
encode = _encoder.encode
decode = _decoder.decode


def cut(segment: Segment, limit: int) -> list[Segment]:
    """Parts of at most about `limit` bytes that do the same, one after the other. Every part stands alone: a crash
    between them repeats only what the message ids recognise, because the last part alone has the offsets."""
    if len(_encoder.encode(segment)) <= limit or sum(_lengths(segment)) <= 1:
        return [segment]
    first, second = _halves(segment)
    return cut(first, limit) + cut(second, limit)


def _lengths(segment: Segment) -> list[int]:
    """How many marks, rows of each table, and things in each list: a mark is durable no later than what it is for."""
    lists = (len(getattr(segment, name)) for name in _LISTS)
    return [len(segment.marks), *(len(each.form) for each in _tables(segment)), *lists]


def _halves(segment: Segment) -> tuple[Segment, Segment]:
    """All that it has, one kind after the other, cut in the middle."""
    lengths = _lengths(segment)
    starts = accumulate(lengths, initial=0)
    middles = [min(max(sum(lengths) // 2 - start, 0), n) for start, n in zip(starts, lengths, strict=False)]
    first = _side(segment, [slice(middle) for middle in middles])
    # With the newest times of the whole, a repetition of the second half could find its own events too late.
    first = msgspec.structs.replace(first, offsets={}, newest={}, starts={})
    return first, _side(segment, [slice(middle, None) for middle in middles])


def _side(segment: Segment, at: Sequence[slice]) -> Segment:
    """A part of everything, with those kinds and texts alone that it needs: or halving would not make it small."""
    tables = zip(_tables(segment), at[1:], strict=False)
    touches, links, identified, lent = (rows(each).take(part) for each, part in tables)
    lists = {name: getattr(segment, name)[part] for name, part in zip(_LISTS, at[-len(_LISTS) :], strict=True)}
    both = concatenated([touches, lent])
    keys = set(zip(both.keys.high.tolist(), both.keys.low.tolist(), strict=True))
    return msgspec.structs.replace(
        segment,
        kinds={code: segment.kinds[code] for code in used_kinds(both, lists["statements"])},
        columns=columns(touches),
        links=columns(links),
        identified=columns(identified),
        lent=columns(lent),
        texts=[text for text in segment.texts if text[:2] in keys],
        marks=segment.marks[at[0]],
        **lists,
    )


def recoded(segment: Segment, kinds: Kinds) -> Segment:
    """The same segment with its kinds numbered as in `kinds`."""
    new = {code: kinds.code(Kind(*word)) for code, word in segment.kinds.items()}
    if all(code == same for code, same in new.items()):
        return segment
    table = np.zeros(max(new) + 1, np.uint32)
    table[list(new)] = list(new.values())
    touches, lent = segment.touches, rows(segment.lent)
    return msgspec.structs.replace(
        segment,
        kinds={code: kinds.words[code] for code in new.values()},
        columns=columns(touches._replace(kind=table[touches.kind])),
        lent=columns(lent._replace(kind=table[lent.kind])),
        statements=[_renumbered(statement, table) for statement in segment.statements],
    )


def _renumbered(statement: Statement, table: np.ndarray[tuple[int], np.dtype[np.uint32]]) -> Statement:
    touches = np.frombuffer(statement.touches, TOUCH).copy()
    touches["kind"] = table[touches["kind"]]
    return msgspec.structs.replace(statement, touches=touches.tobytes())


def merged(segments: Sequence[Segment], one_hour: bool = False) -> Segment:
    """One segment that does what those do one after the other, all of which is in ClickHouse. They are of one hour,
    or of hours that are not open (`open_since`): of these a restore sees only the last statement of each conversion.
    Of `one_hour`, which may be open, all stay: a restore makes its restatements anew."""
    kinds = Kinds()
    parts = [recoded(segment, kinds) for segment in segments]
    stated = [statement for part in parts for statement in part.statements]
    return Segment(
        after=_latest(part.after for part in parts),
        flushed=max(part.flushed for part in parts),
        offsets=_latest(part.offsets for part in parts),
        newest=_latest(part.newest for part in parts),
        expired=max(part.expired for part in parts),
        kinds=dict(enumerate(kinds.words)),
        columns=_all(part.columns for part in parts),
        texts=[text for part in parts for text in part.texts],
        orders=_merged_orders(order for part in parts for order in part.orders),
        statements=stated if one_hour else list({s.key: s for s in stated}.values()),
        starts=_starts(parts),
        links=_all(part.links for part in parts),
        identified=_all(part.identified for part in parts),
        lent=_all(part.lent for part in parts),
        lent_orders=_last(order for part in parts for order in part.lent_orders),
        places=_last(places for part in parts for places in part.places),
        rivals=_last(order for part in parts for order in part.rivals),
        marks=merged_marks([(part.statements, part.marks) for part in parts]),
        thin=max(part.thin for part in parts),
    )


def _last(states: Iterable[S]) -> list[S]:
    """Of each order the last state, which knows all that those before it knew."""
    return list({state.order_id: state for state in states}.values())


def _all(tables: Iterable[Columns]) -> Columns:
    return columns(concatenated([none(), *map(rows, tables)]))


def open_since(keys: Iterable[SegmentKey], flushed: int, hour: int) -> int:
    """The first hour that is open: one with a segment beyond `flushed`, or the current `hour`. Segments of the hours
    before may be merged with each other; of an open one a restore makes the rows anew, and must find them apart."""
    return min([hour, *(key.hour for key in keys if key.sequence > flushed)])


def _starts(parts: Sequence[Segment]) -> dict[str, int]:
    """Where those parts begin in each topic; unknown when one of them does not say it."""
    if any(part.offsets and not part.starts for part in parts):
        return {}
    topics = {topic for part in parts for topic in part.starts}
    return {topic: min(part.starts[topic] for part in parts if topic in part.starts) for topic in sorted(topics)}


def _merged_orders(orders: Iterable[Order]) -> list[Order]:
    """The last state of each order, with the messages of all."""
    messages: dict[str, list[str]] = {}
    latest: dict[str, Order] = {}
    for order in orders:
        messages.setdefault(order.order_id, []).extend(order.messages)
        latest[order.order_id] = order
    return [msgspec.structs.replace(order, messages=messages[order.order_id]) for order in latest.values()]


def _latest(parts: Iterable[Mapping[K, int]]) -> dict[K, int]:
    result: dict[K, int] = {}
    for part in parts:
        for key, value in part.items():
            result[key] = max(value, result.get(key, value))
    return result


def valid(segments: Mapping[SegmentKey, Segment]) -> list[SegmentKey]:
    """The keys of those that count, in the order of the fold. An epoch says from which sequence it went on: what an
    older epoch wrote beyond that came from an owner that had already lost the partition, and is void. So is what
    others were merged from, where it was not removed yet."""
    after = _latest(segment.after for segment in segments.values())
    counting: list[SegmentKey] = []
    least = None  # the sequence from which on all was merged into a later one
    for key in sorted(segments, key=lambda key: (key.epoch, key.sequence), reverse=True):
        late = any(key.epoch < epoch and key.sequence > last for epoch, last in after.items())
        since = segments[key].since
        first = since if since >= 0 else key.sequence
        if late or (least is not None and first >= least):
            continue
        counting.append(key)
        least = since if since >= 0 else least
    return counting[::-1]
