"""Segments: what one batch did to a partition's state, as one journal record; the state is a fold over them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.core.attribution.conversion import TOUCH, Conversion
from streams.core.attribution.restatements import PendingCause, merged_marks
from streams.core.columns.dictionary import Dictionary
from streams.core.columns.message_ids import Keys
from streams.core.columns.run import KeyedRows, concatenated, none
from streams.core.identity.links import Links, links_of
from streams.core.journeys.kinds import TouchKind
from streams.core.orders.order import Order, merged_orders
from streams.core.orders.shared import OrderLocations

K = TypeVar("K", str, int)
VERSION = 1  # of a segment's form: a new field at the end of one of its parts makes another, which reads this one too
_MARK, _MOST_KINDS = b"ms", 1 << 30


class SegmentKey(NamedTuple):
    """Where a segment stands: the hour (since the epoch) it was written in, its owner's epoch, its number."""

    hour: int
    epoch: int
    sequence: int


class Columns(Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """Keyed rows as little-endian bytes."""

    user: bytes = b""
    time: bytes = b""
    kind: bytes = b""
    high: bytes = b""
    low: bytes = b""
    form: bytes = b""


_TYPES = {"user": "<u8", "time": "<i8", "kind": "<u4", "high": "<u8", "low": "<u8", "form": "u1"}


class Segment(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """All effects of one batch or one report. `offsets` are the next source offsets by topic; empty in all but the
    last part of a segment that was cut. `after` is the sequence that an epoch went on from, `flushed` the last one
    known to be in ClickHouse when this was written. `kinds` gives the words of every kind code inside.
    """

    after: dict[int, int] = {}
    flushed: int = -1
    offsets: dict[str, int] = {}
    newest: dict[str, int] = {}  # event time by topic, ms
    expired: int = 0  # orders that had no message since then (ms) were forgotten when this was written
    kinds: dict[int, TouchKind] = {}
    columns: Columns = Columns()
    texts: list[tuple[int, int, str]] = []  # of long message ids, by key
    orders: list[Order] = []
    statements: list[Conversion] = []
    starts: dict[str, int] = {}  # the next source offset before it, for the topics that it has records of
    links: Columns = Columns()  # as `Links.rows` has them
    identified: Columns = Columns()  # identity messages by their anonymous tokens
    marks: list[PendingCause] = []  # why conversions that wait will be stated anew, as far as its effects change that
    replicated: Columns = Columns()  # touches of other partitions' tokens
    foreign_orders: list[Order] = []  # orders of other partitions
    places: list[OrderLocations] = []  # where orders were completed
    shared_orders: list[Order] = []  # what other partitions know of orders that were completed here too
    erased: list[int] = []  # tokens (hashes) that the segments before it are to forget; then it has nothing else
    thin: int = -1  # once that hour is not open, statements that later ones have replaced are to go
    consents: Columns = Columns()  # words of consent, as identity/consents.py has them
    since: int = -1  # of which sequence the first of the segments was that it was merged from; -1 = of none
    token_key: int = 0  # fingerprint of the key that its tokens are hashed with; 0 = not said
    partitions: int = 0  # how many the topics had when it was written; 0 = not said
    homes: int = 0  # in the first how many of them keys live, where they hash to; 0 = not said
    unlisted: dict[int, list[int]] = {}  # hashes of names that no catalogue lists and that are new, by day
    hours: list[int] = []  # those of the segments that it was merged from, where they were of several

    @property
    def touches(self) -> KeyedRows:
        """The engagement events of the segment."""
        return rows(self.columns)

    @property
    def new_links(self) -> Links:
        """The links that the segment adds."""
        return links_of(rows(self.links))

    @property
    def latest(self) -> int:
        """The latest event time that it bears on, ms: it is needed until that is past the retention."""
        orders = (*self.orders, *self.foreign_orders, *self.shared_orders)
        times = [each.newest for each in orders] + [each.newest for each in self.places]
        times += [statement.newest for statement in self.statements]
        columns = (rows(each).time for each in tables(self))
        # A word of consent is needed for longer than its time; the ledger says it again before this is past.
        own = [] if times and not self.consents.form else self.newest.values()
        return max(0, *(int(time.max(initial=0)) for time in columns), *times, *own)


KeyedSegments = Iterable[tuple[SegmentKey, Segment]]


def head(segment: Segment) -> Segment:
    """What says which segments count and what they cover, without its rows."""
    return Segment(**{name: getattr(segment, name) for name in _HEAD})


_HEAD = (
    "after", "flushed", "offsets", "newest", "expired", "starts", "since", "token_key", "partitions", "homes",
)  # fmt: skip


def tables(segment: Segment) -> tuple[Columns, ...]:
    """A segment's tables. Links come first: durable no later than the message that says them, which is told once."""
    return segment.links, segment.columns, segment.identified, segment.replicated, segment.consents


def rows(columns: Columns) -> KeyedRows:
    """What `columns` was given."""
    user, time, kind, high, low, form = (np.frombuffer(getattr(columns, n), t) for n, t in _TYPES.items())
    return KeyedRows(user, time, kind, Keys(high, low, form))


def columns(keyed: KeyedRows) -> Columns:
    """Keyed rows as a segment carries them."""
    arrays: tuple[NDArray[Any], ...] = (keyed.user, keyed.time, keyed.kind, *keyed.keys)
    return Columns(*(array.astype(kind).tobytes() for array, kind in zip(arrays, _TYPES.values(), strict=True)))


def used_kinds(touches: KeyedRows, statements: Iterable[Conversion]) -> list[int]:
    """The codes of the kinds that a segment of these has to explain."""
    used: list[int] = np.unique(np.concatenate([touches.kind, *(s.kinds for s in statements)])).tolist()
    return used


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Segment)


class SegmentError(ValueError):
    """Bytes that are no segment which this version can read; the text says why and what to do."""


class NewerError(SegmentError):
    """A segment of a newer version."""


def encode(segment: Segment) -> bytes:
    """The segment as bytes, with the version of its form."""
    return _MARK + bytes([VERSION]) + _encoder.encode(segment)


def decode(raw: bytes) -> Segment:
    """What `encode` was given, by this version or an older one. Raises SegmentError."""
    if raw[: len(_MARK)] != _MARK or len(raw) <= len(_MARK):
        raise SegmentError("it is no segment of maalstrom")
    version = raw[len(_MARK)]
    if version > VERSION:
        raise NewerError(f"a newer maalstrom wrote it (form {version}, this one reads up to {VERSION}): start that one")
    try:
        return _whole(_decoder.decode(memoryview(raw)[len(_MARK) + 1 :]))
    except (msgspec.DecodeError, ValueError) as error:
        raise SegmentError(f"it is damaged, or not ours ({error})") from None


def _whole(segment: Segment) -> Segment:
    """A segment whose tables are tables, and that explains its kinds. Raises ValueError for another."""
    for table in tables(segment):
        if len(sizes := {len(each) for each in (*rows(table)[:3], *rows(table).keys)}) > 1:
            raise ValueError(f"a table has columns of {sorted(sizes)} rows")
    both = concatenated([segment.touches, rows(segment.replicated)])
    if not segment.kinds.keys() >= set(used_kinds(both, segment.statements)):
        raise ValueError("it does not say what its touches are")
    if max(segment.kinds, default=0) >= _MOST_KINDS:
        raise ValueError("it has kinds that there cannot be")
    return segment


def new_codes(words: Mapping[int, TouchKind], kinds: Dictionary[TouchKind]) -> NDArray[np.uint32] | None:
    """For each code of `words` the one that its word has in `kinds`; None where all are as they were."""
    new = {code: kinds.code(TouchKind(*word)) for code, word in words.items()}
    if all(code == same for code, same in new.items()):
        return None
    table = np.zeros(max(new) + 1, np.uint32)
    table[list(new)] = list(new.values())
    return table


def recoded(segment: Segment, kinds: Dictionary[TouchKind]) -> Segment:
    """A segment with its kinds numbered as in `kinds`."""
    table = new_codes(segment.kinds, kinds)
    if table is None:
        return segment
    touches, replicated = segment.touches, rows(segment.replicated)
    return msgspec.structs.replace(
        segment,
        kinds={code: kinds.words[code] for code in table[list(segment.kinds)].tolist()},
        columns=columns(touches._replace(kind=table[touches.kind])),
        replicated=columns(replicated._replace(kind=table[replicated.kind])),
        statements=[_renumbered(statement, table) for statement in segment.statements],
    )


def _renumbered(statement: Conversion, table: np.ndarray[tuple[int], np.dtype[np.uint32]]) -> Conversion:
    touches = np.frombuffer(statement.touches, TOUCH).copy()
    touches["kind"] = table[touches["kind"]]
    return msgspec.structs.replace(statement, touches=touches.tobytes())


def merged(segments: Sequence[Segment], one_hour: bool = False) -> Segment:
    """One segment that does what those do one after the other, all of which is in ClickHouse. They are of one hour,
    or of hours that are not open (`open_since`): of these a restore sees only the last statement of each conversion.
    Of `one_hour`, which may be open, all stay: a restore makes its restatements anew."""
    kinds = Dictionary[TouchKind]()
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
        orders=merged_orders(order for part in parts for order in part.orders),
        statements=stated if one_hour else list({s.key: s for s in stated}.values()),
        starts=_starts(parts),
        links=_all(part.links for part in parts),
        identified=_all(part.identified for part in parts),
        replicated=_all(part.replicated for part in parts),
        consents=_all(part.consents for part in parts),
        foreign_orders=merged_orders(order for part in parts for order in part.foreign_orders),
        places=list({places.order_id: places for part in parts for places in part.places}.values()),
        shared_orders=merged_orders(order for part in parts for order in part.shared_orders),
        marks=merged_marks([(part.statements, part.marks) for part in parts]),
        thin=max(part.thin for part in parts),
        unlisted=_named(parts),
    )


def _named(parts: Sequence[Segment]) -> dict[int, list[int]]:
    """The names that no catalogue lists, of the last day and the one before."""
    last = max((day for part in parts for day in part.unlisted), default=0)
    names: dict[int, set[int]] = {}
    for day, some in (entry for part in parts for entry in part.unlisted.items() if entry[0] >= last - 1):
        names.setdefault(day, set()).update(some)
    return {day: sorted(some) for day, some in names.items()}


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
