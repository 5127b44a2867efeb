"""A Faust transport that hands an agent batches: all records that one fetch brought of one partition.

Faust's own transport makes a task switch or more for each record, which costs far more than the record's work. This one
is Faust's aiokafka driver with four differences, chosen by a broker URL of the scheme `batch` (`batch://host:port`):

- A message's value is a `Batch`. Records of changelog topics still come one by one, as Faust's recovery needs them.
- Nothing is acknowledged by accident. An agent iterates `stream.noack().events()` and calls `event.ack()` once the
  effects are durable; only the longest acknowledged prefix of a partition is committed, and a commit that the group
  coordinator refused is known to be refused (`Consumer.commit_now`, `OffsetTracker.committed`).
- What is fetched and not yet acknowledged is bounded, in batches a partition and in bytes altogether. Beyond that
  fetching pauses; heartbeats and group membership go on.
- After each assignment a table is read from the start of its changelog: another worker may have written to it.

This is the only module that touches Faust's internals (faust-streaming 0.15, aiokafka 0.14).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar, cast

import aiokafka
import mode.loop
from aiokafka import errors
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from faust.exceptions import ImproperlyConfigured
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.tuples import ack_lock
from mode.utils.futures import notify

from streams.core.offsets import OffsetTracker

SCHEME = "batch"

#: A batch has at most this many records, unless Faust's `broker_max_poll_records` says otherwise,
MAX_BATCH_RECORDS = 8192
#: and at most this many bytes of values, unless one record alone is larger.
MAX_BATCH_BYTES = 8 * 1024 * 1024
#: One batch that an agent works on and one that waits for it keep the agent busy.
MAX_PENDING_BATCHES = 2
#: Fetched and not yet acknowledged, over all partitions.
MAX_PENDING_BYTES = 64 * 1024 * 1024

# A broker holds a fetch without data this long, and aiokafka sends it no other meanwhile: a long wait for an idle
# partition would stall the busy ones.
_FETCH_MAX_WAIT_MS = 100
_ROOM_POLL_SECONDS = 0.05
_COMMIT_TIMEOUT_SECONDS = 10.0

_value_size = attrgetter("serialized_value_size")


class Batch:
    """Records of one partition in the order of their offsets, which may have gaps; never empty."""

    __slots__ = ("offsets", "partition", "records", "topic")

    def __init__(self, tp: TP, records: Sequence[ConsumerRecord], offsets: OffsetTracker) -> None:
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        #: aiokafka's records: offset, key, value, timestamp (milliseconds), headers.
        self.records = records
        #: The partition's offsets in this assignment: `offsets.committed >= batch.next_offset` once it is committed.
        self.offsets = offsets

    @property
    def next_offset(self) -> int:
        """The offset to commit when this batch is done."""
        return cast(int, self.records[-1].offset) + 1


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The driver's thread, which fetches and commits."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS
        consumer._max_poll_records = self.app.conf.broker_max_poll_records or MAX_BATCH_RECORDS
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop aiokafka's consumer, which cancels itself if a fetch just failed; the thread would then never end."""
        with contextlib.suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    async def fetch(
        self, partitions: set[TP], timeout: float
    ) -> tuple[int, dict[TopicPartition, list[ConsumerRecord]]]:
        """Records of these partitions, waiting at most `timeout` seconds for the first, and the group's generation."""
        result: tuple[int, dict[TopicPartition, list[ConsumerRecord]]]
        result = await self.call_thread(self._fetch, partitions, timeout)
        return result

    async def _fetch(
        self, partitions: set[TP], timeout: float
    ) -> tuple[int, dict[TopicPartition, list[ConsumerRecord]]]:
        consumer = self._ensure_consumer()
        fetched = await self._fetch_records(consumer, partitions, timeout, consumer._max_poll_records)
        if self.app.rebalancing:
            # A fetch that waited through a rebalance takes records of the new assignment, which nobody may see before
            # recovery is complete. Where nothing was ever committed, Faust would not come back to them.
            changelogs = self.app.tables.changelog_topics
            for tp in [tp for tp in fetched if tp.topic not in changelogs]:
                consumer.seek(tp, fetched.pop(tp)[0].offset)
        return self.app.consumer_generation_id, fetched

    async def try_commit(self, offsets: Mapping[TP, int], generation: int) -> bool:
        """Commit once, as a member of that generation; False unless the coordinator accepted all of it.

        aiokafka's own `commit` tries again as whatever member it is by then, so that a worker that lost its partitions
        could commit for their new owner.
        """
        try:
            return await asyncio.wait_for(self._commit_once(offsets, generation), _COMMIT_TIMEOUT_SECONDS)
        except TimeoutError:
            self.log.warning("No answer to a commit within %s s; trying again later", _COMMIT_TIMEOUT_SECONDS)
        except (errors.UnknownMemberIdError, errors.IllegalGenerationError, errors.RebalanceInProgressError) as error:
            self.log.warning("Commit refused, the partitions may belong to another worker: %r", error)
        except errors.KafkaError as error:
            if not error.retriable:
                await self.crash(error)
            self.log.warning("Commit failed: %r", error)
        return False

    async def _commit_once(self, offsets: Mapping[TP, int], generation: int) -> bool:
        coordinator = self._ensure_consumer()._coordinator
        await coordinator.ensure_coordinator_known()
        async with coordinator._commit_lock:
            subscription = coordinator._subscription.subscription
            if subscription is None or subscription.assignment is None or coordinator.generation != generation:
                return False
            request = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
            await coordinator._do_commit_offsets(subscription.assignment, request)
            return True

    def fetching(self) -> contextlib.AbstractContextManager[None]:
        """While it is entered, the consumer counts as alive."""
        return cast(contextlib.AbstractContextManager[None], self._ensure_consumer()._subscription.fetch_context())

    def fetch_position(self, tp: TP) -> int | None:
        """The offset to be fetched next, None while it is unknown."""
        subscription = self._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None or tp not in subscription.assignment.tps:
            return None
        state = subscription.assignment.state_value(TopicPartition(*tp))
        return cast(int, state.position) if state.has_valid_position else None


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, which tracks batches instead of single records."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.in_transaction:
            raise ImproperlyConfigured("the batch transport has no transactions: unset PROCESSING_GUARANTEE")
        self._offsets: dict[TP, OffsetTracker] = {}
        self._generation = -1
        self._room = asyncio.Event()

    async def commit_now(self) -> bool:
        """Commit all that is acknowledged; True when the group coordinator has accepted it.

        False says that it may not have: this worker may have lost its partitions, or the coordinator cannot be reached.
        Work whose commit was not accepted must have no effect outside; calling again later is safe.
        """
        wanted = [(offsets, offsets.acknowledged) for offsets in self._offsets.values()]
        while any(offsets.committed < offset for offsets, offset in wanted):
            if await self.maybe_wait_for_commit_to_finish():
                continue
            if not await self.commit():
                return False
        return True

    def lag(self) -> dict[TP, int]:
        """Records of each assigned source partition that are not acknowledged yet, as far as is known."""
        lags = {}
        for tp in self.assignment():
            offsets = self._offsets.get(tp)
            done = offsets.acknowledged if offsets else self._thread.fetch_position(tp)
            end = self.highwater(tp)
            if done is not None and end is not None and not self._is_changelog_tp(tp):
                lags[tp] = max(0, end - done)
        return lags

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:
        changelogs = self.app.tables.changelog_topics
        wanted = self._fetchable(active_partitions or set(), changelogs)
        if not wanted:
            return await self._wait_for_room(timeout)
        if wanted != active_partitions:
            timeout = min(timeout, _ROOM_POLL_SECONDS)
        generation, fetched = await self._thread.fetch(wanted, timeout)
        if generation != self._generation:
            return {}
        return {
            tp: records if tp.topic in changelogs else list(self._batches(tp, records))
            for tp, records in ((ensure_TP(key), records) for key, records in fetched.items())
        }

    def _fetchable(self, active: set[TP], changelogs: set[str]) -> set[TP]:
        """Changelogs always; source partitions once recovery is complete, where there is room."""
        if self.app.rebalancing or sum(o.pending_bytes for o in self._offsets.values()) >= MAX_PENDING_BYTES:
            return {tp for tp in active if tp.topic in changelogs}
        full = {tp for tp, offsets in self._offsets.items() if offsets.pending >= MAX_PENDING_BATCHES}
        return active - full

    async def _wait_for_room(self, timeout: float) -> dict[TP, list[Any]]:
        self._room.clear()
        # aiokafka leaves the group when nobody fetches for `broker_max_poll_interval`; this wait may be longer.
        with self._thread.fetching(), contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), min(timeout, _ROOM_POLL_SECONDS))
        return {}

    def _batches(self, tp: TP, records: list[ConsumerRecord]) -> Iterator[Batch]:
        offsets = self._offsets.get(tp)
        if offsets is None:
            offsets = self._offsets[tp] = OffsetTracker(records[0].offset)
        for part, size in cut(records, MAX_BATCH_BYTES):
            batch = Batch(tp, part, offsets)
            offsets.add(batch.next_offset, size)
            yield batch

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Batch):
            return super()._to_message(tp, record)
        last = record.records[-1]
        return ConsumerMessage(
            record.topic,
            record.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            headers=None,
            key=None,
            value=record,
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def ack(self, message: Message) -> bool:
        """Note that a batch is done; it counts only in the assignment that it came from."""
        batch = message.value
        if not isinstance(batch, Batch):
            return cast(bool, super().ack(message))
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            batch.offsets.acknowledge(batch.next_offset)
        self._room.set()
        notify(self._waiting_for_ack)
        return True

    def _filter_tps_with_pending_acks(self, topics: Iterable[str | TP] | None = None) -> Iterator[TP]:
        return (tp for tp in list(self._offsets) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        offsets = self._offsets.get(tp)
        return offsets.committable if offsets else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need no care here: a batch covers those before and inside it."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        owned = {tp: self._offsets[tp] for tp in offsets if tp in self._offsets}
        accepted = await self._thread.call_thread(self._thread.try_commit, offsets, self._generation)
        if accepted:
            for tp, tracker in owned.items():
                tracker.committed = offsets[tp]
            self._committed_offset.update(offsets)
            self.app.monitor.on_tp_commit(offsets)
        return cast(bool, accepted)

    async def on_task_error(self, exc: BaseException) -> None:
        """Stop the worker: a batch whose agent failed is never acknowledged, and its partition would stand still."""
        await self.crash(exc)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let agents finish and commit that, then forget all about these partitions."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._offsets.pop(tp, None)
            if self._is_changelog_tp(tp):
                self.app.tables.recovery.revoke(tp)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start with no batches, as a member of a new generation."""
        self._offsets.clear()
        self._generation = generation_id
        await super().on_partitions_assigned(assigned, generation_id)


class Transport(driver.Transport):  # type: ignore[misc]
    """The `batch://` transport."""

    Consumer: ClassVar[type[Consumer]] = Consumer


def cut(records: Sequence[ConsumerRecord], limit: int) -> Iterator[tuple[Sequence[ConsumerRecord], int]]:
    """Consecutive slices of the records and their bytes: at most `limit` each, unless one record alone is larger."""
    total = sum(map(_value_size, records))
    if total <= limit:
        yield records, total
        return
    start = size = 0
    for index, length in enumerate(map(_value_size, records)):
        if index > start and size + length > limit:
            yield records[start:index], size
            start, size = index, 0
        size += length
    yield records[start:], size


def use_uvloop() -> None:
    """Make new event loops uvloop's, where it is installed; call it before Faust makes one."""
    with contextlib.suppress(ImportError):
        mode.loop.use("uvloop")


TRANSPORTS[SCHEME] = f"{__name__}:Transport"
