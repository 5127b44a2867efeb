"""Agents: each hands the batches of one topic on, partition by partition."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from faust.types import EventT, StreamT

from streams.agents.application import Application
from streams.agents.partition_queues import PartitionQueues
from streams.core.events.batch import Batch, telling
from streams.core.events.topics import FORWARDED
from streams.core.exchange.seal import Seal
from streams.sources.kafka import RecordBatch
from streams.sources.kafka.records import Record

Take = Callable[[Batch, Sequence[int], Callable[[], object]], Awaitable[None]]


def consume(
    app: Application, topic: str, take: Take, turns: Mapping[int, asyncio.Lock], seal: Seal, name: str = ""
) -> None:
    """An agent on the topic, called `name` in Kafka, that hands every batch on, those of a partition in turn,
    and acknowledges it when it is told to. What topics share `turns` is in turn too: until then a batch grows."""

    async def hand_on(event: EventT[RecordBatch]) -> None:
        # As Faust does with what waits in its own queue: it was fetched for an owner of before a rebalance.
        if event.message.generation_id != app.consumer_generation_id or not app.flow_control.is_active():
            return
        records = event.value.take()
        await take(_batch(topic, event.value, records, seal), [record.timestamp for record in records], event.ack)

    async def work(stream: StreamT[RecordBatch]) -> None:
        with app.crashes.noted(topic):
            async with PartitionQueues(hand_on, turns) as queues:
                async for event in stream.noack().events():
                    queues.put(event.value.partition, event)

    app.agent(app.topic(name or topic, key_type=bytes, value_serializer="raw"), name=topic)(work)


def _batch(topic: str, fetched: RecordBatch, records: Sequence[Record], seal: Seal) -> Batch:
    forwarded = records if topic == FORWARDED else ()
    origins = [seal.opened((fetched.partition, r.offset), r.headers, r.key, r.value) for r in forwarded]
    start, end = records[0].offset, fetched.next_offset
    offsets = range(start, end) if end - start == len(records) else [record.offset for record in records]
    columns = ([record.value for record in records], [record.key for record in records], offsets)
    headers = [telling(record.headers) for record in records] if any(record.headers for record in records) else ()
    return Batch(topic, *columns, fetched.partition, origins, headers if any(headers) else ())
