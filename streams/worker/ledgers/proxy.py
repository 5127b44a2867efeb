"""The ledgers of a worker's partitions, in processes of their own: Python uses one core a process.

Each ledger stays in one process, which works on what it is asked in turn. With no process of their own, ledgers are in
this one and every call is done when it returns: on one core that costs least.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import cache
from itertools import count
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from streams.core.attribution.conversion import Changed, changed
from streams.core.columns.stored.keeper import IN_MEMORY
from streams.core.events.batch import Batch, Forward
from streams.core.events.watermark import DeadLetter
from streams.core.journal.coverage import Coverage, covered
from streams.core.journal.hours import hour_of_reports
from streams.core.journal.segment import Segment, SegmentKey, encode, valid
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied, LedgerSize
from streams.core.ledger.settings import LedgerSettings
from streams.core.parsing.units import HOUR
from streams.core.privacy.requests import apart
from streams.worker.ledgers.errors import (
    ForeignJournalError,
    LedgerDroppedError,
    LedgerLostError,
)
from streams.worker.ledgers.processes import InlineExecutor, ProcessExecutor, ProcessLostError
from streams.worker.ledgers.segments import Made, half_grown, made_for
from streams.worker.ledgers.spool import JournalSpool, SegmentInfo
from streams.worker.state_files import StateFiles, StateRoom

PART = 4 << 20  # bytes of a journal that are sent to a ledger at a time
P = ParamSpec("P")
T = TypeVar("T")
Entries = Sequence[tuple[SegmentKey, bytes]]


class LedgerStatus(NamedTuple):
    """How a ledger stands: its size, how many conversions wait to be stated, since when segments are needed (ms)."""

    size: LedgerSize = LedgerSize()
    pending: int = 0
    needed_since: int = 0


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


def applied(ledger: Ledger, batch: Batch, now: int, hour: int) -> tuple[Applied, LedgerStatus]:
    """What the batch does, reported in that hour. What came in does not go back with it."""
    done = ledger.apply(batch, now, hour)
    for outcomes in done.outcomes:
        outcomes.batch = outcomes.batch.part(0, 0)
    return done, ledger_status(ledger)


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


def prepare_flush(ledger: Ledger, now: int, hour: int, most: int) -> Flush:
    """Lend, forget what is past, and state at most so many conversions, reported in that hour."""
    forwards, dead, stated = ledger.publish(), ledger.expire(now), ledger.report(now, most, hour)
    segment = stated.segment if stated.pairs or stated.segment.marks else None
    return Flush(forwards, dead, segment, changed(stated.pairs), ledger_status(ledger))


def ledger_status(ledger: Ledger) -> LedgerStatus:
    """How the ledger stands."""
    return LedgerStatus(ledger.size, ledger.pending, ledger.needed_since)


_here: dict[int, Ledger] = {}  # the ledgers of this process


@cache
def _files(room: StateRoom) -> StateFiles:
    return StateFiles(room, lambda: len(_here))


_coming: dict[int, JournalSpool] = {}  # what there will be ledgers of


def _read_in(handle: int, room: StateRoom | None, number: int, values: Entries) -> None:
    """A part of a journal, the first of which is number 0."""
    if number == 0:
        _coming[handle] = JournalSpool(room and room.folder)
    _coming[handle].add(values)


class LedgerKind(NamedTuple):
    """What a ledger is made as: its rules, the number of its partition and how many there are, and where its touches
    may be (None = in memory)."""

    rules: LedgerSettings
    number: int
    partitions: int
    room: StateRoom | None = None


def _restore(handle: int, kind: LedgerKind, part: int, values: Entries, now: int) -> Restored:
    rules, number, partitions, room = kind
    _read_in(handle, room, part, values)
    journal = _coming.pop(handle)
    segments, keys = journal.heads, valid(journal.heads)
    made = made_for(segments.values(), rules, number, partitions)
    kept = {key: journal.infos[key] for key in keys}
    newest: dict[str, int] = {}
    for key in keys:
        newest |= {topic: max(at, newest.get(topic, 0)) for topic, at in segments[key].newest.items()}
    hour = hour_of_reports(now, keys[-1].hour if keys else 0, [each.span for each in kept.values()], newest)
    ledger = _here[handle] = Ledger(rules, number, made.homes, _files(room) if room else IN_MEMORY)
    heads = [(key, segments[key]) for key in keys]
    ledger.restore(journal.segments(keys), now if now // HOUR == hour else hour * HOUR, heads)
    return Restored(
        kept,
        list(segments.keys() - set(keys)),
        max((segments[key].flushed for key in keys), default=-1),
        hour,
        max((key.epoch for key in segments), default=-1),
        covered([segments[key] for key in keys]),
        ledger.offsets,
        dict(ledger.newest),
        ledger_status(ledger),
        made,
    )


def _ask(handle: int, work: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    return work(_here[handle], *args, **kwargs)


def _drop(handle: int) -> None:
    _here.pop(handle, None)
    _coming.pop(handle, None)


_handles = count()


class LedgerHandle:
    """The ledger of one partition, in whatever process; it has to be restored first."""

    def __init__(self, executor: Executor, kind: LedgerKind, homes: set[int]) -> None:
        """`homes` is what journals of its worker say about where keys live."""
        self._executor, self._kind, self._handle = executor, kind, next(_handles)
        self._homes = homes
        self.dropped = False

    async def restore(self, values: Iterable[tuple[SegmentKey, bytes]], now: int) -> Restored:
        """Make it anew of what the journal has of it, which is sent in parts, so that never all of it is in this
        process; `now` in ms. Raises LedgerError, and what `values` raises."""
        number, part, size = 0, list[tuple[SegmentKey, bytes]](), 0
        for key, value in values:
            if size >= PART:
                await self._done(_read_in, self._kind.room, number, part)
                number, part, size = number + 1, [], 0
            part.append((key, value))
            size += len(value)
        restored: Restored = await self._done(_restore, self._kind, number, part, now)
        self._homes.add(restored.made.homes)
        if len(self._homes) > 1:
            raise ForeignJournalError(half_grown(restored.made.partitions))
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
        self._kind = self._kind._replace(rules=rules)
        await self.ask(Ledger.use, rules)

    def drop(self) -> None:
        """Free its memory, once it has done what it was asked."""
        if not self.dropped:
            self.dropped = True
            self._executor.submit(_drop, self._handle)


class LedgerPool:
    """Where the ledgers of a worker are."""

    def __init__(self, rules: LedgerSettings, partitions: int, processes: int, room: StateRoom | None = None) -> None:
        """In so many processes, which share the memory that there is `room` in; 0 = in this one. The topics have so
        many `partitions`."""
        self._kind, self._homes = LedgerKind(rules, 0, partitions), set[int]()
        self._own = [ProcessExecutor() for _ in range(min(processes, partitions))]
        self.processes = [process.pid for process in self._own]
        self._executors: Sequence[Executor] = self._own or [InlineExecutor()]
        if room:
            self._kind = self._kind._replace(room=room._replace(memory=room.memory // len(self._executors)))

    def use(self, rules: LedgerSettings) -> None:
        """Make ledgers by those rules from now on."""
        self._kind = self._kind._replace(rules=rules)

    @property
    def lost(self) -> list[int]:
        """The ids of processes that have ended, with the ledgers in them."""
        return [process.pid for process in self._own if not process.alive]

    def of(self, number: int, rank: int = 0) -> LedgerHandle:
        """A ledger for that partition; those of following ranks are in processes of their own, as far as there are."""
        executor = self._executors[rank % len(self._executors)]
        return LedgerHandle(executor, self._kind._replace(number=number), self._homes)

    async def close(self) -> None:
        """End the processes, whatever they have still to do."""
        ended = (asyncio.to_thread(each.shutdown, cancel_futures=True) for each in self._executors)
        await asyncio.gather(*ended)
