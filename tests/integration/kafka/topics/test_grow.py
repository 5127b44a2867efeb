"""More partitions for a deployment that has run, by `maalstrom topics grow`: nothing is lost, whenever it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from deploy.kafka.broker import Broker
from streams.kafka import topics
from tests.e2e.commands import Done, maalstrom, ok
from tests.integration.support.harness import Rig, simulated

pytestmark = pytest.mark.faults  # minutes

PEOPLE = {"late_logins": 0.3, "shared": 0.1, "refunds": 0.3, "duplicates": 0.05, "disorder": 0.1}


@pytest.fixture
def four(blank_kafka: Broker, clickhouse_server: str, tmp_path: Path) -> Iterator[Rig]:
    """A pipeline of four partitions."""
    with Rig(blank_kafka.bootstrap, clickhouse_server, tmp_path, partitions=4) as rig:
        yield rig


def grow(rig: Rig, partitions: int, fail_point: str = "") -> Done:
    env = {"BROKER_URL": f"kafka://{rig.bootstrap}", "MAALSTROM_APP_ID": rig.layout.app_id}
    return maalstrom("topics", "grow", str(partitions), env=env | {"MAALSTROM_FAIL_POINT": fail_point})


def partitions(rig: Rig) -> set[int]:
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        found = admin.describe_topics(list(topics.copartitioned(rig.layout)))
    return {len(topic["partitions"]) for topic in found}


def test_a_deployment_grows_twice_in_the_middle_of_a_month(four: Rig) -> None:
    records = simulated(6_000, seed=12, **PEOPLE)
    worker = four.worker()
    worker.start()
    four.send(records[:2_000])
    four.settle()
    four.send(records[2_000:2_500])
    assert worker.terminate(20) == 0
    refused = grow(four, 2)
    assert refused.status == 1
    assert "there are 4 partitions already, and Kafka takes none away" in refused.err
    done = ok(grow(four, 8))
    assert "checkout: 4 partitions, now 8" in done.out
    assert "the first 4 of 8 partitions" in done.out
    assert partitions(four) == {8}
    four.send(records[2_300:4_000])
    both = [four.worker(), four.worker()]
    for each in both:
        each.start()
    four.settle()
    running = grow(four, 12)
    assert running.status == 1
    assert "2 workers are running; stop all of them first" in running.err
    for each in both:
        assert each.terminate(20) == 0
    assert "the first 4 of 12 partitions" in ok(grow(four, 12)).out
    last = four.worker()
    last.start()
    four.send(records[3_900:])
    four.settle()


def test_a_growth_that_is_killed_at_any_step_is_run_again(four: Rig) -> None:
    records = simulated(3_000, seed=13, **PEOPLE)
    worker = four.worker()
    worker.start()
    four.send(records[:1_500])
    four.settle()
    assert worker.terminate(20) == 0
    for point in ("marked:1", "marked:2", "grown:1", "marked:2", "grown:4"):
        assert grow(four, 8, point).status == -9, point
    half = four.worker()
    half.start()
    half.until(lambda: "run `maalstrom topics grow 8`" in half.said())
    assert half.get("/ready")[0] == 503
    half.end()
    ok(grow(four, 8))
    assert partitions(four) == {8}
    again = four.worker()
    again.start()
    four.send(records[1_400:])
    four.settle()


def test_partitions_that_were_raised_by_hand_are_mended(four: Rig) -> None:
    records = simulated(3_000, seed=14, **PEOPLE)
    worker = four.worker()
    worker.start()
    four.send(records[:1_500])
    four.settle()
    with KafkaAdminClient(bootstrap_servers=four.bootstrap) as admin:
        admin.create_partitions({"engagement": 6, "checkout": 6})
    four.send(records[1_500:2_000])
    assert worker.terminate(20) == 0
    ok(grow(four, 6))
    again = four.worker()
    again.start()
    four.send(records[2_000:])
    four.settle()


def test_one_partition_grows(blank_kafka: Broker, clickhouse_server: str, tmp_path: Path) -> None:
    with Rig(blank_kafka.bootstrap, clickhouse_server, tmp_path, partitions=1) as rig:
        records = simulated(1_000, seed=15, **PEOPLE)
        worker = rig.worker()
        worker.start()
        rig.send(records[:500])
        rig.settle()
        assert worker.terminate(20) == 0
        ok(grow(rig, 3))
        again = rig.worker()
        again.start()
        rig.send(records[400:])
        rig.settle()
