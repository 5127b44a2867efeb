"""How long a worker takes to restore ten million touches from the journal on a real Kafka, on an empty disk.

    python -m tests.bench.bench_restore [--touches 10000000]

The journal is written here, in segments as a worker writes them: of 8192 touches, whose message ids are UUIDs, five a
user. The time runs from the start of the process until `/ready` says yes; that of a worker whose journal is empty is
given beside it. Needs Java 17 and Maven.
"""

import argparse
import secrets
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cramjam
import numpy as np
from confluent_kafka import Producer

from deploy.kafka.broker import cluster, free_ports
from streams import simulate
from streams.core.events.topics import journal_topic
from streams.core.journal.segment import Segment, columns, encode
from streams.core.journeys.kinds import TouchKind
from streams.kafka.topics import Layout, create
from tests.bench.bench_memory import BATCH, batch
from tests.integration.support.processes import Worker

PARTITIONS = 4
KINDS = {code: TouchKind(f"campaign-{code % 20}", f"network-{code // 20}", "click") for code in range(200)}
KEY = struct.Struct(">Iqqq")  # partition, hour, epoch, sequence


def journal(touches: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Partition, key and value of every segment."""
    rng, now = np.random.default_rng(1), time.time_ns() // 1_000_000
    for number in range(-(-touches // BATCH)):
        partition, sequence = number % PARTITIONS, number // PARTITIONS
        some = batch(rng, number, touches // 5)
        some = some._replace(time=now - touches + number * BATCH + np.arange(BATCH))
        segment = Segment(flushed=sequence, kinds=KINDS, columns=columns(some))
        key = KEY.pack(partition, now // 3_600_000, 1, sequence)
        yield partition, key, bytes(cramjam.zstd.compress(encode(segment), level=1))


def write(bootstrap: str, topic: str, touches: int) -> int:
    """Write the journal; returns its bytes."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    size = 0
    for partition, key, value in journal(touches):
        producer.produce(topic, value, key, partition)
        producer.poll(0)
        size += len(value)
    assert producer.flush(60) == 0
    return size


def restored(bootstrap: str, app_id: str, folder: Path) -> tuple[float, int, int]:
    """Seconds until a new worker is ready, its touches and its resident bytes."""
    (folder / "catalogue.toml").write_text(simulate.catalogue_text())
    settings = {
        "BROKER_URL": f"kafka://{bootstrap}",
        "MAALSTROM_APP_ID": app_id,
        "MAALSTROM_CATALOGUE": str(folder / "catalogue.toml"),
        "MAALSTROM_CLICKHOUSE": f"chdb://{folder / app_id}",
        "MAALSTROM_DATADIR": str(folder / f"faust-{app_id}"),
        "MAALSTROM_TOKEN_KEY": secrets.token_hex(16),
    }
    with Worker(folder / f"{app_id}.log", free_ports(1)[0], settings) as worker:
        started = time.monotonic()
        worker.wait_ready(timeout=600)
        seconds = time.monotonic() - started
        time.sleep(2)
        touches = sum(n for (name, _), n in worker.metrics().items() if name == "maalstrom_state_touches")
        return seconds, int(touches), worker.memory()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touches", type=int, default=10_000_000)
    touches = parser.parse_args().touches
    with cluster() as single, tempfile.TemporaryDirectory() as name:
        bootstrap = single.brokers[0].bootstrap
        for app_id in ("empty", "full"):
            create(bootstrap, Layout(app_id=app_id, partitions=PARTITIONS))
        size = write(bootstrap, journal_topic("full"), touches)
        empty, _, least = restored(bootstrap, "empty", Path(name))
        full, held, most = restored(bootstrap, "full", Path(name))
    print(
        f"{held:,} touches, {size / held:.1f} bytes of journal each: ready in {full:.1f} s (an empty journal: "
        f"{empty:.1f} s), {(most - least) / held:.1f} bytes of resident memory each"
    )


if __name__ == "__main__":
    main()
