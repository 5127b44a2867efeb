"""How many events a second one worker takes from the embedded broker, and what each costs.

    python -m tests.bench.transport.bench_transport [--events 400000] [--runs 3] [--compression none]

The broker and the producer run here, the worker in a process of its own. The producer stays only a little ahead of the
worker, since the embedded broker forgets what exceeds 5 MiB a partition. Two agents: `count` only counts records,
`journal` decodes each and appends a segment a batch. CPU is that of the whole worker process, all threads, from its
first batch on.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Producer

from streams.embedded.broker import EmbeddedBroker
from tests.bench.transport.progress import PARTITIONS, TOPICS, Progress

#: Records that the producer may be ahead of the worker in one partition: below the 5 MiB that the broker keeps.
AHEAD = 10_000
SECONDS_MAX = 120.0


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


@dataclass(frozen=True)
class Result:
    """One run: events a second, CPU microseconds an event, records a batch."""

    rate: float
    cpu: float
    batch: float


def feed(bootstrap: str, events: int, compression: str, progress: Progress, worker: subprocess.Popen[str]) -> None:
    """Produce `events` records, one in fifty to checkout, never far ahead of the worker."""
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
        command = [sys.executable, "-m", "tests.bench.transport.transport_worker", mode]
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
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--modes", nargs="+", default=["count", "journal"])
    parser.add_argument("--compression", default="none", choices=["none", "gzip", "snappy", "lz4", "zstd"])
    options = parser.parse_args()
    for mode in options.modes:
        results = [run_once(mode, options.events, options.compression) for _ in range(options.runs)]
        rates, cpus, sizes = ([getattr(r, name) for r in results] for name in ("rate", "cpu", "batch"))
        print(
            f"{mode:8} {statistics.median(rates):9,.0f} events/s ({min(rates):,.0f} to {max(rates):,.0f})"
            f"  {statistics.median(cpus):5.2f} us CPU an event  {statistics.median(sizes):7.0f} records a batch"
        )


if __name__ == "__main__":
    main()
