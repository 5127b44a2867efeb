"""A collector over requests with mistakes and tricks: no status 500, no growth, and nothing recorded that it may not.

python -m tests.bench.door.fuzz_collect [requests] [seed]
"""

import asyncio
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from deploy.kafka.broker import cluster, free_ports
from streams.core.door.canonical import Reversal, Update
from streams.core.door.context import Reading
from streams.core.door.reader import read
from tests.integration.collector.conftest import Site, environment, made_topic
from tests.integration.collector.hostile import answered, requests
from tests.integration.support.collectors import CollectorProcess
from tests.support.door.mutations import sound

READING = Reading({"order completed": "Order Completed"})
GROWTH = 48 << 20  # bytes, after the first tenth


def check(site: Site, number: int, seed: int) -> str:
    """Send so many requests, and check what came of them; returns what to tell. Raises AssertionError."""
    sent = requests(seed)
    statuses = asyncio.run(answered(site.process.port, islice(sent, number // 10)))
    before = site.process.memory()
    statuses += asyncio.run(answered(site.process.port, islice(sent, number - number // 10)))
    grown = site.process.memory() - before
    assert site.process.running, site.process.tail()
    assert "a request failed" not in site.process.said(), site.process.tail()
    assert "127.0.0.1" not in site.process.said().partition("answers")[2].partition("\n")[2], "it says who asked"
    assert grown < GROWTH, f"{grown >> 20} MiB more"
    records = harmless(site)
    assert site.post("/v1/page", {"userId": "afterwards"}).status == 200
    return f"{dict(statuses.most_common())}, {grown >> 20} MiB more, {records} records"


def harmless(site: Site) -> int:
    """Check that the worker can use every record, and that none is what a browser may not send."""
    found = site.records()
    for _, value, headers in found:
        (item,) = read(value, headers, READING)
        assert item.rejected is None, (item.rejected, value)
        assert sound(item), value
        assert not isinstance(item.events[0], Update | Reversal), value
        assert b'"type":"alias"' not in value, value
    return len(found)


def main(number: int = 100_000, seed: int = 1) -> None:
    """Run a broker and a collector, and check."""
    begun = time.monotonic()
    with cluster() as kafka, tempfile.TemporaryDirectory() as folder:
        broker = kafka.brokers[0]
        topic = made_topic(broker)
        env = environment(Path(folder), broker, topic)
        unlimited = {"MAALSTROM_COLLECT_RATE": "0", "MAALSTROM_COLLECT_KEYLESS_RATE": "0"}
        with CollectorProcess(Path(folder) / "log", free_ports(1)[0], env | unlimited) as process:
            process.wait_alive()
            told = check(Site(process, broker, topic), number, seed)
    print(f"{number} requests, seed {seed}, {time.monotonic() - begun:.0f} s: {told}")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:3]))
