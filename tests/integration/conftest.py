"""What the tests against real servers share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kafka import KafkaAdminClient

from deploy.kafka.broker import Broker, Cluster, cluster, free_ports
from deploy.kafka.java import UnavailableError, require_java
from tests.conftest import CI
from tests.integration.support.harness import Rig
from tests.integration.support.proxy import Proxy


@pytest.fixture(scope="session")
def java() -> None:
    """Skip where no broker can run, and say why; in CI that is a failure."""
    try:
        require_java()
    except UnavailableError as reason:
        if CI:
            raise
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def kafka(java: None) -> Iterator[Broker]:
    """One real broker for the whole session; a test makes topics of its own and leaves the broker running."""
    with cluster() as single:
        yield single.brokers[0]


@pytest.fixture
def three(java: None) -> Iterator[Cluster]:
    """Three brokers of the test's own, whose leaders it may kill."""
    with cluster(3) as three:
        yield three


@pytest.fixture
def blank_kafka(kafka: Broker) -> Broker:
    """Return the session's broker with no topic and no group, for tests of what goes by fixed names."""
    wipe(kafka.bootstrap)
    return kafka


def wipe(bootstrap: str) -> None:
    """Delete every topic and group but Kafka's own, and wait until the broker knows of none."""
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.delete_groups([group["group_id"] for group in admin.list_groups()])
        admin.delete_topics(_own_topics(admin))
        while _own_topics(admin):
            time.sleep(0.02)


def _own_topics(admin: KafkaAdminClient) -> list[str]:
    return [topic for topic in admin.list_topics() if not topic.startswith("__")]


@pytest.fixture
def rig(blank_kafka: Broker, clickhouse_server: str, tmp_path: Path) -> Iterator[Rig]:
    """A pipeline on the session's broker and ClickHouse, without workers yet."""
    with Rig(blank_kafka.bootstrap, clickhouse_server, tmp_path) as rig:
        yield rig


@pytest.fixture
def proxy(clickhouse_server: str) -> Iterator[Proxy]:
    """A proxy before the session's ClickHouse, without a fault yet."""
    upstream = urlsplit(clickhouse_server).port
    assert upstream
    with Proxy(upstream, free_ports(1)[0]) as proxy:
        yield proxy
