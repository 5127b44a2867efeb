"""One run of one system: fresh state, a group and topic of its own, measured from first record to last result."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from deploy.kafka.broker import free_ports
from tests.bench.peers.inputs import NAMES, Answer, Broker, catalogue
from tests.bench.peers.processes import OTHER_CORE, SYSTEM_CORE, Sampler, Tree, start, stop
from tests.bench.peers.systems import MAALSTROM, System

PATIENCE = 240.0  # s that a run may take
SETTLED = 3.0  # s without another result
_LINEAR = """SELECT if(reason = '', campaign, '') AS c, sum(conversions + reversed_conversions)
FROM maalstrom.goal_attribution FINAL WHERE model = 'linear' AND goal = 'orders' GROUP BY c"""
_COMMAND = ("{python}", "-m", "streams")


class RunError(RuntimeError):
    """A system did not come to its end; the text has the end of its log."""


@dataclass
class Result:
    """What one run came to. `seconds` and `cpu` are from the first record to the last result, `start` before; `others`
    are the cores that other programs of the machine used."""

    system: str
    events: int
    users: int
    seconds: float
    cpu: float
    start: float
    sink_cpu: float
    broker_cpu: float
    memory: int
    others: float
    deviation: float

    def line(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self))


@dataclass
class Job:
    """What all runs share: the broker, what was loaded, what has to come out, and what commands have filled in."""

    broker: Broker
    broker_pid: int
    filled: dict[str, str]
    events: int
    users: int
    suffix: str
    expected: Answer

    def run(self, name: str, system: System) -> Result:
        """Raises RunError."""
        with tempfile.TemporaryDirectory(prefix="maalstrom-peers-", ignore_cleanup_errors=True) as folder:
            once = _Run(self, name, system, Path(folder))
            return once.own() if name == MAALSTROM else once.peer()


class _Run:
    def __init__(self, job: Job, name: str, system: System, folder: Path) -> None:
        self._job, self._name, self._system, self._folder = job, name, system, folder
        self._group = f"{name}-{uuid.uuid4().hex[:6]}"
        self._log, self._state = folder / "log", folder / "state"
        self._state.mkdir()

    # --- peers

    def peer(self) -> Result:
        output, result = self._system.output.format(group=self._group), self._system.result
        if result in ("long", "text"):
            self._job.broker.make(output)
        variables = self._variables(output)
        if self._system.prepare:
            subprocess.run(self._command(self._system.prepare), check=True, capture_output=True)
        begun = time.time()
        process = start(self._command(self._system.command), variables, self._log, SYSTEM_CORE)
        sampler, tree = self._watch(process)
        try:
            self._until(process, lambda: bool(self._said(self._system.end)))
            if result in ("long", "text"):
                self._settle(output)
        finally:
            stop(process)
            sampler.stop()
        found, last = self._answer(output)
        first, done = self._said("FIRST"), self._said("DONE")
        return self._result(sampler, tree, (begun, first, max(done, last)), found)

    def _command(self, command: tuple[str, ...]) -> list[str]:
        given = self._job.filled | {"state": str(self._state)}
        filled = [part.format(**given) for part in command]
        return [given["own"], *filled] if self._system.environment == "own" else filled

    def _variables(self, output: str) -> dict[str, str]:
        engagement, checkout = (name + self._job.suffix for name in NAMES)
        return {
            "BOOTSTRAP": self._job.broker.bootstrap,
            "GROUP": self._group,
            "OUT": output,
            "STATE": str(self._state),
            "EVENTS": str(self._job.events),
            "ENGAGEMENT": engagement,
            "CHECKOUT": checkout,
            "THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            **self._system.variables,
        }

    def _said(self, word: str) -> float:
        """When it said that word; 0 where it has not."""
        text = self._log.read_text(errors="replace")
        found = re.search(rf"^{word} (\d+\.\d+)$", text, re.MULTILINE)
        return float(found[1]) if found else float(word == "TOTALS" and "TOTALS {" in text)

    def _settle(self, topic: str) -> None:
        before, since = -1, time.time()
        while time.time() - since < SETTLED:
            if (now := self._job.broker.ends(topic)) != before:
                before, since = now, time.time()
            time.sleep(0.3)

    def _answer(self, output: str) -> tuple[Answer, float]:
        if self._system.result in ("long", "text"):
            return self._job.broker.results(output, self._system.result)
        told = re.search(r"^TOTALS (.*)$", self._log.read_text(errors="replace"), re.MULTILINE)
        return (json.loads(told[1]) if told else {}), 0.0

    # --- maalstrom

    def own(self) -> Result:
        port, self._web = free_ports(2)
        server = [*self._own("clickhouse"), "--path", str(self._folder / "ch"), "--port", str(port)]
        clickhouse = start(server, {}, self._folder / "clickhouse.log", OTHER_CORE)
        try:
            self._until(clickhouse, lambda: self._sql(port, "SELECT 1") != "")
            return self._worker(clickhouse, port)
        finally:
            stop(clickhouse)

    def _worker(self, clickhouse: subprocess.Popen[bytes], port: int) -> Result:
        begun = time.time()
        process = start(self._own("worker"), self._settings(port), self._log, SYSTEM_CORE)
        sampler, tree = self._watch(process, clickhouse)
        try:
            self._until(process, lambda: self._ask("/ready").strip() == "ready")
            first = time.time()
            self._until(process, lambda: self._total("maalstrom_events_total") >= self._job.events)
            flushes = self._total("maalstrom_sink_flush_seconds_count")
            self._until(process, lambda: self._total("maalstrom_sink_flush_seconds_count") > flushes)
            ended = time.time()
            time.sleep(2.5)
            rows = [line.split("\t") for line in self._sql(port, _LINEAR).splitlines()]
        finally:
            stop(process)
            sampler.stop()
        return self._result(sampler, tree, (begun, first, ended), {campaign: float(sum_) for campaign, sum_ in rows})

    def _own(self, command: str) -> list[str]:
        return [part.format(python=self._job.filled["own"]) for part in _COMMAND] + [command]

    def _settings(self, port: int) -> dict[str, str]:
        path = self._folder / "catalogue.toml"
        path.write_text(catalogue(), "utf-8")
        return {
            "BROKER_URL": f"kafka://{self._job.broker.bootstrap}",
            "MAALSTROM_APP_ID": self._group,
            "MAALSTROM_CATALOGUE": str(path),
            "MAALSTROM_CLICKHOUSE": f"clickhouse://127.0.0.1:{port}/maalstrom",
            "MAALSTROM_DATADIR": str(self._state),
            "MAALSTROM_PROCESSES": "0",
            "MAALSTROM_TOKEN_KEY": "a key of the benchmark",
            "WEB_PORT": str(self._web),
        }

    def _ask(self, path: str) -> str:
        try:
            with urlopen(f"http://127.0.0.1:{self._web}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""

    def _total(self, metric: str) -> float:
        lines = re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", self._ask(f"/metrics?name[]={metric}"), re.MULTILINE)
        return sum(map(float, lines))

    @staticmethod
    def _sql(port: int, query: str) -> str:
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/?{urlencode({'query': query})}"), timeout=20) as answer:
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""

    # --- both

    def _watch(
        self, process: subprocess.Popen[bytes], sink: subprocess.Popen[bytes] | None = None
    ) -> tuple[Sampler, Tree]:
        tree = Tree(process.pid)
        trees = {"system": tree, "broker": Tree(self._job.broker_pid)} | ({"sink": Tree(sink.pid)} if sink else {})
        sampler = Sampler(trees)
        sampler.sample()
        sampler.start()
        return sampler, tree

    def _until(self, process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline or (process.poll() is not None and not condition()):
                why = "ended" if process.poll() is not None else f"was not done in {PATIENCE:.0f} s"
                raise RunError(f"{self._name} {why}: {self._log.read_text(errors='replace')[-1500:]}")
            time.sleep(0.1)

    def _result(self, sampler: Sampler, tree: Tree, at: tuple[float, float, float], found: Answer) -> Result:
        begun, first, ended = at
        own = sampler.used("system", first, ended)
        broker = sampler.used("broker", first, ended)
        sink = sampler.used("sink", first, ended) if self._name == MAALSTROM else 0.0
        others = max(0.0, sampler.used("machine", first, ended) - own - broker - sink) / (ended - first)
        sizes = (self._name, self._job.events, self._job.users)
        times = (round(ended - first, 3), round(own, 3), round(first - begun, 2), round(sink, 2), round(broker, 2))
        apart = deviation(found, self._job.expected) if self._system.result != "none" else 0.0
        return Result(*sizes, *times, tree.most_memory, round(others, 2), round(apart, 6))


def deviation(found: Answer, expected: Answer) -> float:
    """The share of all conversions that lie with another campaign than they should."""
    campaigns = found.keys() | expected.keys()
    apart = sum(abs(found.get(name, 0.0) - expected.get(name, 0.0)) for name in campaigns)
    return apart / 2 / max(1e-9, sum(expected.values()))


def taskset_is_here() -> bool:
    """Whether processes can be pinned."""
    return shutil.which("taskset") is not None
