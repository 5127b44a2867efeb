"""The driver's thread: aiokafka's consumer, which fetches and commits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import cast

import aiokafka
from aiokafka import errors
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.sources.kafka.batch import MAX_BATCH_RECORDS
from streams.sources.kafka.missing_topics import ask_again
from streams.sources.kafka.records import Record, Unread

# A broker holds a fetch without data this long, and aiokafka sends it no other meanwhile: a long wait for an idle
# partition would stall the busy ones.
_FETCH_MAX_WAIT_MS = 100
_COMMIT_TIMEOUT_SECONDS = 10.0
#: A worker's generation while its group shares out partitions; Kafka's are not negative.
NO_GENERATION = -1

Fetched = dict[TopicPartition, list[Record]]


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The driver's thread, with commits that are tried once and fetches that mind a rebalance."""

    async def on_start(self) -> None:
        """Start aiokafka's consumer, which has fetched nothing yet."""
        await super().on_start()
        self._ensure_consumer()._fetcher._records = Unread(self._is_source)

    def _is_source(self, tp: TopicPartition) -> bool:
        return tp.topic not in self.app.tables.changelog_topics

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS
        # aiokafka would go on elsewhere without a word where an offset is gone; `_fetch` sees to it instead.
        consumer._auto_offset_reset = "none"
        consumer._max_poll_records = self.most_records
        ask_again(consumer)
        return consumer

    @property
    def most_records(self) -> int:
        """How many records a fetch, and a batch, may have."""
        return self.app.conf.broker_max_poll_records or MAX_BATCH_RECORDS

    async def on_thread_stop(self) -> None:
        """Stop aiokafka's consumer, which cancels itself if a fetch just failed; the thread would then never end."""
        with contextlib.suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    def close(self) -> None:
        """Leave the consumer as it is in a rebalance while the worker stops: its own thread stops it soon.

        Faust's own closes its connections in the thread of the agents, under the hands of uvloop, which crashes then.
        """

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Be of no generation until the next one is known: what was fetched, or restored, for the last is of no use."""
        self.app.consumer_generation_id = NO_GENERATION
        await super().on_partitions_revoked(revoked)

    async def fetch(self, partitions: set[TP], timeout: float) -> tuple[int, Fetched]:
        """Records of these partitions, waiting at most `timeout` seconds for the first, and the group's generation.

        Raises:
            errors.OffsetOutOfRangeError: the next record of a source partition is gone; it maps the one to the other.
        """
        result: tuple[int, Fetched]
        result = await self.call_thread(self._fetch, partitions, timeout)
        return result

    async def _fetch(self, partitions: set[TP], timeout: float) -> tuple[int, Fetched]:
        consumer = self._ensure_consumer()
        try:
            fetched = await self._fetch_records(consumer, partitions, timeout, consumer._max_poll_records)
        except errors.NoOffsetForPartitionError as error:
            self._begin(error.args[0])
            return self.app.consumer_generation_id, {}
        except errors.OffsetOutOfRangeError as error:
            (tp,) = error.args[0]
            if tp.topic not in self.app.tables.changelog_topics:
                raise
            self._begin(tp)  # it was compacted meanwhile
            return self.app.consumer_generation_id, {}
        # A fetch that waited through a rebalance takes records of the new assignment. Of sources nobody may see them
        # before recovery is complete, and Faust would not come back to them where nothing was ever committed. Those of
        # a changelog it would drop while it gets ready to read, and restore without them.
        for tp in [tp for tp in fetched if not self._may_hand_out(tp)]:
            consumer.seek(tp, fetched.pop(tp)[0].offset)
        return self.app.consumer_generation_id, fetched

    def _may_hand_out(self, tp: TopicPartition) -> bool:
        flows: bool = self.consumer.flow_active
        return flows and not (self.app.rebalancing and self._is_source(tp))

    def _begin(self, tp: TopicPartition) -> None:
        """Read a partition from where the configuration says: nothing of it was ever committed."""
        strategy = OffsetResetStrategy.from_str(self.app.conf.consumer_auto_offset_reset)
        assignment = self._ensure_consumer()._subscription.subscription.assignment
        if tp in assignment.tps:
            assignment.state_value(tp).await_reset(strategy)

    async def committed(self, tp: TP) -> int | None:
        """The group's committed offset, None where there is none."""
        offset: int | None = await self.call_thread(self._ensure_consumer().committed, TopicPartition(*tp))
        return offset

    async def try_commit(self, offsets: Mapping[TP, int], generation: int) -> bool:
        """Commit once, as a member of that generation; False unless the coordinator accepted all of it. Without offsets
        the coordinator is only asked whether it knows the member.

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
            if not offsets:
                return cast(bool, await coordinator._do_heartbeat())
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
