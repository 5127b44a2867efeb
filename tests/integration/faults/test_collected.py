"""From published SDKs and clients that retry through a collector, brokers and a worker that die or hang to figures in
ClickHouse: what an SDK or a client was told was taken is counted once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.kafka.broker import Broker, Cluster, cluster
from streams.sinks.clickhouse.client import connect
from tests.conftest import CI
from tests.integration.collector.clients.front import SERVER_KEY, Front
from tests.integration.collector.load import Load, visit_or_order
from tests.integration.collector.selling.shops import IMPATIENT, PATIENT, Shop, Sold
from tests.integration.support.harness import Rig
from tests.integration.support.processes import Worker
from tests.integration.support.records import leader
from tests.support.disks.slow_disk import NoCompilerError, SlowDisk

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(CI, reason="each takes a minute or more; `make faults` runs them"),
]

PATIENCE = 180.0  # s
SLOW_S, STUCK_S = 0.2, 8  # that an fsync takes; a record may wait five for its acknowledgement
SYNCED = {"log.flush.interval.messages": "1"}  # a broker acknowledges nothing that the disk has not
ORDERS = "SELECT conversion_id AS id, count() AS n FROM conversions FINAL WHERE goal = 'new-customers' GROUP BY id"
VISITS = "SELECT network AS shop, sum(events) AS n FROM engagement_counts FINAL WHERE campaign = 'autumn' GROUP BY shop"


class Parts(NamedTuple):
    """What may break, and the clients that go on all the while."""

    kafka: Cluster
    disk: SlowDisk | None
    worker: Worker
    front: Front
    load: Load


@contextmanager
def hanging(broker: Broker) -> Iterator[None]:
    """Stop the broker's process."""
    assert broker.process is not None
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)


def one_broker(parts: Parts) -> None:
    """The collector, the broker and the worker are killed, the broker hangs, and its disk is slow and then stuck."""
    (broker,) = parts.kafka.brokers
    for fault in (parts.front.process.kill, broker.kill, parts.worker.kill):
        parts.load.goes_on()
        fault()
        for part in (parts.front.process, parts.worker):
            if not part.running:
                part.start()
        if broker.process is None:
            parts.load.answers(503)
            broker.start()
    parts.load.goes_on()
    with hanging(broker):
        parts.load.answers(503)
    parts.load.goes_on()
    if parts.disk:
        with parts.disk.slow(SLOW_S):
            parts.load.goes_on()
        with parts.disk.slow(STUCK_S):
            parts.load.answers(503)
        parts.load.goes_on()


def leaders_of_three(parts: Parts) -> None:
    """The leader is killed, and the next one too."""
    for _ in range(2):
        parts.load.goes_on()
        killed = leading(parts.kafka)
        killed.kill()
        deadline = time.monotonic() + PATIENCE
        while leading(parts.kafka, killed) is killed:
            assert time.monotonic() < deadline, "the leader did not move"
            time.sleep(0.1)
        parts.load.goes_on()
        killed.start()
    parts.load.goes_on()


def leading(kafka: Cluster, dead: Broker | None = None) -> Broker:
    """The broker that leads what the collector writes to, as those say that live."""
    asked = ",".join(broker.bootstrap for broker in kafka.brokers if broker is not dead)
    return kafka.brokers[leader(asked, "events") - 1]


@contextmanager
def open_shops(front: Front, folder: Path) -> Iterator[list[Shop]]:
    """A shop for each SDK, all of which sell."""
    with ExitStack() as stack:
        names = (*PATIENT, IMPATIENT)
        shops = [stack.enter_context(Shop(name, front.address, SERVER_KEY, folder)) for name in names]
        for shop in shops:
            shop.opened()
        yield shops


def counted_once(rig: Rig, load: Load, sold: dict[str, Sold]) -> None:
    """Hold what is in ClickHouse to what each was told."""
    with connect(rig.dsn) as client:
        orders = {row["id"]: row["n"] for row in client.query(ORDERS)}
        visits = {row["shop"]: row["n"] for row in client.query(VISITS)}
    told = {f"{each.rpartition('-')[0]}-{int(each.rpartition('-')[2]) // 2}" for each in load.taken}
    for shop, (delivered, failed) in sold.items():
        told |= {event.removeprefix("track-") for event in delivered if event.startswith("track-")}
        came, perhaps = (sum(event.startswith("page-") for event in events) for events in (delivered, failed))
        assert visits[shop] in range(came, came + perhaps + 1), shop
    assert told <= orders.keys()
    assert set(orders.values()) == {1}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowDisk | None:
    """The disk of all that a test starts; None where it cannot be slowed down."""
    try:
        disk = SlowDisk(tmp_path)
    except NoCompilerError:
        return None
    for name, value in disk.environment.items():
        monkeypatch.setenv(name, value)
    return disk


@pytest.fixture
def brokers(request: pytest.FixtureRequest, java: None, disk: SlowDisk | None) -> Iterator[Cluster]:
    """So many brokers of the test's own: others must not miss theirs."""
    with cluster(request.param, settings=SYNCED) as brokers:
        yield brokers


@pytest.mark.parametrize(("brokers", "faults"), [(1, one_broker), (3, leaders_of_three)], indirect=["brokers"])
def test_what_was_taken_is_counted_once_after_every_fault(
    brokers: Cluster, faults: Callable[[Parts], None], disk: SlowDisk | None, clickhouse_server: str, tmp_path: Path
) -> None:
    with Rig(brokers.bootstrap, clickhouse_server, tmp_path, replication=len(brokers.brokers)) as rig:
        worker = rig.worker()
        worker.start()
        worker.wait_ready()
        text = rig.catalogue_text
        with Front(tmp_path, brokers.bootstrap, text, topic="events") as front:
            front.process.wait_ready()
            with open_shops(front, tmp_path) as shops:
                with Load(front.process.port, SERVER_KEY, 2, visit_or_order, pause=0.1) as load:
                    faults(Parts(brokers, disk, worker, front, load))
                for shop in shops:
                    shop.close()
                sold = {shop.name: shop.sold(PATIENCE) for shop in shops}
        account = rig.settle(PATIENCE)
        assert account.dead == 0
        counted_once(rig, load, sold)
        assert {name: sold[name].failed for name in PATIENT} == dict.fromkeys(PATIENT, frozenset())
        counts = {name: (len(delivered), len(failed)) for name, (delivered, failed) in sold.items()}
        print(f"{len(load.taken)} taken, {account.records} records, {dict(load.statuses)}, {counts}")
