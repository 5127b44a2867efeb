"""The worker: the partitions it owns, and the loop that brings what changed to ClickHouse."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

import structlog

from streams import catalogue_rows, counting, fail_points, metrics, migrations, sources
from streams.clickhouse import Client, DatabaseError
from streams.core import costs, small_groups
from streams.core.admission import Batch, Outcomes
from streams.core.dead_letter_limit import DeadLetterLimit, Limits
from streams.core.joined import joined
from streams.core.rules import Rules
from streams.ledgers import LedgerDroppedError, LedgerLostError, Ledgers
from streams.partition import Outbox, Partition, Snapshot, Store, now_ms
from streams.sink import Sink

BACKLOG = 1_000_000  # records worked on and not in ClickHouse yet, at which the flow stops
COMMIT_AGAIN = 0.5  # s between attempts to commit
LOOK_AGAIN = 0.05  # s
DEFAULT_LIMITS = Limits()
LAST_FLUSH = 8.0  # s that a stop waits for the last flush

log = structlog.get_logger(__name__)


class Group(sources.Group, Protocol):
    """What a worker needs of its consumer group."""

    async def commit(self) -> bool: ...

    def lag(self) -> Mapping[tuple[str, int], int]: ...

    def stop(self, reason: str) -> None: ...


class SinkWatch:
    """Counts what the sink does, and knows whether ClickHouse answered last time."""

    def __init__(self) -> None:
        self.answers = False

    def inserted(self, table: str, rows: int, seconds: float) -> None:
        """Rows are durable."""
        self.answers = True
        metrics.SINK_ROWS.labels(table).inc(rows)
        fail_points.passing("inserted")

    def failed(self, table: str, error: DatabaseError) -> None:
        """An attempt failed."""
        self.answers = False
        metrics.SINK_FAILURES.inc()


class Worker:
    """Owns some of so many `partitions`, and brings what changes in them to ClickHouse."""

    def __init__(
        self,
        rules: Rules,
        client: Client,
        store: Store,
        outbox: Outbox,
        partitions: int,
        group: Group,
        limits: Limits = DEFAULT_LIMITS,
        smallest_group: int = small_groups.SMALLEST,
        processes: int = 0,
    ) -> None:
        """The ledgers are in so many `processes` of their own; 0 = in this one."""
        self._rules, self._client, self._store, self._outbox, self._group = rules, client, store, outbox, group
        self._ledgers, self._smallest_group = Ledgers(rules, partitions, processes), smallest_group
        self._limits: defaultdict[str, DeadLetterLimit] = defaultdict(lambda: DeadLetterLimit(limits))
        self._failed = self._defective = False
        self._sources = sources.Sources(group)
        self._watch = SinkWatch()
        self._sink = Sink(client, self._watch)
        self.partitions: dict[int, Partition] = {}
        self._prepared = False
        self._backlog = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._flushing, self._flushes = asyncio.Lock(), 0
        self._stopping = asyncio.Event()
        self.restored = False
        metrics.PROCESSES.others = self._ledgers.processes
        metrics.declare(goal.id for goal in rules.catalogue.goals)
        metrics.LAST_FLUSH.set_to_current_time()

    @property
    def ready(self) -> bool:
        """Partitions are restored and ClickHouse answered last time."""
        return self.restored and self._watch.answers

    @property
    def leads(self) -> bool:
        """Whether it is for this worker of the group to do what one is to do."""
        return self.restored and 0 in self.partitions

    async def own(self, numbers: set[int]) -> None:
        """These partitions are ours from now on, as the journal has them."""
        self.disown()
        made = [self._partition(number, rank) for rank, number in enumerate(sorted(numbers))]
        self.partitions = {partition.number: partition for partition in made}
        with self._failing_without_ledgers():
            await asyncio.gather(*(partition.restore() for partition in made))
        if self._failed or any(partition.closed for partition in made):
            return
        for partition in made:
            touches, _ = partition.standing.size
            log.info("restored", partition=partition.number, touches=touches, segments=partition.segments)
            wrong = await self._sources.broken(partition.number, partition.offsets, _closed(partition))
            if wrong:
                self._fail(wrong)
            if wrong or partition.closed:
                return  # there are others of our partitions by now, or none
        self.restored = True

    def _partition(self, number: int, rank: int) -> Partition:
        ledger = self._ledgers.of(number, rank)
        return Partition(number, ledger, self._rules.token_key, self._store, self._outbox)

    async def out_of_range(self, topic: str, partition: int, offset: int) -> None:
        """End the worker: that record is the next one to read, and gone."""
        wrong = await self._sources.out_of_range(topic, partition, offset, self._stopping.is_set)
        if wrong:
            self._fail(wrong)

    def disown(self) -> None:
        """No partition is ours; what was on its way comes to nothing."""
        for partition in self.partitions.values():
            partition.close()
        self.partitions = {}
        self.restored = False
        self._backlog = 0
        self._flowing.set()

    async def take(self, batch: Batch, timestamps: Sequence[int], acknowledge: Callable[[], object]) -> None:
        """Work on a batch whose records have those timestamps (ms); while ClickHouse is down and much is waiting, this
        waits too."""
        await self._flowing.wait()
        owned = self.partitions.get(batch.partition)
        if owned is None or self._failed:
            return  # revoked meanwhile, or we end: the next owner reads it again
        with self._failing_without_ledgers():
            self._hold_to_limit(await owned.take(batch, timestamps[0] / 1000, acknowledge), batch)
        self._backlog += len(batch.values)
        if self._backlog >= BACKLOG:
            self._flowing.clear()

    async def take_costs(self, batch: Batch, timestamps: Sequence[int], acknowledge: Callable[[], object]) -> None:
        """Write cost records straight to ClickHouse: one with the same id replaces what was there."""
        if self._failed:
            return
        now = now_ms()
        taken = costs.take(batch, [min(at, now) for at in timestamps], self._rules.catalogue)
        await self._outbox.bury(taken.outcomes.dead)
        await self._sink.write({batch.topic: taken.columns})
        counting.outcomes(taken.outcomes)
        acknowledge()
        self._hold_to_limit([taken.outcomes], batch)

    def _hold_to_limit(self, outcomes: Sequence[Outcomes], batch: Batch) -> None:
        """End the worker when nearly everything of a topic becomes a dead letter."""
        for each in outcomes:
            topic, dead = each.batch.topic, each.counts["dead_letter"]
            if too_many := self._limits[topic].add(sum(each.counts.values()), dead):
                why = "; ".join(f"{n} {reason}" for reason, n in Counter(d.reason for d in each.dead).items())
                self._fail(
                    f"too many dead letters of topic {topic}: {too_many}, at last ({why}) in {batch.topic}/"
                    f"{batch.partition} up to offset {batch.offsets[-1]}; look at them with `maalstrom dlq list`, mend "
                    "what makes them, and start the worker again: it goes on from there"
                )

    @contextmanager
    def _failing_without_ledgers(self) -> Iterator[None]:
        """End the worker when a process with ledgers has ended."""
        try:
            yield
        except LedgerLostError as lost:
            self._fail(str(lost))
        except LedgerDroppedError:
            pass  # somebody else's meanwhile

    def _fail(self, reason: str) -> None:
        """Take no more batches, and have the process end."""
        if not self._failed:
            self._failed = True
            log.error(reason)
            self._group.stop(reason)

    async def flush(self) -> None:
        """Bring all that changed to ClickHouse: durable, then committed, then written (invariant I3). After a defect
        in it, it does nothing: what was drained then is in the journal alone, and the next start writes it."""
        async with self._flushing:
            if not self._defective:
                self._defective = True
                with self._failing_without_ledgers():
                    await self._flush()
                    self._defective = False
                    self._flushes += 1

    async def _flush(self) -> None:
        await self._prepare()
        covered, computed = self._backlog, time.time()
        owned = list(self.partitions.values()) if self.restored else []
        taken = await asyncio.gather(*(each.snapshot() for each in owned))
        snapshots = [(each, found) for each, found in zip(owned, taken, strict=True) if found is not None]
        while any(not each.closed for each, _ in snapshots) and not await self._group.commit():
            await asyncio.sleep(COMMIT_AGAIN)
        # What was ours when it was computed and is not now is written by whoever owns it.
        await self._write([(each, taken) for each, taken in snapshots if not each.closed])
        metrics.LAST_FLUSH.set(computed)
        self._backlog = max(0, self._backlog - covered)
        if self._backlog < BACKLOG:
            self._flowing.set()
        await asyncio.gather(*(each.tidy() for each in owned))

    async def written(self) -> None:
        """Wait until all that is committed now is in ClickHouse: for the end of a flush that begins from now on."""
        due = self._flushes + 1 + self._flushing.locked()
        while self._flushes < due and not self._stopping.is_set():
            await asyncio.sleep(LOOK_AGAIN)

    async def _prepare(self) -> None:
        """Migrate and write the catalogue, once, however long it takes ClickHouse to answer."""
        while not self._prepared:
            try:
                await asyncio.to_thread(self._migrate)
                self._prepared = self._watch.answers = True
            except DatabaseError as error:
                metrics.SINK_FAILURES.inc()
                log.warning("ClickHouse does not answer, trying again", error=str(error))
                await asyncio.sleep(1.0)

    def _migrate(self) -> None:
        migrations.apply(self._client)
        catalogue_rows.write_catalogue(self._client, self._rules.catalogue)
        catalogue_rows.write_settings(self._client, self._smallest_group)

    async def _write(self, snapshots: Sequence[tuple[Partition, Snapshot]]) -> None:
        if not snapshots:
            return
        fail_points.passing("committed")
        started = time.monotonic()
        await self._sink.write(joined([taken.rows for _, taken in snapshots]))
        fail_points.passing("written")
        for partition, taken in snapshots:
            partition.written(taken.sequence)
        metrics.FLUSH_SECONDS.observe(time.monotonic() - started)

    async def run(self, seconds: float) -> None:
        """Flush every so many seconds, until stopped."""
        while not self._stopping.is_set():
            started = time.monotonic()
            await self.flush()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), max(0.0, seconds - (time.monotonic() - started)))

    async def stop(self) -> None:
        """Let the flush that is under way end, and flush once more. What is left unwritten is in the journal."""
        self._stopping.set()
        try:
            await asyncio.wait_for(self.flush(), LAST_FLUSH)
        except TimeoutError:
            log.warning("stopped before the last rows were written; the next start writes them")

    async def close(self) -> None:
        """Let go of the partitions, their ledgers, and ClickHouse."""
        self.disown()
        await self._ledgers.close()
        await self._sink.close()

    def measure(self) -> None:
        """Set the gauges to what is so now; of partitions that went to others nothing stays."""
        owned = self.partitions.values()
        sizes = [partition.standing.size for partition in owned]
        metrics.READY.set(self.ready)
        metrics.STATE_TOUCHES.set(sum(touches for touches, _ in sizes))
        metrics.STATE_BYTES.set(sum(n for _, n in sizes))
        metrics.JOURNAL_SEGMENTS.set(sum(partition.segments for partition in owned))
        metrics.JOURNAL_GAP.set(sum(partition.gap for partition in owned))
        metrics.CONSUMER_LAG.clear()
        for (topic, number), records in (self._group.lag() if self.restored else {}).items():
            metrics.CONSUMER_LAG.labels(topic, number).set(records)
        metrics.EVENT_TIME_LAG.clear()
        now = now_ms()
        for partition in owned:
            for topic, newest in partition.newest.items():
                metrics.EVENT_TIME_LAG.labels(topic, partition.number).set((now - newest) / 1000)


def _closed(partition: Partition) -> Callable[[], bool]:
    return lambda: partition.closed
