"""The worker: the partitions it owns, and the loop that brings what changed to ClickHouse."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import structlog

from streams import failpoints
from streams.core.columns.concat import joined
from streams.core.events.batch import Batch
from streams.core.events.costs import cost
from streams.core.events.dead_letter_limit import Limits
from streams.core.events.watermark import Outcomes
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy import k_anonymity
from streams.core.rows.members import NOBODY, Members
from streams.kafka import source_offsets
from streams.sinks.clickhouse import fingerprint
from streams.sinks.clickhouse.client import Client
from streams.sinks.writer import Sink
from streams.telemetry import metrics, record
from streams.worker import gauges
from streams.worker.ledgers.errors import ForeignJournalError, LedgerDroppedError, LedgerLostError
from streams.worker.ledgers.proxy import LedgerPool
from streams.worker.partition import JournalError, Partition, Snapshot, now_ms
from streams.worker.ports import Kafka
from streams.worker.state_files import StateRoom
from streams.worker.tables import Tables
from streams.worker.watch.clock import ClockWatch
from streams.worker.watch.dead_letters import DeadLetterLimits
from streams.worker.watch.defects import DefectsError
from streams.worker.watch.sink_watch import SinkWatch

BACKLOG = 1_000_000  # records worked on and not in ClickHouse yet, at which the flow stops
COMMIT_AGAIN = 0.5  # s between attempts to commit
LOOK_AGAIN = 0.05  # s
LAST_FLUSH = 8.0  # s that a stop waits for the last flush

log = structlog.get_logger(__name__)


class Options(NamedTuple):
    """Limits of dead letters, the smallest group of users that is shown, how many processes have the ledgers (0 = the
    worker's own), and where touches may be (None = in memory)."""

    limits: Limits = Limits()
    smallest_group: int = k_anonymity.SMALLEST
    processes: int = 0
    state: StateRoom | None = None


DEFAULT_OPTIONS = Options()


class Worker:
    """Owns some of so many `partitions`, and brings what changes in them to ClickHouse."""

    def __init__(
        self, rules: LedgerSettings, client: Client, kafka: Kafka, partitions: int, options: Options = DEFAULT_OPTIONS
    ) -> None:
        self._rules, self._kafka = rules, kafka
        self._ledgers = LedgerPool(rules, partitions, options.processes, options.state)
        self._limits = DeadLetterLimits(options.limits)
        self._failed, self._defective, self.restored = "", False, False
        self._sources = source_offsets.SourceOffsets(kafka.group, rules.topics)
        self._watch = SinkWatch()
        self._sink, self._tables = Sink(client, self._watch), Tables(client, rules, options.smallest_group, self._watch)
        self.partitions: dict[int, Partition] = {}
        self._members, self._backlog = NOBODY, 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._flushing, self._flushes = asyncio.Lock(), 0
        self._stopping, self._preparing = asyncio.Event(), set[asyncio.Task[None]]()
        metrics.PROCESSES.others = self._ledgers.processes
        metrics.declare([goal.id for goal in rules.catalogue.goals], rules.topics)
        metrics.LAST_FLUSH.set_to_current_time()

    @property
    def ready(self) -> bool:
        """Nothing is wrong with it."""
        return not any(self.problems())

    def problems(self) -> Iterator[tuple[str, str]]:
        """The parts that are not ready, and why."""
        if self._failed:
            yield "worker", f"it ends ({self._failed})"
        elif self._defective and not self._flushing.locked():
            yield "worker", "a flush ended with a defect; start it again, and it writes what is in the journal"
        if lost := self._ledgers.lost:
            yield "ledgers", f"process {', '.join(map(str, lost))} ended; start the worker again"
        if not self.restored:
            yield "partitions", "they are not restored from the journal yet"
        if self._watch.problem:
            yield "clickhouse", self._watch.problem

    @property
    def written_rules(self) -> LedgerSettings | None:
        """What it goes by, once it has written that to the database."""
        return self._rules if self._tables.ready else None

    @property
    def leads(self) -> bool:
        """Whether it is for this worker of the group to do what one is to do."""
        return self.restored and 0 in self.partitions

    async def assign(self, numbers: set[int]) -> None:
        """Take over partitions, as the journal has them."""
        self.revoke()
        made = [self._partition(number, rank) for rank, number in enumerate(sorted(numbers))]
        self.partitions = {partition.number: partition for partition in made}
        self._preparing.add(asyncio.create_task(self._prepare()))  # the first flush need not wait for it then
        with self._failing_without_ledgers():
            await asyncio.gather(*(partition.restore() for partition in made))
        if self._failed or any(partition.closed for partition in made):
            return
        for partition in made:
            touches = partition.standing.size.touches
            log.info("restored", partition=partition.number, touches=touches, segments=partition.segments)
        wrong = await asyncio.gather(*(self._sources.broken(each.number, each.offsets, _closed(each)) for each in made))
        for reason in filter(None, wrong):
            self._fail(reason)
        if not any(wrong) and not any(partition.closed for partition in made):
            self.restored = True  # else there are others of our partitions by now, or none

    def _partition(self, number: int, rank: int) -> Partition:
        ledger = self._ledgers.of(number, rank)
        made = Partition(number, ledger, self._kafka.store, self._kafka.producer)
        made.members = self._members
        return made

    async def out_of_range(self, topic: str, partition: int, offset: int) -> None:
        """End the worker: that record is the next one to read, and gone."""
        wrong = await self._sources.out_of_range(topic, partition, offset, self._stopping.is_set)
        if wrong:
            self._fail(wrong)

    def revoke(self) -> None:
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
        if owned and not owned.segments:
            await self._prepare()  # or a journal could begin with another key than the database
        if owned is None or self._failed or owned.closed:
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
        taken = cost.take(batch, [min(at, now) for at in timestamps], self._rules.catalogue)
        await self._kafka.producer.send_dead_letters(taken.outcomes.dead)
        await self._sink.write({batch.topic: taken.columns})
        record.outcomes(taken.outcomes)
        acknowledge()
        self._hold_to_limit([taken.outcomes], batch)

    async def use(self, rules: LedgerSettings) -> None:
        """Go by those rules from now on, and state anew what they change."""
        async with self._flushing:
            self._rules = rules
            self._tables.use(rules)
            self._ledgers.use(rules)
            metrics.declare([goal.id for goal in rules.catalogue.goals], rules.topics)
            with self._failing_without_ledgers():
                await asyncio.gather(*(partition.use(rules) for partition in self.partitions.values()))

    async def enlist(self, members: Members) -> None:
        """Count the audiences of those lists from now on, by all that is retained."""
        self._members = members
        with self._failing_without_ledgers():
            await asyncio.gather(*(partition.enlist(members) for partition in self.partitions.values()))

    def _hold_to_limit(self, outcomes: Sequence[Outcomes], batch: Batch) -> None:
        """End the worker when nearly everything of a topic becomes a dead letter."""
        for wrong in self._limits.exceeded(outcomes, batch):
            self._fail(wrong)

    @contextmanager
    def _failing_without_ledgers(self) -> Iterator[None]:
        """End the worker when a process with ledgers has ended, our own code fails again and again, or a journal
        cannot be read."""
        try:
            yield
        except (LedgerLostError, ForeignJournalError, DefectsError, JournalError) as lost:
            self._fail(str(lost))
        except LedgerDroppedError:
            pass  # somebody else's meanwhile

    def _fail(self, reason: str) -> None:
        """Take no more batches, and have the process end."""
        if not self._failed:
            self._failed = reason
            log.error(reason)
            self._kafka.group.stop(reason)

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
        owned = list(self.partitions.values()) if self.restored and self._tables.ready else []
        taken = await asyncio.gather(*(each.snapshot() for each in owned))
        snapshots = [(each, found) for each, found in zip(owned, taken, strict=True) if found is not None]
        while any(not each.closed for each, _ in snapshots) and not await self._kafka.group.commit():
            await asyncio.sleep(COMMIT_AGAIN)
        # What was ours when it was computed and is not now is written by whoever owns it.
        await self._write([(each, taken) for each, taken in snapshots if not each.closed])
        metrics.LAST_FLUSH.set(computed)
        self._backlog = max(0, self._backlog - covered)
        if self._backlog < BACKLOG:
            self._flowing.set()
        await asyncio.gather(*(each.compact() for each in owned))

    async def written(self) -> None:
        """Wait until all that is committed now is in ClickHouse: for the end of a flush that begins from now on."""
        due = self._flushes + 1 + self._flushing.locked()
        while self._flushes < due and not self._stopping.is_set():
            await asyncio.sleep(LOOK_AGAIN)

    async def _prepare(self) -> None:
        try:
            await self._tables.prepare(lambda: bool(self._failed))
        except fingerprint.OtherKeyError as other:
            self._fail(str(other))

    async def _write(self, snapshots: Sequence[tuple[Partition, Snapshot]]) -> None:
        if not snapshots:
            return
        failpoints.passing("committed")
        started = time.monotonic()
        await self._sink.write(joined([taken.rows for _, taken in snapshots]))
        failpoints.passing("written")
        for partition, taken in snapshots:
            partition.written(taken.sequence)
        metrics.FLUSH_SECONDS.observe(time.monotonic() - started)

    async def run(self, seconds: float) -> None:
        """Flush every so many seconds, until stopped."""
        clock = ClockWatch()
        while not self._stopping.is_set():
            started = time.monotonic()
            await self.flush()
            if step := clock.jumped():
                metrics.CLOCK_JUMPS.inc()
                log.warning("the clock was set; nothing is lost, but see that it is right now", by_seconds=round(step))
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
        self.revoke()
        for task in self._preparing:
            task.cancel()
        await self._ledgers.close()
        await self._sink.close()

    def measure(self) -> None:
        """Set the gauges to what is so now; of partitions that went to others nothing stays."""
        gauges.measure(self.ready, list(self.partitions.values()), self._kafka.group.lag() if self.restored else {})


def _closed(partition: Partition) -> Callable[[], bool]:
    return lambda: partition.closed
