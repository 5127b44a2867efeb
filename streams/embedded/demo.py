"""The demo: a simulated campaign month through a real wire protocol, the worker and ClickHouse, in three processes."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from confluent_kafka import Producer

from streams import simulate, topics
from streams.embedded.broker import EmbeddedBroker

EVENTS = 100_000
SECONDS = 15.0  # the month is played in about this time
PARTITIONS = 8
WEB_PORT = 6066  # of the page: the worker's own, where it is free
OUTSTANDING = 20_000  # records sent and not yet worked on: the embedded broker keeps no more than 5 MiB a partition
PATIENCE = 60.0  # s until a process must answer
APP_ID = "maalstrom-demo"
_COUNTED = "/metrics?name[]=maalstrom_events_total"
_COUNTER = re.compile(r"^maalstrom_events_total\{.*\} (\S+)$", re.MULTILINE)


class DemoError(Exception):
    """The demo could not start or go on; the text says why."""


@dataclass
class Play:
    """How far the month has been played."""

    total: int = EVENTS
    sent: int = 0
    day: str = ""
    done: bool = False
    failure: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


class Demo:
    """The running parts of a demo: broker, ClickHouse, worker, and the player that feeds them."""

    def __init__(self) -> None:
        self.play = Play()
        self._parts = ExitStack()
        self.web = f"http://127.0.0.1:{_free_port(WEB_PORT)}"
        self._port = _free_port()
        self.dsn = f"clickhouse://127.0.0.1:{self._port}/maalstrom"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Demo":
        try:
            self._start()
        except BaseException:
            self._parts.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.play.stop.set()
        self._parts.close()

    def _start(self) -> None:
        self.folder = Path(self._parts.enter_context(TemporaryDirectory(prefix="maalstrom-demo-")))
        start = (datetime.now(UTC) - timedelta(days=32)).date()
        self._scenario = simulate.Scenario(events=EVENTS, start=start)
        catalogue = self.folder / "catalogue.toml"
        catalogue.write_text(simulate.catalogue_text(start, self._scenario.days), encoding="utf-8")
        broker = self._parts.enter_context(EmbeddedBroker(dict.fromkeys(_topic_names(), PARTITIONS)))
        self._bootstrap = broker.bootstrap
        self._run(
            "clickhouse", ["clickhouse", "--path", str(self.folder / "clickhouse"), "--port", str(self._port)], {}
        )
        self._run("worker", ["worker"], self._environment(catalogue))
        self._wait_until_ready()
        player = threading.Thread(target=self._guarded_player, name="player", daemon=True)
        player.start()
        self._parts.callback(player.join, PATIENCE)

    def _environment(self, catalogue: Path) -> dict[str, str]:
        return {
            "BROKER_URL": f"kafka://{self._bootstrap}",
            "WEB_PORT": self.web.rsplit(":", 1)[1],
            "MAALSTROM_APP_ID": APP_ID,
            "MAALSTROM_CATALOGUE": str(catalogue),
            "MAALSTROM_CLICKHOUSE": self.dsn,
            "MAALSTROM_DATADIR": str(self.folder / "faust"),
            "MAALSTROM_DECLARE_TOPICS": "0",
            "MAALSTROM_TOKEN_KEY": secrets.token_hex(16),
        }

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        log = self._parts.enter_context((self.folder / f"{name}.log").open("wb"))
        arguments = [sys.executable, "-m", "streams", *command]
        # A group of its own: Ctrl-C is for the demo, which then stops its parts in their order.
        process = subprocess.Popen(
            arguments, stdout=log, stderr=log, env=os.environ | environment, start_new_session=True
        )
        self._processes[name] = process
        self._parts.callback(_end, process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._answers("/ready"):
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"the worker was not ready after {PATIENCE:.0f} s: {self._last_line('worker')}")
            time.sleep(0.1)

    def _answers(self, path: str) -> str:
        try:
            with urlopen(self.web + path, timeout=5) as answer:
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""

    def check(self) -> None:
        """Raise DemoError when a part has died."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise DemoError(f"the {name} process ended by itself: {self._last_line(name)}")
        if self.play.failure:
            raise DemoError(f"the player failed: {self.play.failure}")

    def _last_line(self, name: str) -> str:
        lines = (self.folder / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def worked_on(self) -> int:
        """How many records the worker has worked on."""
        return int(sum(map(float, _COUNTER.findall(self._answers(_COUNTED)))))

    def _guarded_player(self) -> None:
        try:
            self._player()
        except Exception as error:
            self.play.failure = repr(error)

    def _player(self) -> None:
        """Send the month in the time it is to take, never more than the embedded broker can hold."""
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "linger.ms": 50,
                "batch.size": 1_000_000,
                "partitioner": "murmur2_random",
            }
        )
        started = time.monotonic()
        for record in simulate.generate(self._scenario):
            producer.produce(record.topic, record.value, record.key or None)
            self.play.sent += 1
            if self.play.sent % 500 == 0:
                producer.poll(0)
                self.play.day = _day(record.value)
                self._pace(started)
            if self.play.stop.is_set():
                return
        producer.flush(PATIENCE)
        self.play.done = True

    def _pace(self, started: float) -> None:
        ahead = self.play.sent / self.play.total * SECONDS - (time.monotonic() - started)
        self.play.stop.wait(max(0.0, ahead))
        while self.play.sent - self.worked_on() > OUTSTANDING and not self.play.stop.wait(0.05):
            pass


def _topic_names() -> Iterator[str]:
    for topic in topics.SOURCES:
        yield from (topic, topics.dead_letters_of(topic))
    yield from (topics.FORWARDED, topics.ALERTS)
    yield topics.journal_topic(APP_ID)


def _day(value: bytes) -> str:
    at = value.find(b'"timestamp":"')
    return value[at + 13 : at + 23].decode()


def _free_port(wanted: int = 0) -> int:
    """The port that is wanted, or any where that is taken; not by connections of a worker that has just ended."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as probe:
            return int(probe.getsockname()[1])
    except OSError:
        if not wanted:
            raise
        return _free_port()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process kindly, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
