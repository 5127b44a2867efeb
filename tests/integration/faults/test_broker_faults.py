"""Brokers that are restarted, killed, away for long, and leaders that move, under a worker: it waits and goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker, Cluster, cluster
from streams.core.events.topics import journal_topic
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.processes import Worker
from tests.integration.support.records import Feed, leader

pytestmark = pytest.mark.faults

AWAY_S = 30
GOOD = {"engagement": 0.9, "duplicates": 0.1, "disorder": 0.1}


@pytest.fixture
def single(java: None) -> Iterator[Broker]:
    """A broker of the test's own: others must not miss theirs."""
    with cluster() as one:
        yield one.brokers[0]


def taken(worker: Worker) -> float:
    """Records that it worked on since it started."""
    return sum(n for (name, _), n in worker.metrics().items() if name == "maalstrom_events_total")


def goes_on(worker: Worker) -> None:
    """It works on more records than it has until now."""
    before = taken(worker)
    worker.until(lambda: taken(worker) > before, timeout=120)


def test_a_broker_restarted_killed_and_away_for_long(single: Broker, clickhouse_server: str, tmp_path: Path) -> None:
    with Rig(single.bootstrap, clickhouse_server, tmp_path) as rig:
        worker = rig.worker()
        worker.start()
        worker.wait_ready()
        with Feed(rig.bootstrap, simulated(15_000, seed=30, **GOOD), seconds=30):
            goes_on(worker)
            single.stop()
            single.start()
            goes_on(worker)
            single.kill()
            single.start()
            goes_on(worker)
            single.kill()
            time.sleep(AWAY_S)
            assert worker.get("/health")[0] == 200
            single.start()
            goes_on(worker)
        account = rig.settle()
        assert (account.records, account.dead, worker.running) == (15_000, 0, True)


def test_leaders_of_what_is_read_and_of_the_journal_that_are_killed(
    three: Cluster, clickhouse_server: str, tmp_path: Path
) -> None:
    with Rig(three.bootstrap, clickhouse_server, tmp_path, replication=3) as rig:
        worker = rig.worker()
        worker.start()
        worker.wait_ready()
        with Feed(rig.bootstrap, simulated(10_000, seed=31, **GOOD), seconds=30):
            goes_on(worker)
            for topic in ("engagement", journal_topic(rig.layout.app_id)):
                first = leader(rig.bootstrap, topic)
                killed = three.brokers[first - 1]
                killed.kill()
                goes_on(worker)
                assert leader(rig.bootstrap, topic) != first
                killed.start()
        account = rig.settle()
        assert (account.records, account.dead, worker.running) == (10_000, 0, True)
