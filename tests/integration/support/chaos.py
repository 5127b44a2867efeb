"""Every fault at random, many at a time, from one seed: what happens next depends on the seed alone."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice

from deploy.kafka.broker import Broker
from streams.failpoints import POINTS
from tests.integration.faults.records.test_poison import COMPRESSIONS, bad_records
from tests.integration.support.harness import Account, Rig, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.proxy import MODES, Mode, Proxy
from tests.integration.support.records import Record

WORKERS = 3
PARTITIONS = 4
MONTH = 20_000  # records of one simulated month
BAD, ASTRAY = 0.02, 0.2  # shares of the records
EACH = 300  # records sent before each fault
FAIL_POINT = "MAALSTROM_FAIL_POINT"
KINDS = {
    "kill a worker": 5,
    "stop a worker": 3,
    "start a worker": 3,
    "freeze a worker": 3,
    "have a worker die at": 5,
    "fail ClickHouse": 4,
    "restart the broker": 1,
    "kill the broker": 1,
}


@dataclass(frozen=True)
class Fault:
    """What to do to which worker, how long it lasts where it does (s), and how long until the next (s)."""

    kind: str
    worker: int
    place: str
    mode: Mode
    lasts: float
    pause: float

    def __str__(self) -> str:
        which = {"fail ClickHouse": self.mode, "have a worker die at": f"{self.worker} {self.place}"}
        return f"{self.kind} {which.get(self.kind, self.worker if 'worker' in self.kind else '')}".rstrip()


def faults(seed: int) -> Iterator[Fault]:
    """All faults of a seed, without end."""
    chance = random.Random(seed)
    while True:
        (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
        place = f"{chance.choice(POINTS)}:{chance.randint(1, 8)}"
        worker, mode = chance.randrange(WORKERS), chance.choice(MODES)
        yield Fault(kind, worker, place, mode, chance.uniform(1, 9), chance.uniform(0.5, 5))


def stream(seed: int) -> Iterator[Record]:
    """Records without end: simulated months of people with several tokens, bad records among them, some of all in a
    wrong partition. Orders of one month are completed again in the next, by others."""
    chance, bad = random.Random(seed), bad_records()
    for month in count(seed):
        for record in several_tokens(simulated(MONTH, seed=month, engagement=0.9, duplicates=0.1, disorder=0.1), month):
            if chance.random() < BAD:
                yield chance.choice(bad)
            place = chance.randrange(PARTITIONS) if chance.random() < ASTRAY else None
            yield record._replace(partition=place)


class Chaos:
    """A pipeline to which faults are done; workers that are wanted are started again when they ended."""

    def __init__(self, rig: Rig, broker: Broker, proxy: Proxy, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._rig, self._broker, self._proxy = rig, broker, proxy
        self._records, self._chance = stream(seed), random.Random(seed)
        self._workers = [rig.worker(clickhouse_port=proxy.port, BROKER_MAX_POLL_RECORDS="200") for _ in range(WORKERS)]
        self._wanted = {0}
        self._excused = set(range(WORKERS))  # those that may be found ended
        self._later: list[tuple[float, Callable[[], None]]] = []

    def do(self, fault: Fault) -> None:
        """Send some records, do one fault, and undo what is due of those before."""
        self._supervise()
        if self._broker.process is not None:
            self._send()
        getattr(self, "_" + fault.kind.replace(" ", "_"))(fault)
        self.done[fault.kind] += 1
        time.sleep(fault.pause)
        self._undo(time.monotonic())

    def check(self) -> Account:
        """Mend everything, and hold the figures to the reference."""
        self._undo(float("inf"))
        for number, worker in enumerate(self._workers):
            if worker.running and worker.env.pop(FAIL_POINT, ""):
                self._end(number)
        self._supervise()
        self._send()
        account = self._rig.settle(timeout=180)
        for worker in self._workers:
            gap = worker.metrics()["maalstrom_journal_gap_records", ()] if worker.running else 0
            assert gap == 0, f"the journal misses {gap} records"
        return account

    def _send(self) -> None:
        self._rig.send(list(islice(self._records, EACH)), compression=self._chance.choice(COMPRESSIONS))

    def _supervise(self) -> None:
        for number in self._wanted:
            worker = self._workers[number]
            if not worker.running:
                assert number in self._excused, f"worker {number} ended by itself:\n{worker.tail()}"
                worker.env.pop(FAIL_POINT, None)
                self._start(number)

    def _start(self, number: int) -> None:
        self._workers[number].start()
        if self._broker.process is not None:
            self._excused.discard(number)

    def _end(self, number: int) -> None:
        self._workers[number].end()
        self._excused.add(number)

    def _undo(self, now: float) -> None:
        due = [undo for at, undo in self._later if at <= now]
        self._later = [each for each in self._later if each[0] > now]
        for undo in due:
            undo()

    def _after(self, seconds: float, undo: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, undo))

    def _kill_a_worker(self, fault: Fault) -> None:
        self._end(fault.worker)

    def _stop_a_worker(self, fault: Fault) -> None:
        """SIGTERM; another takes its place if it was the last."""
        worker = self._workers[fault.worker]
        if worker.running:
            worker.thaw()
            worker.terminate(timeout=40)
        self._excused.add(fault.worker)
        self._wanted = self._wanted - {fault.worker} or {(fault.worker + 1) % WORKERS}

    def _start_a_worker(self, fault: Fault) -> None:
        self._wanted = self._wanted | {fault.worker}

    def _freeze_a_worker(self, fault: Fault) -> None:
        worker = self._workers[fault.worker]
        if worker.running:
            worker.freeze()
            self._after(fault.lasts, lambda: worker.thaw() if worker.running else None)

    def _have_a_worker_die_at(self, fault: Fault) -> None:
        self._end(fault.worker)
        self._workers[fault.worker].env[FAIL_POINT] = fault.place
        self._wanted = self._wanted | {fault.worker}
        self._start(fault.worker)
        self._excused.add(fault.worker)

    def _fail_ClickHouse(self, fault: Fault) -> None:  # noqa: N802 - the name of the fault
        self._proxy.set(fault.mode)
        self._after(fault.lasts, lambda: self._proxy.set("pass"))

    def _restart_the_broker(self, fault: Fault) -> None:
        if self._broker.process is not None:
            self._excuse_the_unready()
            self._broker.stop()
            self._broker.start()

    def _kill_the_broker(self, fault: Fault) -> None:
        if self._broker.process is not None:
            self._excuse_the_unready()
            self._broker.kill()
            self._after(fault.lasts, self._broker.start)

    def _excuse_the_unready(self) -> None:
        """A worker that starts while there is no broker says so and ends."""
        self._excused |= {n for n, worker in enumerate(self._workers) if worker.get("/ready")[0] != 200}
