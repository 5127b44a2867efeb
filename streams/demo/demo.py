"""The demo: a simulated campaign month through a real wire protocol, a collector, the worker and ClickHouse, each in a
process of its own."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from confluent_kafka import Producer

from streams import simulate
from streams.core.events.topics import ALERTS, FORWARDED, SOURCES, dead_letters_of, journal_topic
from streams.demo.members import enlist
from streams.demo.site_player import LINK, SitePlayer
from streams.demo.site_player import catalogue_text as site_text
from streams.embedded.broker import EmbeddedBroker
from streams.simulate.site.words import SOURCES as SITE_SOURCES

EVENTS = 90_000  # of social networks, papers, tills and the service desk, straight into Kafka
SITE_EVENTS = 10_000  # of the shop on the web, through the collector
AHEAD = 14  # days from the end of what is played to the deadlines: what is seen is a campaign on its way
HOLDOUT = 0.1  # of all users, for each campaign that sites show: so that what these caused is measured
SECONDS = 15.0  # the month is played in about this time
PARTITIONS = 8
WEB_PORT = 6066  # of the page: the worker's own, where it is free
COLLECTOR_PORT = 8080  # its own, where it is free
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

    total: int
    site: SitePlayer
    straight: int = 0
    day: str = ""
    done: bool = False
    failure: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def sent(self) -> int:
        """How many records the worker is to have, by now."""
        return self.straight + self.site.sent


class Demo:
    """The running parts of a demo: broker, ClickHouse, collector, worker, and the players that feed them."""

    def __init__(self, events: int = EVENTS, site_events: int = SITE_EVENTS, seconds: float = SECONDS) -> None:
        self._start_day = (datetime.now(UTC) - timedelta(days=31)).date()
        self._events, self._seconds = events, seconds
        self._write_key, self._collector_port = secrets.token_hex(16), _free_port(COLLECTOR_PORT)
        self.link = f"http://127.0.0.1:{self._collector_port}/go/{LINK}"
        site = SitePlayer(site_events, self._start_day, self._collector_port, self._write_key)
        self.play = Play(events + site_events, site)
        self._ready = threading.Event()
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
        self._key = secrets.token_hex(16)
        self._scenario = simulate.Scenario(
            events=self._events, start=self._start_day, holdout=HOLDOUT, token_key=self._key.encode(), seekers=0.1
        )
        files = self._files()
        broker = self._parts.enter_context(EmbeddedBroker(dict.fromkeys(_topic_names(), PARTITIONS)))
        self._bootstrap = broker.bootstrap
        self._run(
            "clickhouse", ["clickhouse", "--path", str(self.folder / "clickhouse"), "--port", str(self._port)], {}
        )
        self._run("worker", ["worker"], self._environment() | files)
        self._run("collector", ["collect"], self._collector_environment() | files)
        self._begin(self._player)
        self._wait_until_ready()
        enlist(self.dsn, self._key.encode(), self._scenario.people)

    def _files(self) -> dict[str, str]:
        """Write the catalogue and the sources; returns the variables that name them."""
        texts = {
            "catalogue": simulate.catalogue_text(self._start_day, self._scenario.days + AHEAD, HOLDOUT)
            + site_text(f"{self.web}/"),
            "sources": SITE_SOURCES,
        }
        paths = {name: self.folder / f"{name}.toml" for name in texts}
        for name, path in paths.items():
            path.write_text(texts[name], encoding="utf-8")
        return {f"MAALSTROM_{name.upper()}": str(path) for name, path in paths.items()}

    def _collector_environment(self) -> dict[str, str]:
        keys = self.folder / "write-keys"
        keys.write_text(f"shop {self._write_key} server\n", encoding="utf-8")
        return {
            "BROKER_URL": f"kafka://{self._bootstrap}",
            "COLLECT_PORT": str(self._collector_port),
            "MAALSTROM_WRITE_KEYS": str(keys),
        }

    def _begin(self, work: Callable[[], None]) -> None:
        """Do that in a thread, which is waited for at the end."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self.play.failure = repr(error)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self._parts.callback(thread.join, PATIENCE)

    def _environment(self) -> dict[str, str]:
        return {
            "BROKER_URL": f"kafka://{self._bootstrap}",
            "WEB_PORT": self.web.rsplit(":", 1)[1],
            "MAALSTROM_APP_ID": APP_ID,
            "MAALSTROM_CLICKHOUSE": self.dsn,
            "MAALSTROM_DATADIR": str(self.folder / "faust"),
            "MAALSTROM_DECLARE_TOPICS": "0",
            "MAALSTROM_TOKEN_KEY": self._key,
        }

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        log = self._parts.enter_context((self.folder / f"{name}.log").open("wb"))
        arguments = [sys.executable, "-m", "streams", *command]
        # A group of its own: Ctrl-C is for the demo, which then stops its parts in their order.
        process = subprocess.Popen(
            arguments, stdout=log, stderr=log, env=_others() | environment, start_new_session=True
        )
        self._processes[name] = process
        self._parts.callback(_end, process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        addresses = {"worker": self.web, "collector": f"http://127.0.0.1:{self._collector_port}"}
        for name, address in addresses.items():
            while not self._answers("/ready", address):
                self.check()
                if time.monotonic() > deadline:
                    raise DemoError(f"the {name} was not ready after {PATIENCE:.0f} s: {self._last_line(name)}")
                time.sleep(0.1)
        self._ready.set()

    def _answers(self, path: str, address: str = "") -> str:
        try:
            with urlopen((address or self.web) + path, timeout=5) as answer:
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

    def _player(self) -> None:
        """Play the month once everything is ready: what the site sends, and what comes straight into Kafka."""
        self.play.site.prepare()
        while not self._ready.wait(0.1):
            if self.play.stop.is_set():
                return
        site = threading.Event()

        def play_site() -> None:
            self.play.site.play(self._seconds, self.play.stop, self._has_room)
            site.set()

        self._begin(play_site)
        self._play_straight()
        while not site.wait(0.1):
            if self.play.stop.is_set() or self.play.failure:
                return
        self.play.done = not self.play.stop.is_set()

    def _play_straight(self) -> None:
        """Send the month in the time it is to take, never more than the embedded broker can hold."""
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "linger.ms": 50,
                "batch.size": 1_000_000,
                "partitioner": "murmur2_random",
                "log_level": 0,  # stopped by hand, there is nothing to say of what is on its way
            }
        )
        started = time.monotonic()
        for record in chain(simulate.costs(self._scenario), simulate.generate(self._scenario)):
            producer.produce(record.topic, record.value, record.key or None)
            self.play.straight += 1
            if self.play.straight % 500 == 0:
                producer.poll(0)
                self.play.day = _day(record.value)
                self._pace(started)
            if self.play.stop.is_set():
                return
        producer.flush(PATIENCE)

    def _pace(self, started: float) -> None:
        ahead = self.play.straight / max(1, self._events) * self._seconds - (time.monotonic() - started)
        self.play.stop.wait(max(0.0, ahead))
        while not self._has_room() and not self.play.stop.wait(0.05):
            pass

    def _has_room(self) -> bool:
        """Whether the broker can hold more."""
        return self.play.sent - self.worked_on() <= OUTSTANDING


def _others() -> dict[str, str]:
    """This process's environment without what says where a worker's Kafka is, or a secret in a file."""
    ours = re.compile("KAFKA_|BROKER_|COLLECT_|MAALSTROM_(TOPIC_PREFIX|COLLECT_.*|.*_FILE)$")
    return {name: value for name, value in os.environ.items() if not ours.match(name)}


def _topic_names() -> Iterator[str]:
    for topic in SOURCES:
        yield from (topic, dead_letters_of(topic))
    yield from (FORWARDED, ALERTS)
    yield journal_topic(APP_ID)


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
