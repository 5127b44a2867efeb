"""One partition at work: its ledger, and the segments that make what the ledger knows durable."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from typing import NamedTuple, Protocol

import structlog
from aiokafka.errors import KafkaError

from streams import counting, fail_points, metrics
from streams.core.admission import Batch, DeadLetter, Outcomes
from streams.core.coverage import Coverage, covered
from streams.core.erasure import apart, rewritten, thinned
from streams.core.ledger import HOUR, Applied, Ledger
from streams.core.routing import Forward
from streams.core.rows import Rows
from streams.core.segment import RAW_LIMIT, Segment, SegmentKey, cut, merged, open_since
from streams.core.tokens import Tokens
from streams.ledgers import Kept, KeptLedger, LedgerDroppedError, LedgerError, Standing, applied, closed, remembered
from streams.packing import packed, unpacked

SMALL = RAW_LIMIT // 4  # bytes of a segment that is worth merging
RUN = 32  # small segments in a row that are merged
MOST = 4000  # conversions stated in one report
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0  # s between attempts

log = structlog.get_logger(__name__)


class Store(Protocol):
    """What a partition needs of the journal."""

    async def append(self, partition: int, key: SegmentKey, value: bytes) -> None: ...

    async def remove(self, partition: int, keys: Sequence[SegmentKey]) -> None: ...

    def segments(self, partition: int) -> list[tuple[SegmentKey, bytes]]: ...


class Outbox(Protocol):
    """Where a partition sends records; both return once the broker has acknowledged all of them."""

    async def bury(self, letters: Sequence[DeadLetter]) -> None: ...

    async def forward(self, forwards: Sequence[Forward]) -> None: ...


class Snapshot(NamedTuple):
    """Rows that are covered by durable segments up to `sequence`."""

    rows: Rows
    sequence: int


def now_ms() -> int:
    """The time now, ms since the epoch."""
    return time.time_ns() // 1_000_000


class Partition:
    """Applies batches in turn; each is acknowledged once its dead letters and its segment are."""

    def __init__(self, number: int, ledger: KeptLedger, token_key: bytes, store: Store, outbox: Outbox) -> None:
        self.number, self._ledger, self._token_key, self._store, self._outbox = number, ledger, token_key, store, outbox
        self.lock = asyncio.Lock()
        self.closed = False
        self._epoch = 0
        self._arrived: list[tuple[int, float]] = []  # (segment, timestamp of its oldest record in s)
        self.offsets: dict[str, int] = {}  # the next one to read, by topic
        self.newest: dict[str, int] = {}  # event time by topic, ms
        self.standing, self._coverage = Standing(), Coverage()
        self._kept: dict[SegmentKey, Kept] = {}
        self._void: list[SegmentKey] = []
        self._after: dict[int, int] = {}
        self._sequence = self._flushed = self._stated = self._settled = -1
        self._hour = 0

    async def restore(self) -> None:
        """Have a ledger of what the journal holds, owned by a new epoch. Raises LedgerError."""
        found = await self._ledger.restore(self._store.segments(self.number), now_ms())
        self._void, self._kept, self._flushed, self._hour = found.void, found.kept, found.flushed, found.hour
        self._stated = self._settled = -1
        self._sequence = max((key.sequence for key in self._kept), default=-1)
        self._epoch = max(int(time.time()), self._epoch + 1, found.epoch + 1)
        self._after = {self._epoch: self._sequence}
        self._coverage, self.standing = found.coverage, found.standing
        self.offsets, self.newest = found.offsets, found.newest

    def close(self) -> None:
        """It belongs to somebody else: what is on its way comes to nothing."""
        self.closed = True
        self._ledger.drop()

    def _now(self) -> int:
        """The time now, ms, never in an hour before the last one reported in."""
        now = max(now_ms(), self._hour * HOUR)
        self._hour = now // HOUR
        return now

    async def take(self, batch: Batch, oldest: float, acknowledge: Callable[[], object]) -> list[Outcomes]:
        """Work on a batch whose oldest record has the timestamp `oldest` (s); returns what became of its records
        when it is durable and acknowledged, or the partition is closed."""
        started = time.monotonic()
        async with self.lock:
            try:
                outcomes = await self._work_on(batch)
            except LedgerDroppedError:
                return []
            except BaseException:
                self.close()  # its ledger is ahead of the journal now
                raise
            if not self.closed:
                self._arrived.append((self._sequence, oldest))
                acknowledge()
        metrics.BATCH_SECONDS.observe(time.monotonic() - started)
        metrics.BATCH_RECORDS.observe(len(batch.values))
        return outcomes

    async def _work_on(self, batch: Batch) -> list[Outcomes]:
        outcomes: list[Outcomes] = []
        async for done in self._applied(batch):
            await self._send(done)
            await self._append(done.segment)
            counting.applied(done)
            outcomes += done.outcomes
        return outcomes

    async def _send(self, done: Applied) -> None:
        """What must be with the broker before the segment that caused it."""
        await self._persist(partial(self._outbox.bury, [d for outcomes in done.outcomes for d in outcomes.dead]))
        await self._persist(partial(self._outbox.forward, done.forwards))
        fail_points.passing("sent")

    async def _applied(self, batch: Batch) -> AsyncIterator[Applied]:
        """What the batch does. Where our own code fails, the state is made anew and the records go one by one, so that
        only those it fails on become dead letters."""
        try:
            for part in apart(batch):
                done, self.standing = await self._ledger.ask(applied, part, self._now())
                yield done
        except LedgerError:
            raise
        except Exception:
            log.exception("a defect in the ledger", topic=batch.topic, partition=self.number, offset=batch.offsets[0])
            await self.restore()
            for at in range(len(batch.values)):
                yield await self._guarded(batch.part(at, at + 1))

    async def _guarded(self, record: Batch) -> Applied:
        try:
            done, self.standing = await self._ledger.ask(applied, record, self._now())
            return done
        except LedgerError:
            raise
        except Exception as defect:
            await self.restore()
            return await self._ledger.ask(Ledger.skip, record, f"{type(defect).__name__}: {defect}")

    async def snapshot(self) -> Snapshot | None:
        """Report what changed; the rows to write, or None where there are none."""
        async with self.lock:
            if self.closed:
                return None
            closing = await self._ledger.ask(closed, self._now(), MOST)
            await self._persist(partial(self._outbox.forward, closing.forwards))
            fail_points.passing("lent")
            await self._persist(partial(self._outbox.bury, closing.dead))
            counting.dead_letters(closing.dead)
            if closing.segment:
                await self._append(closing.segment)
                counting.goals(closing.changed)
            if self.closed:
                return None
            self.standing = closing.standing
            rows = await self._ledger.ask(Ledger.changes, self._epoch << 32 | (self._sequence + 1))
            if not self.standing.pending:
                self._stated = self._sequence
            if rows:
                return Snapshot(rows, self._sequence)
            self._settled = self._stated
            if not self.standing.pending:
                self._arrived = []  # nothing of them is to be seen: duplicates do not wait for the next row
            return None

    def written(self, sequence: int) -> None:
        """All up to that segment is in ClickHouse."""
        self._flushed = max(self._flushed, sequence)
        self._settled = max(self._settled, min(self._stated, sequence))
        now = time.time()
        for _, oldest in (arrived for arrived in self._arrived if arrived[0] <= sequence):
            metrics.END_TO_END.observe(max(0.0, now - oldest))
        self._arrived = [arrived for arrived in self._arrived if arrived[0] > sequence]

    async def tidy(self) -> None:
        """Drop segments that are void or past the retention, and merge small ones that follow each other."""
        async with self.lock:
            since, newest = self.standing.needed_since, SegmentKey(self._hour, self._epoch, self._sequence)
            # None after one that stays: it would look like a hole in what the journal covers.
            old = takewhile(lambda kept: kept[1].latest < since and kept[0] != newest, self._kept.items())
            past = [key for key, _ in old]
            await self._remove([*self._void, *past])
            self._void = []
            await self._follow_erasures()
            run = next(self._runs(), None)
            if run and not self.closed:  # the journal forgets the segments of a partition that is gone
                await self._merge(run)

    def _runs(self) -> Iterator[list[SegmentKey]]:
        """Small written segments that follow each other, of one hour or of hours that are not open: so many, or as
        many as fit into one."""
        opened, run, size = open_since(self._kept, self._flushed, self._hour), list[SegmentKey](), 0
        asked = any(kept.asks for kept in self._kept.values())  # what is before and after that must be told apart
        for key, kept in self._kept.items():
            small = kept.size < SMALL and key.sequence <= self._flushed and not asked
            together = small and run and (run[-1].hour == key.hour or key.hour < opened)
            if not together or size + kept.size > RAW_LIMIT:
                if len(run) >= (2 if together else RUN):
                    yield run
                run, size = [], 0
            if small:
                run, size = [*run, key], size + kept.size
        if len(run) >= RUN:
            yield run

    async def _follow_erasures(self) -> None:
        """Write the segments anew that have somebody who was erased, once all that follows from it is written."""
        opened = open_since(self._kept, self._flushed, self._hour)
        asked = any(kept.asks and key.sequence <= self._settled for key, kept in self._kept.items())
        if asked or any(0 <= kept.thin < opened for kept in self._kept.values()):
            journal = [(key, unpacked(value)[0]) for key, value in self._store.segments(self.number)]
            tokens = Tokens(self._token_key)
            due = rewritten(journal, self._settled, self._hour, tokens) if asked else thinned(journal, opened)
            for key, segment in due:
                await self._write(key, segment)
                fail_points.passing("forgotten")

    async def _merge(self, run: Sequence[SegmentKey]) -> None:
        values = dict(self._store.segments(self.number))
        parts = [unpacked(values[key])[0] for key in run]
        whole = merged(parts, one_hour=run[0].hour == run[-1].hour)
        whole.since = run[0].sequence
        if not covered(parts).gap:  # merged, a hole would not be seen any more
            await self._write(run[-1], whole)
            fail_points.passing("merged")
            await self._remove(run[:-1])

    async def _append(self, segment: Segment) -> None:
        for topic, start in segment.starts.items():
            self._coverage.add(topic, start, segment.offsets[topic])
        self.offsets |= segment.offsets
        self.newest |= segment.newest
        for part in cut(segment, RAW_LIMIT):
            self._sequence += 1
            await self._write(SegmentKey(self._hour, self._epoch, self._sequence), part)
            fail_points.passing("journalled")

    async def _write(self, key: SegmentKey, segment: Segment) -> None:
        segment.after, segment.flushed = segment.after | self._after, self._flushed
        value, size = packed(segment)
        await self._persist(partial(self._store.append, self.number, key, value))
        self._kept[key] = remembered(segment, size)

    async def _remove(self, keys: Sequence[SegmentKey]) -> None:
        if keys:
            await self._persist(partial(self._store.remove, self.number, keys))
            for key in keys:
                self._kept.pop(key, None)

    async def _persist(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Try until the broker acknowledges, or the partition belongs to somebody else."""
        wait = FIRST_WAIT
        while not self.closed:
            try:
                return await attempt()
            except KafkaError as error:
                log.warning("the broker did not take it, trying again", partition=self.number, error=repr(error))
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
        return None

    @property
    def segments(self) -> int:
        """How many segments it has in the journal."""
        return len(self._kept)

    @property
    def gap(self) -> int:
        """Source offsets that its segments miss, or cover twice."""
        return self._coverage.gap
