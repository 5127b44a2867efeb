"""The ledgers of a worker's partitions, in processes of their own: Python uses one core a process.

Each ledger stays in one process, which works on what it is asked in turn. With no process of their own, ledgers are in
this one and every call is done when it returns: on one core that costs least.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from itertools import count
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from streams.core.admission import Batch, DeadLetter
from streams.core.coverage import Coverage, covered
from streams.core.ledger import HOUR, Applied, Ledger
from streams.core.routing import Forward
from streams.core.rules import Rules
from streams.core.segment import Segment, SegmentKey, valid
from streams.core.statements import Changed, changed
from streams.packing import unpacked
from streams.processes import Here, Process, ProcessLostError

P = ParamSpec("P")
T = TypeVar("T")
Entry = tuple[SegmentKey, bytes]


class LedgerError(Exception):
    """The ledger is not there any more."""


class LedgerLostError(LedgerError):
    """Its process ended; the text says what to do."""


class LedgerDroppedError(LedgerError):
    """It was dropped: what becomes of the call is nobody's business."""


class Kept(NamedTuple):
    """What is remembered of a segment: its bytes before it is compressed, the latest event time in it, ms; whether it
    asks to forget somebody, and until which hour statements are kept that others have replaced (-1 = for good)."""

    size: int
    latest: int
    asks: bool
    thin: int


class Standing(NamedTuple):
    """How a ledger stands: its retained engagement events and the bytes they take, how many conversions wait to be
    stated, since when segments are needed (ms)."""

    size: tuple[int, int] = (0, 0)
    pending: int = 0
    needed_since: int = 0


class Restored(NamedTuple):
    """What a journal held: its valid segments, the keys of the void ones, up to which sequence ClickHouse has them, the
    latest hour and epoch, which offsets they cover, the next ones and the newest event time (ms) by topic."""

    kept: dict[SegmentKey, Kept]
    void: list[SegmentKey]
    flushed: int
    hour: int
    epoch: int
    coverage: Coverage
    offsets: dict[str, int]
    newest: dict[str, int]
    standing: Standing


class Closing(NamedTuple):
    """What a flush begins with: records for other partitions, dead letters, the report's segment, None where it says
    nothing, and how many conversions changed in it."""

    forwards: list[Forward]
    dead: list[DeadLetter]
    segment: Segment | None
    changed: Changed
    standing: Standing


def remembered(segment: Segment, size: int) -> Kept:
    """What is remembered of a segment of that size."""
    return Kept(size, segment.latest, bool(segment.erased), segment.thin)


def applied(ledger: Ledger, batch: Batch, now: int) -> tuple[Applied, Standing]:
    """What the batch does. What came in does not go back with it."""
    done = ledger.apply(batch, now)
    for outcomes in done.outcomes:
        outcomes.batch = outcomes.batch.part(0, 0)
    return done, _standing(ledger)


def closed(ledger: Ledger, now: int, most: int) -> Closing:
    """Lend, forget what is past, and state at most so many conversions."""
    forwards, dead, stated = ledger.lend(), ledger.expire(), ledger.report(now, most)
    segment = stated.segment if stated.pairs or stated.segment.marks else None
    return Closing(forwards, dead, segment, changed(stated.pairs), _standing(ledger))


def _standing(ledger: Ledger) -> Standing:
    return Standing(ledger.size, ledger.pending, ledger.needed_since)


_here: dict[int, Ledger] = {}  # the ledgers of this process


def _restore(handle: int, rules: Rules, number: int, partitions: int, values: Sequence[Entry], now: int) -> Restored:
    found = {key: unpacked(value) for key, value in values}
    segments = {key: segment for key, (segment, _) in found.items()}
    keys = valid(segments)
    hour = max((key.hour for key in keys), default=0)
    ledger = _here[handle] = Ledger(rules, number, partitions)
    ledger.restore([(key, segments[key]) for key in keys], max(now, hour * HOUR))
    return Restored(
        {key: remembered(*found[key]) for key in keys},
        list(found.keys() - set(keys)),
        max((segments[key].flushed for key in keys), default=-1),
        hour,
        max((key.epoch for key in found), default=-1),
        covered([segments[key] for key in keys]),
        ledger.offsets,
        dict(ledger.newest),
        _standing(ledger),
    )


def _ask(handle: int, work: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    return work(_here[handle], *args, **kwargs)


def _drop(handle: int) -> None:
    _here.pop(handle, None)


_handles = count()


class KeptLedger:
    """The ledger of one partition, in whatever process; it has to be restored first."""

    def __init__(self, executor: Executor, rules: Rules, number: int, partitions: int) -> None:
        self._executor, self._what, self._handle = executor, (rules, number, partitions), next(_handles)
        self._dropped = False

    async def restore(self, values: Sequence[Entry], now: int) -> Restored:
        """Make it anew of what the journal has of it; `now` in ms. Raises LedgerError."""
        restored: Restored = await self._done(_restore, *self._what, values, now)
        return restored

    async def ask(self, work: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` says, which is given the ledger. Raises LedgerError, and what `work` raises."""
        done: T = await self._done(_ask, work, *args, **kwargs)
        return done

    async def _done(self, work: Callable[..., Any], *args: Any) -> Any:
        if self._dropped:
            raise LedgerDroppedError
        try:
            return await asyncio.wrap_future(self._executor.submit(work, self._handle, *args))
        except ProcessLostError as error:
            if self._dropped:
                raise LedgerDroppedError from None
            raise LedgerLostError(
                f"{error}, perhaps for want of memory; nothing is lost: start the worker again, "
                "and it goes on from the journal"
            ) from None

    def drop(self) -> None:
        """Free its memory, once it has done what it was asked."""
        if not self._dropped:
            self._dropped = True
            self._executor.submit(_drop, self._handle)


class Ledgers:
    """Where the ledgers of a worker are."""

    def __init__(self, rules: Rules, partitions: int, processes: int) -> None:
        """In so many processes; 0 = in this one. The topics have so many `partitions`."""
        self._rules, self._partitions = rules, partitions
        own = [Process() for _ in range(min(processes, partitions))]
        self.processes = [process.pid for process in own]
        self._executors: Sequence[Executor] = own or [Here()]

    def of(self, number: int, rank: int = 0) -> KeptLedger:
        """A ledger for that partition; those of following ranks are in processes of their own, as far as there are."""
        return KeptLedger(self._executors[rank % len(self._executors)], self._rules, number, self._partitions)

    async def close(self) -> None:
        """End the processes, whatever they have still to do."""
        for executor in self._executors:
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)
