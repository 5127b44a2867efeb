"""The worker process of `bench_transport.py`: takes all events and says how long that took, and how much CPU.

Its two modes: `count` only counts records, `journal` decodes each and appends a segment a batch.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import faust
import msgspec
from faust.types import StreamT

from streams.core.journal.segment import SegmentKey
from streams.sources.kafka import RecordBatch, use_uvloop
from streams.sources.kafka.records import Record
from streams.worker.journal import Journal
from streams.worker.ledgers.processes import tune_gc
from tests.bench.transport.progress import PARTITIONS, TOPICS, Progress
from tests.support.worker.batch_app import batch_app


class Properties(msgspec.Struct):
    action: str
    network: str
    target: str | None = None


class Campaign(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class Context(msgspec.Struct):
    campaign: Campaign | None = None


class Event(msgspec.Struct):
    type: str
    event: str
    messageId: str  # noqa: N815
    timestamp: str
    properties: Properties
    context: Context | None = None
    userId: str | None = None  # noqa: N815
    anonymousId: str | None = None  # noqa: N815


class Meter:
    """Wall-clock and CPU seconds of this process from the first batch to the last."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._records = self._batches = 0
        self._wall = self._cpu = 0.0

    def begin(self) -> None:
        """Before a batch."""
        if not self._batches:
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    def end(self, records: int) -> None:
        """After a batch; the last one has the result printed."""
        self._records += records
        self._batches += 1
        if self._records >= self._expected:
            wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
            print(json.dumps([self._records, self._batches, wall, cpu]), flush=True)


async def count(batch: RecordBatch, records: Sequence[Record]) -> None:
    """Do nothing with it."""


decode = msgspec.json.Decoder(Event).decode
encode = msgspec.msgpack.Encoder().encode


async def store(batch: RecordBatch, records: Sequence[Record]) -> None:
    """Decode every record; a segment has two columns of it."""
    events = [decode(record.value or b"") for record in records]
    value = zlib.compress(encode([(event.messageId, event.timestamp) for event in events]), 1)
    await journal.append(batch.partition, SegmentKey(0, 1, batch.next_offset), value[:400_000])


async def work(stream: StreamT[RecordBatch]) -> None:
    """The agent of both topics."""
    async for event in stream.noack().events():
        meter.begin()
        batch = event.value
        records = batch.take()
        await handle(batch, records)
        event.ack()
        taken[TOPICS.index(batch.topic) * PARTITIONS + batch.partition] += len(records)
        meter.end(len(records))


use_uvloop()
tune_gc()
bootstrap = os.environ["BENCH_BOOTSTRAP"]
taken = Progress(Path(os.environ["BENCH_PROGRESS"])).taken
meter = Meter(int(os.environ["BENCH_EVENTS"]))
app = batch_app(
    "bench", bootstrap, os.environ["BENCH_DATA"], web_enabled=False, consumer_max_fetch_size=4 * 1024 * 1024
)
journal = Journal(app)
for name in TOPICS:
    app.agent(app.topic(name, key_type=bytes, value_serializer="raw"), name=name)(work)


async def commit() -> None:
    await app.consumer.commit_now()


app.timer(0.5)(commit)


if __name__ == "__main__":
    handle = {"count": count, "journal": store}[sys.argv[1]]
    faust.Worker(app, loglevel="warn", redirect_stdouts=False).execute_from_commandline()
