"""What the collector takes: batches of 50 and single calls, as fast as it can and at half of what it has to reach; and
its memory over time, at a quarter of that (`--runs memory --seconds 600`).

python -m tests.bench.door.bench_collect [--seconds S] [--runs flat-out,paced,memory]
"""

import argparse
import asyncio
import base64
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from deploy.kafka.broker import cluster, free_ports
from tests.integration.collector.conftest import SERVER, environment, made_topic
from tests.integration.support.collectors import CollectorProcess

BATCH = 50
GOALS = {"batches": 10_000, "singles": 2_500}  # events a second
MOST_GROWTH = 16.0  # MiB, from a tenth of the time on
CONNECTIONS = {"batches": 8, "singles": 48}
_KEY = base64.b64encode(f"{SERVER}:".encode()).decode()


class Measured(NamedTuple):
    """Requests that were answered with 200, others, the seconds that each took, and how long all took."""

    taken: int
    refused: int
    seconds: list[float]
    whole: float


def call(number: int) -> dict[str, object]:
    """A page call as analytics.js sends it, about 700 bytes."""
    page = {"path": f"/p/{number % 500}", "referrer": "https://shop.example/", "search": "?utm_source=facebook",
            "title": "Example shop", "url": f"https://shop.example/p/{number % 500}?utm_source=facebook"}  # fmt: skip
    now = "2026-11-02T09:00:00.000Z"
    return {"type": "page", "anonymousId": f"b815e6bf-7a3c-4b1e-9d2f-{number % 5000:012}", "messageId": f"m-{number}",
            "properties": page, "originalTimestamp": now, "sentAt": now,
            "context": {"library": {"name": "analytics.js", "version": "next-1.70.0"}, "locale": "nb-NO",
                        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "page": page}}  # fmt: skip


def request(kind: str, number: int) -> bytes:
    """A request, whole."""
    many = {"batch": [call(number * BATCH + i) for i in range(BATCH)], "sentAt": "2026-11-02T09:00:00.000Z"}
    body = json.dumps(many if kind == "batches" else call(number)).encode()
    path = "batch" if kind == "batches" else "page"
    head = f"POST /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {_KEY}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Client(asyncio.Protocol):
    """A connection that asks again as soon as it is answered, or when its next time comes."""

    def __init__(self, requests: list[bytes], every: float, found: list[tuple[float, bool]]) -> None:
        self._requests, self._every, self._found = requests, every, found
        self._number = 0
        self._due = 0.0
        self.stopped = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._due = transport, time.perf_counter()
        self._ask()

    def _ask(self) -> None:
        if not self.stopped and self._transport is not None:
            self._transport.write(self._requests[self._number % len(self._requests)])
            self._number += 1

    def data_received(self, data: bytes) -> None:
        """What is answered comes in one piece: it is short. A request that was late counts from when it was due."""
        now = time.perf_counter()
        self._found.append((now - self._due, data.startswith(b"HTTP/1.1 200")))
        self._due = self._due + self._every if self._every else now
        if self._due > now:
            asyncio.get_running_loop().call_later(self._due - now, self._ask)
        else:
            self._ask()


async def measure(port: int, kind: str, rate: float, seconds: float) -> Measured:
    """Ask for so long, at so many events a second, or as fast as it goes where the rate is 0."""
    count = CONNECTIONS[kind]
    every = count * (BATCH if kind == "batches" else 1) / rate if rate else 0.0
    requests = [request(kind, number) for number in range(40)]
    found: list[tuple[float, bool]] = []

    def connected() -> Client:
        return Client(requests, every, found)

    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    clients = []
    for _ in range(count):
        clients.append((await loop.create_connection(connected, "127.0.0.1", port))[1])
        await asyncio.sleep(every / count if every else 0)
    await asyncio.sleep(seconds)
    for client in clients:
        client.stopped = True
    whole = time.perf_counter() - begun
    await asyncio.sleep(0.5)
    return Measured(sum(ok for _, ok in found), sum(not ok for _, ok in found), sorted(s for s, _ in found), whole)


def cpu(process: CollectorProcess) -> float:
    """Seconds of CPU that it has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(name: str, kind: str, measured: Measured, process: CollectorProcess, used: float) -> None:
    """A line of figures."""
    each = BATCH if kind == "batches" else 1
    at: Callable[[float], float] = lambda share: 1000 * measured.seconds[int(share * (len(measured.seconds) - 1))]  # noqa: E731
    print(
        f"{name:9} {kind:8} {measured.taken * each / measured.whole:9.0f} events/s  refused {measured.refused:4}  "
        f"p50 {at(0.5):7.1f} ms  p99 {at(0.99):7.1f} ms  "
        f"CPU {1e6 * used / (measured.taken * each or 1):5.0f} us an event  RSS {process.memory() >> 20} MiB",
        flush=True,
    )


async def resident(process: CollectorProcess, seconds: float) -> list[float]:
    """MiB of the collector's memory at eleven times, while batches and single calls come at a quarter of the goals."""
    loads = [asyncio.create_task(measure(process.port, kind, goal / 4, seconds)) for kind, goal in GOALS.items()]
    found = [process.memory() / (1 << 20)]
    for _ in range(10):
        await asyncio.sleep(seconds / 10)
        found.append(process.memory() / (1 << 20))
    for kind, measured in zip(GOALS, await asyncio.gather(*loads), strict=True):
        each = BATCH if kind == "batches" else 1
        print(
            f"memory    {kind:8} {measured.taken * each / measured.whole:9.0f} events/s  refused {measured.refused:4}"
        )
    return found


def watch_memory(process: CollectorProcess, seconds: float) -> None:
    """A line of memory over time. Ends the program where it has grown since the second look."""
    found = asyncio.run(resident(process, seconds))
    print(f"memory    RSS in MiB, every {seconds / 10:g} s: {' '.join(f'{mib:.1f}' for mib in found)}", flush=True)
    if (grown := found[-1] - found[1]) > MOST_GROWTH:
        sys.exit(f"it has grown by {grown:.1f} MiB; {MOST_GROWTH:g} are allowed")


def main(seconds: float, runs: list[str]) -> None:
    """Run a broker and a collector, and ask."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with cluster() as kafka, tempfile.TemporaryDirectory() as folder:
        broker = kafka.brokers[0]
        env = environment(Path(folder), broker, made_topic(broker)) | {"MAALSTROM_COLLECT_RATE": "0"}
        with CollectorProcess(Path(folder) / "log", free_ports(1)[0], env) as process:
            process.wait_alive()
            print(f"RSS at the start: {process.memory() >> 20} MiB", flush=True)
            if "memory" in runs:
                watch_memory(process, seconds)
            for run in (run for run in runs if run != "memory"):
                for kind, goal in GOALS.items():
                    rate = goal / 2 if run == "paced" else 0
                    before = cpu(process)
                    measured = asyncio.run(measure(process.port, kind, rate, seconds))
                    told(run, kind, measured, process, cpu(process) - before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", default="flat-out,paced")
    given = parser.parse_args()
    main(given.seconds, given.runs.split(","))
