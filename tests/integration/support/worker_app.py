"""A minimal worker: how an app composes the transport and the journal. Tests run it as a process of its own.

Per partition it counts the records of each topic; one segment a batch carries the counts and the source offsets. It
says what it does on standard output, a line of JSON each.
"""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from faust.types import StreamT

from streams.core.journal.segment import SegmentKey
from streams.sources.kafka import RecordBatch, consumer, use_uvloop
from streams.sources.kafka.records import Record
from streams.worker.journal import Journal
from streams.worker.ledgers.processes import tune_gc
from tests.support.worker.batch_app import batch_app

use_uvloop()
tune_gc()
consumer.MAX_PENDING_BYTES = int(os.environ["TEST_PENDING_BYTES"])

# Faust's command line turns what is printed into log lines.
output = os.fdopen(os.dup(1), "w")
bootstrap, group = os.environ["TEST_BOOTSTRAP"], os.environ["TEST_GROUP"]
#: While this file exists, agents keep what they work on.
gate = Path(os.environ["TEST_DATADIR"]) / "gate"
session_timeout = float(os.environ["TEST_SESSION_TIMEOUT"])

app = batch_app(
    group,
    bootstrap,
    os.environ["TEST_DATADIR"],
    broker_max_poll_records=500,
    broker_session_timeout=session_timeout,
    broker_heartbeat_interval=session_timeout / 6,
    broker_max_poll_interval=session_timeout,
)
journal = Journal(app)
states: defaultdict[int, dict[str, int]] = defaultdict(dict)
sequences: defaultdict[int, int] = defaultdict(int)
unflushed: list[RecordBatch] = []


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), file=output, flush=True)


@journal.on_restored
async def restore(partitions: set[int]) -> None:
    states.clear()
    sequences.clear()
    segments = {p: len(found) for p in range(app.conf.topic_partitions) if (found := list(journal.segments(p)))}
    for partition in partitions:
        for key, value in journal.segments(partition):
            states[partition], sequences[partition] = json.loads(value), key.sequence
        journal.forget(partition)
    say("restored", partitions=sorted(partitions), segments=segments, states=states)


async def apply(batch: RecordBatch, records: Sequence[Record]) -> None:
    state = states[batch.partition]
    covered = state.get(f"{batch.topic}-next", 0)
    new = [record for record in records if record.offset >= covered]
    state[batch.topic] = state.get(batch.topic, 0) + len(new)
    state[f"{batch.topic}-next"] = batch.next_offset
    sequences[batch.partition] += 1
    key = SegmentKey(0, 1, sequences[batch.partition])
    await journal.append(batch.partition, key, json.dumps(state).encode())
    old = [SegmentKey(0, 1, key.sequence - 5)] if key.sequence > 5 else []
    await journal.remove(batch.partition, old)


async def work(stream: StreamT[RecordBatch]) -> None:
    async for event in stream.noack().events():
        batch = event.value
        records = batch.take()
        await apply(batch, records)
        say(
            "batch",
            topic=batch.topic.removeprefix(f"{group}-"),
            partition=batch.partition,
            offsets=[record.offset for record in records],
            digest=zlib.crc32(repr([(r.key, r.value, tuple(r.headers)) for r in records]).encode()),
        )
        while gate.exists():
            await asyncio.sleep(0.02)
        event.ack()
        unflushed.append(batch)


for name in ("engagement", "checkout"):
    app.agent(app.topic(f"{group}-{name}", key_type=bytes, value_serializer="raw"), name=name)(work)


async def flush() -> None:
    """What may be written to a sink: the effects of batches whose offsets the coordinator has accepted."""
    accepted = await app.consumer.commit_now()
    trackers = app.consumer._offsets.values()
    flushed = [batch for batch in unflushed if batch.offsets.committed >= batch.next_offset]
    unflushed[:] = [batch for batch in unflushed if batch not in flushed]
    say(
        "flush",
        accepted=accepted,
        flushed=[[batch.topic.removeprefix(f"{group}-"), batch.partition, batch.next_offset] for batch in flushed],
        pending=max((offsets.pending for offsets in trackers), default=0),
        pending_bytes=sum(offsets.pending_bytes for offsets in trackers),
        lag=sum(app.consumer.lag().values()),
    )


app.timer(0.2)(flush)
