"""Workers and servers that fail while records keep coming: the figures are the reference's all the same."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from deploy.kafka.broker import free_ports
from tests.integration.harness import SESSION_S, Rig, simulated
from tests.integration.proxy import Mode, Proxy
from tests.integration.records import Feed

pytestmark = pytest.mark.faults

KILLS = 30
GOOD = {"engagement": 0.9, "duplicates": 0.1, "disorder": 0.1}


def test_a_worker_killed_at_any_moment(rig: Rig) -> None:
    moments = random.Random(1)
    # A fixed place in the group: the next one takes it over without waiting for the dead one's session to end.
    worker = rig.worker(CONSUMER_GROUP_INSTANCE_ID="one")
    worker.start()
    with Feed(rig.bootstrap, simulated(30_000, seed=10, **GOOD), seconds=60):
        while worker.kills < KILLS:
            worker.wait_ready()
            time.sleep(moments.random())
            worker.kill()
            worker.start()
    account = rig.settle()
    assert (account.records, worker.kills) == (30_000, KILLS)


def test_workers_that_join_and_leave(rig: Rig) -> None:
    moments = random.Random(2)
    workers = [rig.worker() for _ in range(3)]
    with Feed(rig.bootstrap, simulated(20_000, seed=12, **GOOD), seconds=30) as feed:
        workers[0].start()
        while feed.is_alive():
            other = workers[moments.randrange(1, 3)]
            if other.running:
                assert other.terminate(timeout=10) == 0
            else:
                other.start()
            time.sleep(3)
    rig.settle()


def test_a_frozen_worker_that_wakes_after_its_partitions_moved(rig: Rig) -> None:
    zombie, heir = rig.worker(), rig.worker()
    records = simulated(22_000, seed=3, **GOOD)
    with Feed(rig.bootstrap, records[:20_000], seconds=2 * SESSION_S):
        zombie.start()
        zombie.wait_ready()
        time.sleep(1)
        zombie.freeze()
        heir.start()
        heir.wait_ready()
    rig.settle()
    zombie.thaw()
    rig.send(records[20_000:])
    account = rig.settle()
    assert account.records == 22_000


@pytest.fixture
def proxy(clickhouse_server: str) -> Iterator[Proxy]:
    upstream = urlsplit(clickhouse_server).port
    assert upstream
    with Proxy(upstream, free_ports(1)[0]) as proxy:
        yield proxy


@pytest.mark.parametrize("mode", ["refuse", "hang", "cut", "500"])
def test_clickhouse_that_fails_for_a_while(rig: Rig, proxy: Proxy, mode: Mode) -> None:
    worker = rig.worker(clickhouse_port=proxy.port)
    worker.start()
    worker.wait_ready()
    with Feed(rig.bootstrap, simulated(10_000, seed=5, **GOOD), seconds=10):
        time.sleep(2)
        proxy.set(mode)
        time.sleep(6)
        proxy.set("pass")
    rig.settle()
    assert worker.running
    assert worker.kills == 0


def test_sigterm_under_load_ends_in_time_and_nothing_is_read_again(rig: Rig) -> None:
    worker = rig.worker()
    with Feed(rig.bootstrap, simulated(20_000, seed=6, **GOOD), seconds=8):
        worker.start()
        worker.wait_ready()
        time.sleep(3)
        assert worker.terminate(timeout=10) == 0
    committed = 20_000 - rig.behind()
    assert 0 < committed < 20_000
    worker.start()
    rig.settle()
    read = sum(n for (name, _), n in worker.metrics().items() if name == "maalstrom_events_total")
    assert read == 20_000 - committed
