"""How long a worker takes to start and to stop, on a real Kafka with an empty state.

    python -m tests.bench.transport.bench_start [--runs 5]

A start is from the begin of the process until `/ready` says yes, a stop from SIGTERM until it has ended. The topics and
the tables are there; the first start of all, which makes the tables, does not count. The broker does not wait for more
members of a group (`group.initial.rebalance.delay.ms=0`); with the default of Kafka it is 3 s more. Needs Java.
"""

import argparse
import os
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from deploy.kafka.broker import cluster, free_ports
from streams import simulate
from streams.kafka.topics import Layout, create
from tests.integration.support.processes import Worker

PARTITIONS = 4


class Run(NamedTuple):
    """Seconds of a start and of a stop, and of CPU that both took together."""

    start: float
    stop: float
    cpu: float


def run(worker: Worker) -> Run:
    """Start it and stop it."""
    before, began = os.times(), time.monotonic()
    worker.start()
    while worker.get("/ready")[0] != 200:
        assert worker.running, worker.tail()
        time.sleep(0.01)
    ready = time.monotonic()
    time.sleep(1)
    stopping = time.monotonic()
    assert worker.terminate(timeout=60) == 0, worker.tail()
    ended, after = time.monotonic(), os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(ready - began, ended - stopping, cpu)


def runs(bootstrap: str, folder: Path, count: int) -> list[Run]:
    """So many starts and stops of one worker."""
    (folder / "catalogue.toml").write_text(simulate.catalogue_text())
    create(bootstrap, Layout(partitions=PARTITIONS))
    settings = {
        "BROKER_URL": f"kafka://{bootstrap}",
        "MAALSTROM_CATALOGUE": str(folder / "catalogue.toml"),
        "MAALSTROM_CLICKHOUSE": f"chdb://{folder / 'clickhouse'}",
        "MAALSTROM_DATADIR": str(folder / "data"),
        "MAALSTROM_TOKEN_KEY": secrets.token_hex(16),
    }
    worker = Worker(folder / "worker.log", free_ports(1)[0], settings)
    try:
        return [run(worker) for _ in range(count + 1)][1:]
    finally:
        worker.end()


def said(name: str, seconds: list[float]) -> str:
    """The median of those seconds, and their range."""
    return f"{name} {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    with cluster() as single, tempfile.TemporaryDirectory() as name:
        found = runs(single.brokers[0].bootstrap, Path(name), parser.parse_args().runs)
    print(", ".join(said(field, [getattr(each, field) for each in found]) for field in Run._fields))


if __name__ == "__main__":
    main()
