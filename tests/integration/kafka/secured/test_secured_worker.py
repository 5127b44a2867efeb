"""A worker and every command on a broker that gives each only the rights that docs/operations/security.md lists."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from deploy.kafka.broker import free_ports
from streams.config.brokers import Brokers
from streams.kafka.topics import Layout, create
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import TOKEN_KEY, Done, embedded, environment, maalstrom, ok
from tests.integration.support.collectors import CollectorProcess
from tests.integration.support.harness import first_day
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record, send
from tests.integration.support.secured.rights import documented
from tests.integration.support.secured.secured import PASSWORDS, Secured, secured, token
from tests.support.certificates import Authority
from tests.support.messages import HOUR, order, touch

PREFIX = "shop."
START = int(datetime.combine(first_day(), datetime.min.time(), UTC).timestamp()) * 1000  # ms
CATALOGUE = f"""base_currency = "NOK"
[[goal]]
id = "orders"
name = "Orders"
event = "Order Completed"
unit = "orders"
value = "revenue"
windows = {{ click = "20d" }}
target = 10
by = {datetime.now(UTC).date()}
[[campaign]]
id = "autumn"
"""
_databases = count(1)

# Clients that are refused leave their sockets to the garbage collector.
pytestmark = [pytest.mark.usefixtures("collected"), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]


@pytest.fixture(scope="module")
def broker(java: None) -> Iterator[Secured]:
    """A secured broker with the topics of one instance, which somebody else made."""
    with secured() as made:
        create(Brokers((made.open,), prefix=PREFIX), Layout(f"{PREFIX}maalstrom", partitions=2, prefix=PREFIX))
        yield made


class Instance:
    """What is run against that broker: a worker, and commands, with a database of their own."""

    def __init__(self, broker: Secured, folder: Path, server: str) -> None:
        self.broker, self.folder, self.dsn = broker, folder, f"{server}/secured_{next(_databases)}"
        (folder / "catalogue.toml").write_text(CATALOGUE)
        self.settings = {
            "MAALSTROM_TOPIC_PREFIX": PREFIX,
            "MAALSTROM_CLICKHOUSE": self.dsn,
            "MAALSTROM_CATALOGUE": str(folder / "catalogue.toml"),
            "MAALSTROM_TOKEN_KEY": TOKEN_KEY,
            "MAALSTROM_DATADIR": str(folder / "data"),
            "MAALSTROM_FLUSH_SECONDS": "0.2",
            "BROKER_SESSION_TIMEOUT": "6",
            "BROKER_HEARTBEAT_INTERVAL": "1",
        }

    @contextmanager
    def worker(self, login: dict[str, str], **more: str) -> Iterator[Worker]:
        """A worker that is ready, with that log-in."""
        worker = Worker(self.folder / "worker.log", free_ports(1)[0], self.settings | login | more)
        with worker:
            worker.wait_ready()
            yield worker

    def command(self, user: str, *arguments: str | Path, **more: str) -> Done:
        """A command, as a user that logs in."""
        return maalstrom(*arguments, env=environment(self.settings | self.broker.login(user) | more))

    def send(self, *records: Record) -> None:
        """Send records to topics by their plain names, as somebody who may do all."""
        send(self.broker.open, [record._replace(topic=PREFIX + record.topic) for record in records])

    def buy(self, number: int) -> None:
        """Send a click, and an order of that number."""
        user, at = f"user-{number}", START + number * HOUR
        click = Record("engagement", user.encode(), touch(f"t{number}", at, user=user))
        self.send(click, Record("checkout", user.encode(), order(f"o{number}", at + 1000, f"{number}", user=user)))

    def orders(self) -> int:
        """How many orders are counted for the campaign."""
        with connect(self.dsn) as client:
            query = (
                "SELECT sum(conversions) AS n FROM goal_attribution_now WHERE model = 'last' AND campaign = 'autumn'"
            )
            return int(client.query(query)[0]["n"])

    def until(self, worker: Worker, orders: int, patience: float = 60) -> None:
        """Wait until so many orders are counted."""
        _until(lambda: self.orders() == orders, worker, patience)


def _until(done: Callable[[], bool], worker: Worker, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert worker.running, worker.tail()
        assert time.monotonic() < deadline, worker.tail()
        time.sleep(0.2)


@pytest.fixture
def instance(broker: Secured, tmp_path: Path, clickhouse_server: str) -> Instance:
    ok(maalstrom("migrate", env={"MAALSTROM_CLICKHOUSE": (made := Instance(broker, tmp_path, clickhouse_server)).dsn}))
    return made


def test_the_least_rights_are_enough_for_everything(broker: Secured, instance: Instance) -> None:
    first, second = documented("worker", PREFIX).values()
    broker.allow(first)
    for user in ("operator", "collector"):
        broker.allow([each for block in documented(user, PREFIX).values() for each in block])
    with instance.worker(broker.login("worker"), MAALSTROM_DECLARE_TOPICS="0") as worker:
        instance.buy(1)
        instance.send(Record("engagement", b"user-1", b"nonsense"))
        instance.until(worker, 1)
        assert worker.metrics()["maalstrom_dead_letters_total", (("reason", "malformed"), ("topic", "engagement"))] == 1
        assert '"first": "engagement/' in worker.said(), "and the log tells of it"
        assert not [sample for sample in worker.metrics() if PREFIX in str(sample[1])], "labels are plain names"
        _until(lambda: "engagement.dlq/" in ok(instance.command("operator", "dlq", "list")).out, worker)
        _commands(instance)
        broker.allow(second)
        assert worker.terminate(30) == 0
    _while_none_runs(instance)
    with instance.worker(in_a_file(instance, "worker", "PLAIN"), MAALSTROM_LOG_LEVEL="DEBUG") as worker:
        instance.buy(2)
        instance.until(worker, 1)  # user-1 was erased, the order of user-2 counts
        _collected(instance)
        instance.until(worker, 2)
        tells_none(worker, PASSWORDS["worker"])


def in_a_file(instance: Instance, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
    """The environment of a command that logs in, with the password in a file."""
    (path := instance.folder / f"{user}-password").write_text(PASSWORDS[user])
    login = instance.broker.login(user, mechanism) | {"KAFKA_SASL_PASSWORD_FILE": str(path)}
    return {name: text for name, text in login.items() if name != "KAFKA_SASL_PASSWORD"}


def tells_none(process: Worker, *secrets: str) -> None:
    """Log, metrics, command lines and environments have none of those secrets."""
    told = process.said() + process.get("/metrics")[1] + process.get("/ready")[1]
    for pid in (process.pid, *process.children()):
        told += "".join(Path(f"/proc/{pid}/{file}").read_text() for file in ("cmdline", "environ"))
    assert len(told) > 1000
    for secret in secrets:
        assert secret not in told


def _while_none_runs(instance: Instance) -> None:
    """What an operator does then: more partitions, a replay into another database, and one that workers go on from."""
    done = ok(instance.command("operator", "topics", "grow", "3"))
    assert f"{PREFIX}engagement: 2 partitions, now 3" in done.out
    named = ("replay", "--kafka", "--catalogue", instance.folder / "catalogue.toml")
    ok(instance.command("operator", *named, "--clickhouse", embedded(instance.folder / "another")))
    done = instance.command("operator", *named, "--hand-over", "--replace", "--since", "2100-01-01")
    assert "The workers go on from here (3 partitions)" in ok(done).err


def _collected(instance: Instance) -> None:
    """A visit and an order over HTTP, by a collector with no other rights than its own."""
    (instance.folder / "keys").write_text("shop secret-write-key server\n")
    (instance.folder / "webhook").write_text("secret-of-the-webhook")
    files = {"WRITE_KEYS": "keys", "WEBHOOK_SECRET_STRIPE_FILE": "webhook"}
    keys = {f"MAALSTROM_{name}": str(instance.folder / file) for name, file in files.items()}
    env = instance.settings | in_a_file(instance, "collector") | keys
    with CollectorProcess(instance.folder / "collect.log", port := free_ports(1)[0], env) as collector:
        collector.wait_alive()
        records = touch("t3", START + 3 * HOUR, user="user-3"), order("o3", START + 4 * HOUR, "3", user="user-3")
        body = b'{"writeKey": "secret-write-key", "batch": [' + b",".join(records) + b"]}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/batch", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200, answer.read()
        tells_none(collector, PASSWORDS["collector"], "secret-write-key", "secret-of-the-webhook")
        assert collector.terminate(20) == 0


def _commands(instance: Instance) -> None:
    assert "1 records sent: engagement 1" in ok(instance.command("operator", "dlq", "replay")).out
    assert f"{PREFIX}checkout" in ok(instance.command("operator", "topics", "lag")).out
    assert "is missing" not in (checked := instance.command("operator", "topics", "check")).out
    assert checked.status == 0, checked.out
    assert "was there" in ok(instance.command("operator", "topics", "create")).out
    done = ok(instance.command("operator", "erase", "user-1"))
    assert "nothing is left of that token" in done.out
    done = ok(instance.command("operator", "simulate", instance.folder / "month", "--events", "50", "--kafka"))
    assert "all of them sent to Kafka" in done.out


def test_who_has_no_rights_is_told_which(broker: Secured, instance: Instance) -> None:
    for command in (("topics", "create"), ("dlq", "list"), ("dlq", "replay")):
        done = instance.command("stranger", *command)
        assert done.status == 1
        assert (done.err.count("\n"), "docs/operations/security.md" in done.err) == (1, True), done.err


def test_a_rotation_of_every_certificate_stops_no_worker(instance: Instance, tmp_path: Path) -> None:
    with secured() as own:
        create(Brokers((own.open,), prefix=PREFIX), Layout(f"{PREFIX}maalstrom", partitions=1, prefix=PREFIX))
        own.allow(next(iter(documented("worker", PREFIX).values())))
        instance.broker = own
        pem = own.authority.issue("worker")
        with instance.worker(own.certified(pem), MAALSTROM_DECLARE_TOPICS="0") as worker:
            instance.buy(1)
            instance.until(worker, 1)
            own.broker.stop()
            renewed = Authority(tmp_path / "renewed", "renewed")
            own.pem.both.write_bytes(renewed.issue("broker", ("localhost", "127.0.0.1")).both.read_bytes())
            for old, new in zip((*pem, own.authority.ca), (*renewed.issue("worker"), renewed.ca), strict=True):
                new.replace(old)
            own.broker.start()
            instance.buy(2)
            instance.until(worker, 2)
            assert worker.terminate(30) == 0


def test_a_token_that_runs_out_is_renewed_under_a_worker(instance: Instance, tmp_path: Path) -> None:
    path, stop = tmp_path / "token", threading.Event()

    def write() -> None:
        (new := tmp_path / "new").write_text(token("worker", 8))
        new.replace(path)

    def renew() -> None:
        while not stop.wait(1):
            write()

    with secured(reauthenticate_ms=5_000) as own:
        create(Brokers((own.open,), prefix=PREFIX), Layout(f"{PREFIX}maalstrom", partitions=1, prefix=PREFIX))
        own.allow(next(iter(documented("worker", PREFIX).values())))
        instance.broker = own
        write()
        threading.Thread(target=renew, daemon=True).start()
        try:
            with instance.worker(own.bearer(path), MAALSTROM_DECLARE_TOPICS="0") as worker:
                for number in range(1, 4):
                    instance.buy(number)
                    instance.until(worker, number)
                    time.sleep(4)
                assert worker.terminate(30) == 0
        finally:
            stop.set()
