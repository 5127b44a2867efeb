"""Faust's consumer with batches instead of records, on the side of the agents."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from aiokafka.errors import OffsetOutOfRangeError
from faust.exceptions import ImproperlyConfigured
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.tuples import ack_lock
from mode.utils.futures import notify

from streams.core.events.continuity import Available
from streams.sources.kafka.batch import MAX_BATCH_BYTES, RecordBatch, cut
from streams.sources.kafka.offset_tracker import OffsetTracker
from streams.sources.kafka.records import Record
from streams.sources.kafka.recovery import Recovery
from streams.sources.kafka.thread import NO_GENERATION, ConsumerThread

#: One batch that an agent works on and one that waits for it, and grows meanwhile, keep the agent busy.
MAX_PENDING_BATCHES = 2
#: Fetched and not yet acknowledged, over all partitions.
MAX_PENDING_BYTES = 64 * 1024 * 1024

_ROOM_POLL_SECONDS = 0.05


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, which tracks batches instead of single records."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.in_transaction:
            raise ImproperlyConfigured("the batch transport has no transactions: unset PROCESSING_GUARANTEE")
        self.app.tables._recovery = Recovery(self.app, self.app.tables, beacon=self.beacon, loop=self.loop)
        self._offsets: dict[TP, OffsetTracker] = {}
        self._newest: dict[TP, RecordBatch] = {}
        self._generation = NO_GENERATION
        self._room = asyncio.Event()
        #: Awaited when the next record of a source partition is gone; the error maps the partition to its offset.
        self.on_out_of_range: Callable[[OffsetOutOfRangeError], Awaitable[None]] = self.crash

    async def commit_now(self) -> bool:
        """Commit all that is acknowledged; True when the group coordinator has accepted it.

        True also says that the coordinator counted this worker as a member just now, even if there was nothing to
        commit. False says that it may not: the partitions may belong to another worker, or the coordinator cannot be
        reached. What was computed must then have no effect outside; calling again later is safe.
        """
        wanted = [(offsets, offsets.acknowledged) for offsets in self._offsets.values()]
        if all(offsets.committed >= offset for offsets, offset in wanted):
            return await self._try_commit({})
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
            # With nothing pending, the position also passes what is no record: a transaction's end, a compacted tail.
            done = offsets.acknowledged if offsets and offsets.pending else self._thread.fetch_position(tp)
            end = self.highwater(tp)
            if done is not None and end is not None and not self._is_changelog_tp(tp):
                lags[tp] = max(0, end - done)
        return lags

    async def available(self, tps: Sequence[TP]) -> dict[TP, Available]:
        """What these partitions hold, and the group's offsets in them. Raises KafkaError."""
        earliest, *found = await asyncio.gather(
            self.earliest_offsets(*tps), *(self._thread.committed(tp) for tp in tps)
        )
        committed = dict(zip(tps, found, strict=True))
        ends = await self.highwaters(*tps)  # last: a commit made meanwhile cannot be beyond them
        return {tp: Available(earliest[tp], ends[tp], committed[tp]) for tp in tps}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _wait_next_records(self, timeout: float) -> tuple[dict[TP, list[Any]] | None, set[TP] | None]:
        """Faust's, as one that is alive: aiokafka leaves the group, for good, when nobody fetches for
        `broker_max_poll_interval`, and one without a partition, or without room, does not."""
        with self._thread.fetching():
            return cast(tuple[dict[TP, list[Any]] | None, set[TP] | None], await super()._wait_next_records(timeout))

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:
        changelogs = self.app.tables.changelog_topics
        wanted = self._fetchable(active_partitions or set(), changelogs)
        if not wanted:
            return await self._wait_for_room(timeout)
        if wanted != active_partitions:
            timeout = min(timeout, _ROOM_POLL_SECONDS)
        try:
            generation, fetched = await self._thread.fetch(wanted, timeout)
        except OffsetOutOfRangeError as error:
            await self.on_out_of_range(error)
            return {}
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
        return {tp for tp in active if self._has_room(tp)}

    def _has_room(self, tp: TP) -> bool:
        newest = self._newest.get(tp)
        return newest is None or newest.offsets.pending < MAX_PENDING_BATCHES or newest.may_grow(1)

    async def _wait_for_room(self, timeout: float) -> dict[TP, list[Any]]:
        self._room.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), min(timeout, _ROOM_POLL_SECONDS))
        return {}

    def _batches(self, tp: TP, records: list[Record]) -> Iterator[RecordBatch]:
        offsets = self._offsets.get(tp)
        if offsets is None:
            offsets = self._offsets[tp] = OffsetTracker(records[0].offset)
        for part, size in cut(records, MAX_BATCH_BYTES):
            newest = self._newest.get(tp)
            if newest and newest.may_grow(len(part), size):
                newest.grow(part, size)  # an agent that is behind catches up with few large batches
            else:
                self._newest[tp] = RecordBatch(tp, part, size, offsets, self._thread.most_records)
                yield self._newest[tp]

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, RecordBatch):
            return super()._to_message(tp, record)
        last = record.last
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
        if not isinstance(batch, RecordBatch):
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

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's look for what stands still. Where nothing waits to be committed it is at the fetching alone."""
        offsets = self._offsets.get(tp)
        if offsets and (offsets.pending or offsets.committable):
            self._thread.verify_event_path(now, tp)
        else:
            self._thread.tp_last_committed_at[tp] = now
            self._thread.verify_recovery_event_path(now, tp)

    def _filter_tps_with_pending_acks(self, topics: Iterable[str | TP] | None = None) -> Iterator[TP]:
        return (tp for tp in list(self._offsets) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        offsets = self._offsets.get(tp)
        return offsets.committable if offsets else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need no care here: a batch covers those before and inside it."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        owned = {tp: self._offsets[tp] for tp in offsets if tp in self._offsets}
        accepted = await self._try_commit(offsets)
        if accepted:
            for tp, tracker in owned.items():
                tracker.committed = offsets[tp]
                self._thread.tp_last_committed_at[tp] = time.monotonic()
            self._committed_offset.update(offsets)
            self.app.monitor.on_tp_commit(offsets)
        return accepted

    async def _try_commit(self, offsets: Mapping[TP, int]) -> bool:
        return cast(bool, await self._thread.call_thread(self._thread.try_commit, offsets, self._generation))

    async def on_task_error(self, exc: BaseException) -> None:
        """Stop the worker, and until then hand out nothing: a batch whose agent failed is never acknowledged, and what
        follows it must not be worked on without it."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        await self.crash(exc)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let agents finish if `stream_wait_empty` says so, commit what is done, and forget these partitions."""
        await super().on_partitions_revoked(revoked)
        await self.commit()
        for tp in revoked:
            self._offsets.pop(tp, None)
            self._newest.pop(tp, None)
            if self._is_changelog_tp(tp):
                self.app.tables.recovery.revoke(tp)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start with no batches, as a member of a new generation."""
        self._offsets.clear()
        self._newest.clear()
        self._generation = generation_id
        await super().on_partitions_assigned(assigned, generation_id)
