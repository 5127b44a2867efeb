"""A minimal worker: how an app composes the transport and the journal. Tests run it as a process of its own.

Per partition it keeps how many records it saw of each topic; one segment a batch carries the counts and the offset.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict

import faust
from faust.types import StreamT

from streams.core.segment import SegmentKey
from streams.journal import Journal
from streams.transport import Batch, use_uvloop

use_uvloop()

# Faust's command line turns what is printed into log lines.
output = os.fdopen(os.dup(1), "w")
BOOTSTRAP = os.environ["TEST_BOOTSTRAP"]

app = faust.App(
    os.environ.get("TEST_GROUP", "worker-app"),
    broker=f"kafka://{BOOTSTRAP}",
    broker_consumer=f"batch://{BOOTSTRAP}",
    autodiscover=False,
    datadir=os.environ["TEST_DATADIR"],
    topic_allow_declare=False,
    topic_disable_leader=True,
    topic_partitions=int(os.environ.get("TEST_PARTITIONS", "2")),
    table_standby_replicas=0,
    web_enabled=False,
    stream_recovery_delay=0.0,
    consumer_max_fetch_size=4 * 1024 * 1024,
)
journal = Journal(app)
topics = [app.topic(name, key_type=bytes, value_serializer="raw") for name in ("engagement", "checkout")]

State = dict[str, int]
states: defaultdict[int, State] = defaultdict(State)
sequences: defaultdict[int, int] = defaultdict(int)


def say(event: str, **fields: object) -> None:
    """One line of JSON on standard output, for the test that runs this."""
    print(json.dumps({"event": event, **fields}), file=output, flush=True)


@journal.on_restored
async def restore(partitions: set[int]) -> None:
    states.clear()
    sequences.clear()
    for partition in partitions:
        for key, value in journal.segments(partition):
            states[partition] = json.loads(value)
            sequences[partition] = key.sequence
        journal.forget(partition)
    say("restored", partitions=sorted(partitions), states={p: states[p] for p in sorted(partitions) if states[p]})


async def apply(batch: Batch) -> None:
    state = states[batch.partition]
    seen = state.get(f"{batch.topic}.next", 0)
    new = [record for record in batch.records if record.offset >= seen]
    if not new:
        return
    state[batch.topic] = state.get(batch.topic, 0) + len(new)
    state[f"{batch.topic}.next"] = batch.next_offset
    sequences[batch.partition] += 1
    key = SegmentKey(0, 1, sequences[batch.partition])
    await journal.append(batch.partition, key, json.dumps(state).encode())


async def work(stream: StreamT[Batch]) -> None:
    async for event in stream.noack().events():
        batch = event.value
        await apply(batch)
        event.ack()
        say("batch", topic=batch.topic, partition=batch.partition, offsets=[r.offset for r in batch.records])


for topic in topics:
    app.agent(topic, name=topic.get_topic_name())(work)


@app.timer(0.2)
async def commit() -> None:
    if not await app.consumer.commit_now():
        say("refused")
