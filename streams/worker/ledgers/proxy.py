"""The ledgers of a worker's partitions, in processes of their own: Python uses one core a process.

Each ledger stays in one process, which works on what it is asked in turn. With no process of their own, ledgers are in
this one and every call is done when it returns: on one core that costs least.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from itertools import count
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from streams.core.attribution.conversion import Changed, changed
from streams.core.events.batch import Batch, Forward
from streams.core.events.topics import growing
from streams.core.events.watermark import DeadLetter
from streams.core.identity.tokens import Tokens
from streams.core.journal.coverage import Coverage, covered
from streams.core.journal.hours import Span, hour_of_reports, span
from streams.core.journal.segment import NewerError, Segment, SegmentError, SegmentKey, encode, valid
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import HOUR, Applied
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import apart
from streams.kafka.segment_codec import unpacked
from streams.worker.ledgers.errors import (
    ForeignJournalError,
    LedgerDroppedError,
    LedgerLostError,
    UnreadableError,
)
from streams.worker.ledgers.processes import InlineExecutor, ProcessExecutor, ProcessLostError

WAY_OUT = (
    ". The state would be wrong, so nothing was done. If somebody else wrote it, delete it: write a record with its "
    "key and no value. Else read the sources again, with another MAALSTROM_APP_ID and a database of its own"
)
P = ParamSpec("P")
T = TypeVar("T")
Entry = tuple[SegmentKey, bytes]


class SegmentInfo(NamedTuple):
    """What is remembered of a segment: its bytes before it is compressed, the latest event time in it, ms; whether it
    asks to forget somebody, until which hour statements are kept that others have replaced (-1 = for good), and the
    hours that were reported in it."""

    size: int
    latest: int
    asks: bool
    thin: int
    span: Span


class LedgerStatus(NamedTuple):
    """How a ledger stands: its retained engagement events and the bytes they take, how many conversions wait to be
    stated, since when segments are needed (ms)."""

    size: tuple[int, int] = (0, 0)
    pending: int = 0
    needed_since: int = 0


class Made(NamedTuple):
    """What a journal is made for: its token key's fingerprint, how many partitions the topics have, and in the first
    how many of them keys live."""

    token_key: int
    partitions: int
    homes: int


class Restored(NamedTuple):
    """What a journal held: its valid segments, the keys of the void ones, up to which sequence ClickHouse has them, the
    hour of the next report, the latest epoch, which offsets they cover, the next ones and the newest event time (ms) by
    topic."""

    kept: dict[SegmentKey, SegmentInfo]
    void: list[SegmentKey]
    flushed: int
    hour: int
    epoch: int
    coverage: Coverage
    offsets: dict[str, int]
    newest: dict[str, int]
    standing: LedgerStatus
    made: Made


class Flush(NamedTuple):
    """What a flush begins with: records for other partitions, dead letters, the report's segment, None where it says
    nothing, and how many conversions changed in it."""

    forwards: list[Forward]
    dead: list[DeadLetter]
    segment: Segment | None
    changed: Changed
    standing: LedgerStatus


def remembered(key: SegmentKey, segment: Segment, size: int) -> SegmentInfo:
    """What is remembered of a segment of that size."""
    spanned = span(key, segment.hours, segment.since)
    return SegmentInfo(size, segment.latest, bool(segment.erased), segment.thin, spanned)


def applied(ledger: Ledger, batch: Batch, now: int, hour: int) -> tuple[Applied, LedgerStatus]:
    """What the batch does, reported in that hour. What came in does not go back with it."""
    done = ledger.apply(batch, now, hour)
    for outcomes in done.outcomes:
        outcomes.batch = outcomes.batch.part(0, 0)
    return done, standing(ledger)


Apply = Callable[[Ledger, Batch, int, int], tuple[Applied, LedgerStatus]]


def failing(ledger: Ledger, apply: Apply, batch: Batch, now: int, start: int = 0) -> dict[int, str]:
    """Which records of the batch our own code fails on even in a ledger that knows nothing, and why. What the ledger
    itself knows is left alone."""
    try:
        for part in apart(batch):
            done, _ = apply(ledger.empty(), part, now, now // HOUR)
            encode(done.segment)
        return {}
    except Exception as defect:
        if len(batch.values) <= 1:
            return {start: f"{type(defect).__name__}: {defect}"}
    half = len(batch.values) // 2
    first, second = batch.part(0, half), batch.part(half)
    return failing(ledger, apply, first, now, start) | failing(ledger, apply, second, now, start + half)


def closed(ledger: Ledger, now: int, hour: int, most: int) -> Flush:
    """Lend, forget what is past, and state at most so many conversions, reported in that hour."""
    forwards, dead, stated = ledger.publish(), ledger.expire(now), ledger.report(now, most, hour)
    segment = stated.segment if stated.pairs or stated.segment.marks else None
    return Flush(forwards, dead, segment, changed(stated.pairs), standing(ledger))


def standing(ledger: Ledger) -> LedgerStatus:
    """How the ledger stands."""
    return LedgerStatus(ledger.size, ledger.pending, ledger.needed_since)


_here: dict[int, Ledger] = {}  # the ledgers of this process


def _restore(
    handle: int, rules: LedgerSettings, number: int, partitions: int, values: Sequence[Entry], now: int
) -> Restored:
    found = {key: _read(key, value) for key, value in values}
    segments = {key: segment for key, (segment, _) in found.items()}
    keys = valid(segments)
    made = _made(segments.values(), rules, number, partitions)
    kept = {key: remembered(key, *found[key]) for key in keys}
    newest: dict[str, int] = {}
    for key in keys:
        newest |= {topic: max(at, newest.get(topic, 0)) for topic, at in segments[key].newest.items()}
    hour = hour_of_reports(now, keys[-1].hour if keys else 0, [each.span for each in kept.values()], newest)
    ledger = _here[handle] = Ledger(rules, number, made.homes)
    ledger.restore([(key, segments[key]) for key in keys], now if now // HOUR == hour else hour * HOUR)
    return Restored(
        kept,
        list(found.keys() - set(keys)),
        max((segments[key].flushed for key in keys), default=-1),
        hour,
        max((key.epoch for key in found), default=-1),
        covered([segments[key] for key in keys]),
        ledger.offsets,
        dict(ledger.newest),
        standing(ledger),
        made,
    )


def _read(key: SegmentKey, value: bytes) -> tuple[Segment, int]:
    try:
        return unpacked(value)
    except SegmentError as error:
        raise UnreadableError(key, str(error) if isinstance(error, NewerError) else f"{error}{WAY_OUT}") from None


def _made(segments: Collection[Segment], rules: LedgerSettings, number: int, partitions: int) -> Made:
    """What they, or an empty journal from now on, are made for. Raises ForeignJournalError where that is another key
    or another number of partitions."""
    made = Made(Tokens(rules.token_key).fingerprint, partitions, partitions)
    if {segment.token_key for segment in segments} - {0, made.token_key}:
        raise ForeignJournalError(
            f"users in the journal of partition {number} are hashed with another MAALSTROM_TOKEN_KEY; set the one that "
            "it was begun with, or begin anew with another MAALSTROM_APP_ID and another database (MAALSTROM_CLICKHOUSE)"
        )
    said = {segment.partitions for segment in segments} - {0}
    if said and partitions not in said:
        raise ForeignJournalError(
            f"the journal is made for {max(said)} partitions, and the topics have {partitions}: keys hash to others "
            f"now; {growing(partitions)}"
        )
    return made._replace(homes=min(({segment.homes for segment in segments} - {0}) or {partitions}))


def _ask(handle: int, work: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    return work(_here[handle], *args, **kwargs)


def _drop(handle: int) -> None:
    _here.pop(handle, None)


_handles = count()


def _half_grown(partitions: int) -> str:
    return f"some partitions of the journal have not heard that others were added; {growing(partitions)}"


class LedgerHandle:
    """The ledger of one partition, in whatever process; it has to be restored first."""

    def __init__(
        self, executor: Executor, rules: LedgerSettings, number: int, partitions: int, homes: set[int]
    ) -> None:
        """`homes` is what journals of its worker say about where keys live."""
        self._executor, self._what, self._handle = executor, (rules, number, partitions), next(_handles)
        self._homes = homes
        self.dropped = False

    async def restore(self, values: Sequence[Entry], now: int) -> Restored:
        """Make it anew of what the journal has of it; `now` in ms. Raises LedgerError."""
        restored: Restored = await self._done(_restore, *self._what, values, now)
        self._homes.add(restored.made.homes)
        if len(self._homes) > 1:
            raise ForeignJournalError(_half_grown(restored.made.partitions))
        return restored

    async def ask(self, work: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` says, which is given the ledger. Raises LedgerError, and what `work` raises."""
        done: T = await self._done(_ask, work, *args, **kwargs)
        return done

    async def _done(self, work: Callable[..., Any], *args: Any) -> Any:
        if self.dropped:
            raise LedgerDroppedError
        try:
            return await asyncio.wrap_future(self._executor.submit(work, self._handle, *args))
        except ProcessLostError as error:
            if self.dropped:
                raise LedgerDroppedError from None
            raise LedgerLostError(
                f"{error}, perhaps for want of memory; nothing is lost: start the worker again, "
                "and it goes on from the journal"
            ) from None

    async def use(self, rules: LedgerSettings) -> None:
        """Go by those rules from now on. Raises LedgerError."""
        self._what = (rules, *self._what[1:])
        await self.ask(Ledger.use, rules)

    def drop(self) -> None:
        """Free its memory, once it has done what it was asked."""
        if not self.dropped:
            self.dropped = True
            self._executor.submit(_drop, self._handle)


class LedgerPool:
    """Where the ledgers of a worker are."""

    def __init__(self, rules: LedgerSettings, partitions: int, processes: int) -> None:
        """In so many processes; 0 = in this one. The topics have so many `partitions`."""
        self._rules, self._partitions, self._homes = rules, partitions, set[int]()
        self._own = [ProcessExecutor() for _ in range(min(processes, partitions))]
        self.processes = [process.pid for process in self._own]
        self._executors: Sequence[Executor] = self._own or [InlineExecutor()]

    def use(self, rules: LedgerSettings) -> None:
        """Make ledgers by those rules from now on."""
        self._rules = rules

    @property
    def lost(self) -> list[int]:
        """The ids of processes that have ended, with the ledgers in them."""
        return [process.pid for process in self._own if not process.alive]

    def of(self, number: int, rank: int = 0) -> LedgerHandle:
        """A ledger for that partition; those of following ranks are in processes of their own, as far as there are."""
        executor = self._executors[rank % len(self._executors)]
        return LedgerHandle(executor, self._rules, number, self._partitions, self._homes)

    async def close(self) -> None:
        """End the processes, whatever they have still to do."""
        for executor in self._executors:
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)
