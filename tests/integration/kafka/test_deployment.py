"""Two deployments under one app id: each is alive, not ready, and says what to do."""

from __future__ import annotations

import pytest

from streams.sinks.clickhouse import client as clickhouse
from streams.sinks.clickhouse import migrations
from tests.integration.support.harness import Rig
from tests.integration.support.processes import Worker

pytestmark = pytest.mark.faults  # a minute


def not_ready(worker: Worker, says: str) -> None:
    """It is alive, not ready, and says why in one line, in the log too."""
    worker.until(lambda: says in worker.get("/ready")[1], timeout=90)
    assert worker.get("/ready")[0] == 503
    assert worker.get("/health") == (200, "alive\n")
    lines = [line for line in worker.said().splitlines() if says in line]
    assert len(lines) == 1, worker.tail()
    assert "another MAALSTROM_APP_ID" in lines[0]
    assert "Traceback" not in worker.said(), worker.tail()


def test_workers_of_one_group_with_two_databases(rig: Rig) -> None:
    other = f"{rig.dsn}_other"
    with clickhouse.connect(other) as client:
        migrations.apply(client)
    one, two = rig.worker(), rig.worker(MAALSTROM_CLICKHOUSE=other)
    one.start()
    one.wait_ready()
    two.start()
    says = "other workers of group"
    not_ready(two, says)
    not_ready(one, says)
    assert two.terminate(20) == 0
    one.wait_ready(timeout=90)


def test_workers_of_one_group_with_two_catalogues(rig: Rig) -> None:
    one = rig.worker()
    one.start()
    one.wait_ready()
    changed = rig.folder / "other.toml"
    changed.write_text(rig.catalogue_text.replace("target = 1500", "target = 1501"), "utf-8")
    two = rig.worker(MAALSTROM_CATALOGUE=str(changed))
    two.start()
    two.wait_ready()
    not_ready(one, "has another catalogue than this worker (goals orders)")
    assert two.get("/ready")[0] == 200
    told = [line for line in two.said().splitlines() if "had another catalogue than this worker (goals orders)" in line]
    assert len(told) == 1, two.tail()
    assert "the same MAALSTROM_CATALOGUE" in told[0]
    assert "had another catalogue" not in one.said(), "it was the first"


def test_workers_of_one_group_with_other_sources(rig: Rig) -> None:
    one = rig.worker()
    one.start()
    one.wait_ready()
    (rig.folder / "sources.toml").write_text('placeholders = ["gjest"]\n[networks]\nfacebook = ["fb-ads-2"]\n', "utf-8")
    two = rig.worker(MAALSTROM_SOURCES=str(rig.folder / "sources.toml"))
    two.start()
    two.wait_ready()
    not_ready(one, "has other sources than this worker (placeholders, [networks])")
    assert two.get("/ready")[0] == 200
    told = [line for line in two.said().splitlines() if "had other sources than this worker" in line]
    assert len(told) == 1, two.tail()
    assert "the same MAALSTROM_SOURCES" in told[0]
    assert "had other sources" not in one.said(), "it was the first"
