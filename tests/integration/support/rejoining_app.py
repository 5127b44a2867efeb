"""A worker whose group shares out its partitions again and again, also while its journal is read. Tests run it as a
process of its own: it says of each round how many segments every restored partition had when streams could go on."""

from __future__ import annotations

import asyncio
import os
import random

from faust.types import StreamT

from streams.core.journal.segment import SegmentKey
from streams.sources.kafka import RecordBatch, use_uvloop
from streams.worker.journal import Journal
from tests.support.worker.batch_app import batch_app

PARTITIONS, SEGMENTS, ROUNDS = 2, 60, 25

use_uvloop()
output = os.fdopen(os.dup(1), "w")  # Faust's command line turns what is printed into log lines
bootstrap, group = os.environ["TEST_BOOTSTRAP"], os.environ["TEST_GROUP"]
app = batch_app(group, bootstrap, os.environ["TEST_DATADIR"], topic_partitions=PARTITIONS, web_enabled=False)
journal = Journal(app)
found: list[tuple[int, dict[int, int]]] = []


@journal.on_restored
async def restored(partitions: set[int]) -> None:
    """Note how many segments each partition has, in which generation."""
    found.append((app.consumer_generation_id, {p: sum(1 for _ in journal.segments(p)) for p in sorted(partitions)}))


async def work(stream: StreamT[RecordBatch]) -> None:
    """Have a source, without which a group has nothing to share out."""
    async for event in stream.noack().events():
        event.ack()


async def settled() -> dict[int, int]:
    """What was restored last, once streams have gone on after it and have for a moment."""
    calm = 0
    while calm < 3:
        await asyncio.sleep(0.05)
        goes_on = not app.rebalancing and app.consumer.flow_active and app.tables.actives_ready
        calm = calm + 1 if goes_on and found and found[-1][0] == app.consumer_generation_id else 0
    return found[-1][1]


def share_out() -> None:
    """Have the group share out its partitions once more."""
    thread = app.consumer._thread
    thread.thread_loop.call_soon_threadsafe(thread._consumer._coordinator.request_rejoin)


async def rounds() -> None:
    """Fill the journal, and share out now and then, most often before the last recovery is complete."""
    await settled()
    for partition in range(PARTITIONS):
        for sequence in range(SEGMENTS):
            await journal.append(partition, SegmentKey(0, 1, sequence), b"x" * 50_000)
    chance = random.Random(1)
    for _ in range(ROUNDS):
        found.clear()
        for _ in range(chance.choice([1, 2, 2, 2, 3, 4])):
            share_out()
            await asyncio.sleep(0.8 * chance.random() ** 2)
        print(*(await settled()).values(), file=output, flush=True)
    os._exit(0)


app.agent(app.topic(f"{group}-source", key_type=bytes, value_serializer="raw"))(work)
app.task(rounds)
app.main()
