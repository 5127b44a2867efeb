"""How many events a second one worker takes from the embedded broker, and what each costs.

    python tests/bench/bench_transport.py [--events 400000] [--runs 3] [--compression none]

The broker and the producer run here, the worker in a process of its own. The producer stays only a little ahead of the
worker, since the embedded broker forgets what exceeds 5 MiB a partition. Two agents: `count` only counts records,
`journal` decodes each and appends a segment a batch. CPU is that of the whole worker process, all threads, from its
first batch on.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

PARTITIONS = 4
TOPICS = ("engagement", "checkout")
#: Records that the producer may be ahead of the worker in one partition: below the 5 MiB that the broker keeps.
AHEAD = 10_000
SECONDS_MAX = 120.0


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


class Progress:
    """Records taken, one counter a partition, in a file that both processes map."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.taken = memoryview(self._map).cast("q")


def example_event(number: int) -> bytes:
    """A Segment envelope of about 450 bytes."""
    user = number * 2654435761 % 1_000_000
    return json.dumps(
        {
            "type": "track",
            "event": "Social Interaction",
            "messageId": f"7b0d5a4e-7f1b-4c39-9d52-{number:012d}",
            "timestamp": f"2026-11-01T12:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1000:03d}Z",
            "userId": f"user-{user:07d}",
            "anonymousId": f"anon-{zlib.crc32(str(user).encode()):08x}",
            "context": {
                "campaign": {"id": f"autumn-{number % 7}", "name": "Autumn in the shop", "source": "facebook"},
                "consent": {"categoryPreferences": {"advertising": True}},
                "ip": "203.0.113.7",
                "locale": "nb-NO",
            },
            "properties": {"action": "click", "network": "facebook", "target": f"post-{number % 997}"},
        }
    ).encode()


def run_worker(mode: str) -> None:
    """The worker process: report CPU and time between the first and the last batch."""
    import faust
    from faust.types import StreamT

    from streams.core.segment import SegmentKey
    from streams.journal import Journal
    from streams.transport import Batch, tune_gc, use_uvloop

    use_uvloop()
    tune_gc()
    bootstrap = os.environ["BENCH_BOOTSTRAP"]
    expected = int(os.environ["BENCH_EVENTS"])
    taken = Progress(Path(os.environ["BENCH_PROGRESS"])).taken
    app = faust.App(
        "bench",
        broker=f"kafka://{bootstrap}",
        broker_consumer=f"batch://{bootstrap}",
        autodiscover=False,
        datadir=os.environ["BENCH_DATA"],
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        stream_recovery_delay=0.0,
        consumer_max_fetch_size=4 * 1024 * 1024,
    )
    journal = Journal(app)
    decode = msgspec.json.Decoder(Event).decode
    encode = msgspec.msgpack.Encoder().encode
    sequence = batches = total = 0
    started = cpu = 0.0

    async def count(batch: Batch) -> None:
        pass

    async def decode_and_store(batch: Batch) -> None:
        nonlocal sequence
        columns = [(event.messageId, event.timestamp) for event in (decode(r.value) for r in batch.records)]
        sequence += 1
        value = zlib.compress(encode(columns), 1)[:400_000]
        await journal.append(batch.partition, SegmentKey(0, 1, sequence), value)

    handle = {"count": count, "journal": decode_and_store}[mode]

    async def work(stream: StreamT[Batch]) -> None:
        nonlocal total, batches, started, cpu
        async for event in stream.noack().events():
            if not total:
                started, cpu = time.perf_counter(), time.process_time()
            batch = event.value
            await handle(batch)
            event.ack()
            total += len(batch.records)
            batches += 1
            taken[TOPICS.index(batch.topic) * PARTITIONS + batch.partition] += len(batch.records)
            if total >= expected:
                seconds = time.perf_counter() - started
                print(json.dumps([total, batches, seconds, time.process_time() - cpu]), file=output, flush=True)

    for name in TOPICS:
        app.agent(app.topic(name, key_type=bytes, value_serializer="raw"), name=name)(work)

    @app.timer(0.5)
    async def commit() -> None:
        await app.consumer.commit_now()

    output = os.fdopen(os.dup(1), "w")
    faust.Worker(app, loglevel="warn", redirect_stdouts=False).execute_from_commandline()


@dataclass(frozen=True)
class Result:
    """One run: events a second, CPU microseconds an event, records a batch."""

    rate: float
    cpu: float
    batch: float


def feed(bootstrap: str, events: int, compression: str, progress: Progress, worker: subprocess.Popen[str]) -> None:
    """Produce `events` records, one in fifty to checkout, never far ahead of the worker."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": compression,
            "linger.ms": 100,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    values = [example_event(number) for number in range(20_000)]
    sent = [0] * (PARTITIONS * len(TOPICS))
    deadline = time.monotonic() + SECONDS_MAX
    for number in range(events):
        slot = number % PARTITIONS + (PARTITIONS if number % 50 == 0 else 0)
        while sent[slot] - progress.taken[slot] >= AHEAD:
            producer.poll(0.001)
            if worker.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the worker stopped or is too slow")
        producer.produce(TOPICS[slot // PARTITIONS], values[number % 20_000], b"user", partition=slot % PARTITIONS)
        sent[slot] += 1
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush(30)


def run_once(mode: str, events: int, compression: str) -> Result:
    """Start a broker and a worker, feed it, and take what it measured."""
    from streams.embedded.broker import EmbeddedBroker

    topics = dict.fromkeys((*TOPICS, "bench-journal-changelog"), PARTITIONS)
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(topics) as broker:
        path = Path(folder) / "progress"
        path.write_bytes(bytes(8 * PARTITIONS * len(TOPICS)))
        environment = os.environ | {
            "BENCH_BOOTSTRAP": broker.bootstrap,
            "BENCH_EVENTS": str(events),
            "BENCH_PROGRESS": str(path),
            "BENCH_DATA": folder,
        }
        command = [sys.executable, __file__, "--worker", mode]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
            try:
                feed(broker.bootstrap, events, compression, Progress(path), worker)
                assert worker.stdout is not None
                # Faust prints to standard output too.
                line = next(line for line in worker.stdout if line.startswith("["))
                total, batches, seconds, cpu = json.loads(line)
            finally:
                worker.terminate()
                worker.wait(30)
    return Result(total / seconds, cpu / total * 1e6, total / batches)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--modes", nargs="+", default=["count", "journal"])
    parser.add_argument("--compression", default="none", choices=["none", "gzip", "snappy", "lz4", "zstd"])
    options = parser.parse_args()
    if options.worker:
        run_worker(options.worker)
        return
    for mode in options.modes:
        results = [run_once(mode, options.events, options.compression) for _ in range(options.runs)]
        rates, cpus, sizes = ([getattr(r, name) for r in results] for name in ("rate", "cpu", "batch"))
        print(
            f"{mode:8} {statistics.median(rates):9,.0f} events/s ({min(rates):,.0f} to {max(rates):,.0f})"
            f"  {statistics.median(cpus):5.2f} us CPU an event  {statistics.median(sizes):7.0f} records a batch"
        )


if __name__ == "__main__":
    main()
