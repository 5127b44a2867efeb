"""How long after its production an event's figures are in ClickHouse, at a given rate of events.

    python -m tests.bench.bench_latency [--rate 20000] [--seconds 30] [--runs 3]

The broker and the producer run here, `maalstrom worker` with an embedded ClickHouse in a process of its own, flushing
every second as it does by default. The times are the worker's own `maalstrom_end_to_end_seconds`: from the timestamp
of a batch's oldest record to ClickHouse having acknowledged its rows, one observation a batch. A quantile is the upper
bound of its bucket, so the truth is at or below it.
"""

import argparse
import re
import statistics
import tempfile
import time
from pathlib import Path

from confluent_kafka import Producer

from streams import simulate
from streams.embedded.broker import EmbeddedBroker
from tests.bench.bench_worker import PARTITIONS, TOPICS, Records, Worker, simulated

BEAT = 0.01  # s between portions of the producer
PATIENCE = 30.0  # s
BUCKET = re.compile(r'^maalstrom_end_to_end_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


def feed(bootstrap: str, records: Records, rate: int) -> None:
    """Produce evenly; a portion that comes late is not caught up at once by more than the next beat."""
    # The embedded broker hands out one of the producer's batches a fetch: small ones would measure that.
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50})
    started = time.monotonic()
    for sent, (topic, partition, value) in enumerate(records):
        producer.produce(topic, value, b"key", partition)
        while sent > (time.monotonic() - started) * rate:
            producer.poll(BEAT)
    producer.flush(PATIENCE)


def quantile(metrics: str, share: float) -> float:
    """The upper bound of the bucket in which that share of the observations ends, s."""
    buckets = [(float(bound), float(count)) for bound, count in BUCKET.findall(metrics)]
    wanted = share * buckets[-1][1]
    return next(bound for bound, count in buckets if count >= wanted)


def run_once(records: Records, rate: int, folder: Path) -> tuple[float, float]:
    """The median and the 99th percentile, s."""
    with EmbeddedBroker(dict.fromkeys(TOPICS, PARTITIONS)) as broker:
        worker = Worker(folder, broker.bootstrap)
        try:
            worker.wait_until_ready(time.monotonic() + PATIENCE)
            feed(broker.bootstrap, records, rate)
            deadline = time.monotonic() + PATIENCE
            while worker.total("maalstrom_events_total") < len(records) and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(3)  # a flush that is under way, and the next one
            metrics = worker.ask("/metrics")
        finally:
            worker.process.terminate()
            worker.process.wait(30)
    return quantile(metrics, 0.5), quantile(metrics, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    records = simulated(options.rate * options.seconds)
    results = []
    for run in range(options.runs):
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "catalogue.toml").write_text(simulate.catalogue_text())
            results.append(run_once(records, options.rate, Path(name)))
            print(f"run {run + 1}: median {results[-1][0]:.2f} s, 99 % {results[-1][1]:.2f} s at most")
    median, worst = (statistics.median(column) for column in zip(*results, strict=True))
    print(f"medians: {median:.2f} s, 99 % within {worst:.2f} s, at {options.rate:,} events a second")


if __name__ == "__main__":
    main()
