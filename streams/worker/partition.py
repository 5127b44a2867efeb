"""One partition at work: its ledger, and the segments that make what the ledger knows durable."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import NamedTuple

import structlog
from aiokafka.errors import KafkaError

from streams import failpoints
from streams.core.columns.column import Rows
from streams.core.events.batch import Batch
from streams.core.events.watermark import Outcomes
from streams.core.journal.chunks import ChunkError
from streams.core.journal.coverage import Coverage, covered
from streams.core.journal.cutting import RAW_LIMIT, cut
from streams.core.journal.hours import hours_of
from streams.core.journal.segment import Segment, SegmentKey, merged, open_since
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import rewritten, thinned
from streams.core.rows.members import NOBODY, Members
from streams.kafka.segment_codec import packed, unpacked
from streams.telemetry import metrics
from streams.telemetry import record as counting
from streams.worker.compaction import runs
from streams.worker.ledgers.errors import LedgerDroppedError, UnreadableError
from streams.worker.ledgers.proxy import LedgerHandle, LedgerStatus, prepare_flush
from streams.worker.ledgers.segments import WAY_OUT, Made
from streams.worker.ledgers.spool import SegmentInfo, segment_info
from streams.worker.ports import Producer, RevokedError, Store
from streams.worker.watch.clock import ReportHours
from streams.worker.watch.other_campaigns import OtherCampaigns
from streams.worker.watch.unfiled import Unfiled
from streams.worker.work import Packed, Work

MAX_REPORT = 4000  # conversions stated in one report
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0  # s between attempts

log = structlog.get_logger(__name__)


class JournalError(Exception):
    """The journal has what this version cannot read; the text says where, what it is, and what to do."""


class Snapshot(NamedTuple):
    """Rows that are covered by durable segments up to `sequence`."""

    rows: Rows
    sequence: int


def now_ms() -> int:
    """The time now, ms since the epoch."""
    return time.time_ns() // 1_000_000


class Partition:
    """Applies batches in turn; each is acknowledged once its dead letters and its segment are."""

    def __init__(self, number: int, ledger: LedgerHandle, store: Store, producer: Producer) -> None:
        self.number, self._ledger, self._store, self._producer = number, ledger, store, producer
        self.lock, self._epoch = asyncio.Lock(), 0
        self._arrived: list[tuple[int, float]] = []  # (segment, timestamp of its oldest record in s)
        self.offsets: dict[str, int] = {}  # the next one to read, by topic
        self.newest: dict[str, int] = {}  # event time by topic, ms
        self.standing, self._coverage = LedgerStatus(), Coverage()
        self._work = Work(number, ledger, self)
        self._kept: dict[SegmentKey, SegmentInfo] = {}
        self._void: list[SegmentKey] = []
        self._after: dict[int, int] = {}
        self._sequence = self._flushed = self._stated = self._settled = -1
        self.members = NOBODY
        self.hour, self._hours, self._others = 0, ReportHours(number), OtherCampaigns(number)
        self._made, self._unfiled = Made(0, 0, 0), Unfiled(number)

    async def restore(self) -> None:
        """Have a ledger of what the journal holds, owned by a new epoch. Raises LedgerError and JournalError."""
        try:
            found = await self._ledger.restore(self._store.segments(self.number), now_ms())
        except RevokedError:
            self.close()
            raise LedgerDroppedError from None
        except UnreadableError as error:
            raise JournalError(f"{self._store.place(self.number, error.key)}: {error.why}") from None
        except ChunkError as error:
            raise JournalError(f"{error}{WAY_OUT}") from None
        await self._ledger.ask(Ledger.enlist, self.members)
        self._void, self._kept, self._flushed, self.hour = found.void, found.kept, found.flushed, found.hour
        self._stated = self._settled = -1
        self._sequence = max((key.sequence for key in self._kept), default=-1)
        self._epoch = max(int(time.time()), self._epoch + 1, found.epoch + 1)
        self._after = {self._epoch: self._sequence}
        self._coverage, self.standing = found.coverage, found.standing
        self.offsets, self.newest, self._made = found.offsets, found.newest, found.made
        self._hours.tell(now_ms(), next((key.hour for key in reversed(self._kept)), self.hour), self.hour)

    def close(self) -> None:
        """The partition belongs to somebody else: what is on its way comes to nothing."""
        self._ledger.drop()

    @property
    def closed(self) -> bool:
        """Whether it belongs to somebody else."""
        return self._ledger.dropped

    def now(self) -> tuple[int, int]:
        """The time now, ms, and the hour to report in: mostly that of now."""
        now = now_ms()
        self.hour = self._hours.next(now, self.hour, (kept.span for kept in self._kept.values()), self.newest)
        return now, self.hour

    async def take(self, batch: Batch, oldest: float, acknowledge: Callable[[], object]) -> list[Outcomes]:
        """Work on a batch whose oldest record has the timestamp `oldest` (s); returns what became of its records
        when it is durable and acknowledged, or the partition is closed. Raises DefectsError."""
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

    async def use(self, rules: LedgerSettings) -> None:
        """Go by those rules from now on: what they say of what is retained is reported next. Raises LedgerError."""
        async with self.lock:
            if not self.closed:
                await self._ledger.use(rules)

    async def enlist(self, members: Members) -> None:
        """Count the audiences of those lists from now on. Raises LedgerError."""
        self.members = members
        async with self.lock:
            if not self.closed:
                await self._ledger.ask(Ledger.enlist, members)

    async def _work_on(self, batch: Batch) -> list[Outcomes]:
        outcomes: list[Outcomes] = []
        async for done in self._work.on(batch):
            self.standing = done.standing
            await self._send(done.applied)
            await self._append(done.applied.segment, done.records)
            counting.applied(done.applied)
            self._others.tell(now_ms(), sum(each.folded for each in done.applied.outcomes))
            outcomes += done.applied.outcomes
        return outcomes

    async def _send(self, done: Applied) -> None:
        """What must be with the broker before the segment that caused it."""
        await self._persist(
            partial(self._producer.send_dead_letters, [d for outcomes in done.outcomes for d in outcomes.dead])
        )
        await self._persist(partial(self._producer.forward, done.forwards))
        failpoints.passing("sent")

    async def snapshot(self) -> Snapshot | None:
        """Report what changed; the rows to write, or None where there are none, or none yet. Raises DefectsError."""
        if self._work.waits:
            return None  # others do not wait until it is mended
        async with self.lock:
            if self.closed:
                return None
            await self._work.mended()
            closing = await self._work.reported(prepare_flush, *self.now(), MAX_REPORT)
            records = self._work.journalled(closing.segment) if closing else None
            if closing is None or records is None:
                return None
            await self._persist(partial(self._producer.forward, closing.forwards))
            failpoints.passing("lent")
            await self._persist(partial(self._producer.send_dead_letters, closing.dead))
            counting.dead_letters(closing.dead)
            if closing.segment:
                await self._append(closing.segment, records)
                counting.goals(closing.changed)
            return None if self.closed else await self._rows(closing.standing)

    async def _rows(self, standing: LedgerStatus) -> Snapshot | None:
        self.standing = standing
        self._unfiled.tell(now_ms(), standing.size.refused)
        rows = await self._work.reported(Ledger.changes, self._epoch << 32 | (self._sequence + 1))
        if rows is None:
            return None
        self._stated = self._stated if standing.pending else self._sequence
        if rows:
            return Snapshot(rows, self._sequence)
        self._settled = self._stated
        if not standing.pending:
            self._arrived = []  # nothing of them is to be seen: duplicates do not wait for the next row
        return None

    def written(self, sequence: int) -> None:
        """All up to that segment is in ClickHouse."""
        self._flushed = max(self._flushed, sequence)
        self._settled = max(self._settled, min(self._stated, sequence))
        for _, oldest in (arrived for arrived in self._arrived if arrived[0] <= sequence):
            metrics.END_TO_END.observe(max(0.0, time.time() - oldest))
        self._arrived = [arrived for arrived in self._arrived if arrived[0] > sequence]

    async def compact(self) -> None:
        """Drop segments that are void or past the retention, and merge small ones that follow each other."""
        async with self.lock:
            since, newest = self.standing.needed_since, next(reversed(self._kept), None)
            # The newest stays: it says what the journal is made for.
            # None after one that stays: it would look like a hole in what the journal covers.
            old = takewhile(lambda kept: kept[1].latest < since and kept[0] != newest, self._kept.items())
            past = [key for key, _ in old]
            await self._remove([*self._void, *past])
            self._void = []
            await self._persist(partial(self._store.discard_remains, self.number))
            await self._rewrite_erased()
            opened = open_since(self._kept, self._flushed, self.hour)
            run = next(runs(self._kept, self._flushed, opened), None)
            if run and not self.closed:  # the journal forgets the segments of a partition that is gone
                await self._merge(run)

    async def _rewrite_erased(self) -> None:
        """Write the segments anew that have somebody who was erased, once all that follows from it is written."""
        opened = open_since(self._kept, self._flushed, self.hour)
        asked = any(kept.asks and key.sequence <= self._settled for key, kept in self._kept.items())
        if asked or any(0 <= kept.thin < opened for kept in self._kept.values()):
            journal = [(key, unpacked(value)[0]) for key, value in self._store.segments(self.number)]
            due = rewritten(journal, self._settled, self.hour) if asked else thinned(journal, opened)
            for key, segment in due:
                await self._write(key, self._packed(segment))
                failpoints.passing("forgotten")

    async def _merge(self, run: Sequence[SegmentKey]) -> None:
        parts = [unpacked(value)[0] for _, value in self._store.segments(self.number, run)]
        whole = merged(parts, one_hour=run[0].hour == run[-1].hour)
        whole.since = run[0].sequence
        whole.hours = hours_of(run, parts)
        if not covered(parts).gap:  # merged, a hole would not be seen any more
            await self._write(run[-1], self._packed(whole))
            failpoints.passing("merged")
            await self._remove(run[:-1])

    def records(self, segment: Segment) -> list[Packed]:
        """The segment as records of the journal, each of which does a part of it."""
        return [self._packed(part) for part in cut(segment, RAW_LIMIT)]

    def _packed(self, segment: Segment) -> Packed:
        segment.after, segment.flushed = segment.after | self._after, self._flushed
        segment.token_key, segment.partitions, segment.homes = self._made
        return Packed(segment, *packed(segment))

    async def _append(self, segment: Segment, records: Sequence[Packed]) -> None:
        for topic, start in segment.starts.items():
            self._coverage.add(topic, start, segment.offsets[topic])
        self.offsets |= segment.offsets
        self.newest |= segment.newest
        for record in records:
            self._sequence += 1
            await self._write(SegmentKey(self.hour, self._epoch, self._sequence), record)
            failpoints.passing("journalled")

    async def _write(self, key: SegmentKey, record: Packed) -> None:
        await self._persist(partial(self._store.append, self.number, key, record.value))
        self._kept[key] = segment_info(key, record.segment, record.size)

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
