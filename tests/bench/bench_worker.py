"""How many events a second one worker takes from the embedded broker to rows in ClickHouse.

    python tests/bench/bench_worker.py [--events 1000000] [--runs 3]

The broker and the producer run here, `maalstrom worker` with an embedded ClickHouse in a process of its own. The events
are made beforehand; the producer stays a little ahead of the worker, since the embedded broker keeps 5 MiB a partition.
The time runs from the first record to the last one's figures being in ClickHouse, which takes a flush of a second or
less beyond the last record; `worked on` leaves that out. CPU is that of the worker's processes, all threads.
"""

import argparse
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from confluent_kafka import Producer

from streams import simulate
from streams.core.columns.murmur2 import partitions_of
from streams.embedded.broker import EmbeddedBroker
from streams.kafka.topics import Layout, specification

PARTITIONS = 4
AHEAD = 38_000
TOPICS = tuple(spec.name for spec in specification(Layout(partitions=PARTITIONS)))
SECONDS_MAX = 120.0
ASK_AGAIN = 0.1  # s


Records = list[tuple[str, int, bytes]]  # topic, partition, value


class Result(NamedTuple):
    """Events a second until worked on, and until in ClickHouse; CPU microseconds an event."""

    worked: float
    written: float
    cpu: float


class Worker:
    """A `maalstrom worker` process and what its web port says."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._web = f"http://127.0.0.1:{probe.getsockname()[1]}"
        environment = os.environ | {
            "BROKER_URL": f"kafka://{bootstrap}",
            "WEB_PORT": self._web.rsplit(":", 1)[1],
            "MAALSTROM_CATALOGUE": str(folder / "catalogue.toml"),
            "MAALSTROM_CLICKHOUSE": f"chdb://{folder / 'clickhouse'}",
            "MAALSTROM_DATADIR": str(folder / "faust"),
            "MAALSTROM_DECLARE_TOPICS": "0",
            "MAALSTROM_RETENTION": "3650d",
            "MAALSTROM_TOKEN_KEY": secrets.token_hex(16),
        }
        log = (folder / "worker.log").open("wb")
        self.process = subprocess.Popen([sys.executable, "-m", "streams", "worker"], env=environment, stderr=log)

    def wait_until_ready(self, deadline: float) -> None:
        """Return when it is, or at the deadline (monotonic)."""
        while self.ask("/ready").strip() != "ready" and time.monotonic() < deadline:
            time.sleep(0.1)

    def ask(self, path: str) -> str:
        try:
            with urlopen(self._web + path, timeout=5) as answer:
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""

    def total(self, metric: str) -> int:
        return int(
            sum(
                float(n)
                for n in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", self.ask(f"/metrics?name[]={metric}"), re.M)
            )
        )

    def cpu(self) -> float:
        return sum(map(_cpu, (self.process.pid, *_children(self.process.pid))))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def simulated(events: int) -> Records:
    """A month of so many events, each in the partition of its key."""
    made = list(simulate.generate(simulate.Scenario(events=events)))
    places = partitions_of([(record.key or "none").encode() for record in made], PARTITIONS).tolist()
    return [(record.topic, place, record.value) for record, place in zip(made, places, strict=True)]


def feed(bootstrap: str, records: Records, worker: Worker, deadline: float) -> None:
    settings = {"bootstrap.servers": bootstrap, "linger.ms": 100, "batch.size": 1_000_000}
    producer = Producer(settings | {"queue.buffering.max.messages": 2 * AHEAD})
    done = 0
    for sent, (topic, partition, value) in enumerate(records):
        producer.produce(topic, value, b"key", partition)
        if sent % 1000 == 0:
            producer.poll(0)
            while sent - done > AHEAD and time.monotonic() < deadline:
                producer.poll(ASK_AGAIN)
                done = worker.total("maalstrom_events_total")
    producer.flush(30)


def run_once(records: Records, folder: Path) -> Result:
    with EmbeddedBroker(dict.fromkeys(TOPICS, PARTITIONS)) as broker:
        worker = Worker(folder, broker.bootstrap)
        try:
            deadline = time.monotonic() + SECONDS_MAX
            worker.wait_until_ready(deadline)
            started, cpu = time.monotonic(), worker.cpu()
            feed(broker.bootstrap, records, worker, deadline)
            while worker.total("maalstrom_events_total") < len(records) and time.monotonic() < deadline:
                time.sleep(0.1)
            worked = time.monotonic() - started
            flushes = worker.total("maalstrom_sink_flush_seconds_count")
            while worker.total("maalstrom_sink_flush_seconds_count") < flushes + 1 and time.monotonic() < deadline:
                time.sleep(0.1)
            seconds, used = time.monotonic() - started, worker.cpu() - cpu
        finally:
            worker.process.terminate()
            worker.process.wait(30)
    return Result(len(records) / worked, len(records) / seconds, used / len(records) * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    records = simulated(options.events)
    results = []
    for run in range(options.runs):
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "catalogue.toml").write_text(simulate.catalogue_text())
            results.append(run_once(records, Path(name)))
            print(f"run {run + 1}: {results[-1].worked:,.0f} events/s worked on, {results[-1].written:,.0f} written")
    median = Result(*(statistics.median(column) for column in zip(*results, strict=True)))
    print(
        f"median {median.worked:,.0f} events/s worked on, {median.written:,.0f} to ClickHouse, "
        f"{median.cpu:.1f} us CPU an event"
    )


if __name__ == "__main__":
    main()
