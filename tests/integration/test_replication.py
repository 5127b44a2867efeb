"""Replicas of topics on a cluster of three brokers: as many as it gives, or as the configuration says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from deploy.kafka.broker import Cluster, cluster
from streams.kafka.topics import Layout, check, create, specification
from streams.kafka.topics.cluster import describe
from tests.e2e.commands import maalstrom
from tests.integration.conftest import wipe
from tests.integration.support.harness import Rig

pytestmark = pytest.mark.faults  # three brokers


@pytest.fixture(scope="module")
def brokers(java: None) -> Iterator[Cluster]:
    with cluster(3) as three:
        yield three


@pytest.fixture
def three(brokers: Cluster) -> Cluster:
    wipe(brokers.bootstrap)
    return brokers


def replicas(bootstrap: str, layout: Layout) -> dict[str, int]:
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        found = describe(admin, [spec.name for spec in specification(layout)])
    return {name: topic.replicas for name, topic in found.items()}


def test_a_worker_makes_topics_with_as_many_replicas_as_the_brokers_give(
    three: Cluster, clickhouse_server: str, tmp_path: Path
) -> None:
    rig = Rig(three.bootstrap, clickhouse_server, tmp_path)
    (tmp_path / "catalogue.toml").write_text(rig.catalogue_text, "utf-8")
    worker = rig.worker()
    try:
        worker.start()
        worker.wait_ready()
    finally:
        worker.end()
    found = replicas(three.bootstrap, rig.layout)
    assert found == {spec.name: 3 for spec in specification(rig.layout)}
    assert check(three.bootstrap, Layout(rig.layout.app_id)) == [], "with two of them in sync, a write is safe"


def test_fewer_replicas_than_three_are_found(three: Cluster) -> None:
    env = {"BROKER_URL": f"kafka://{three.bootstrap}", "MAALSTROM_REPLICATION": "2"}
    assert maalstrom("topics", "create", env=env).status == 0
    assert set(replicas(three.bootstrap, Layout()).values()) == {2}
    done = maalstrom("topics", "check", env=env)
    assert done.status == 1
    assert "alerts (2), checkout (2), " in done.out
    assert "have fewer than 3 replicas on 3 brokers: one broker lost can stop or lose them" in done.out
    assert "MAALSTROM_REPLICATION=3" in done.out


def test_more_replicas_may_be_asked_for_by_hand(three: Cluster) -> None:
    create(three.bootstrap, Layout(replication=1))
    (finding,) = check(three.bootstrap, Layout())
    assert finding.topic.startswith("alerts (1), checkout (1), ")
    assert finding.serious
