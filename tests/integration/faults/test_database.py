"""A database that takes nothing from a worker, because it may only be read or is of a later version: the worker is
alive, not ready, says why, and loses nothing."""

from __future__ import annotations

import pytest

from streams.sinks.clickhouse import client as clickhouse
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.processes import Worker

pytestmark = pytest.mark.faults

LATER = "9999_later"


def ask(rig: Rig, statement: str) -> list[dict[str, object]]:
    with clickhouse.connect(rig.dsn) as client:
        if statement.startswith("SELECT"):
            return client.query(statement)
        client.command(statement)
        return []


def only_read(rig: Rig, readonly: bool) -> None:
    tables = ask(rig, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
    for table in tables:
        ask(rig, f"ALTER TABLE {table['name']} MODIFY SETTING table_readonly = {int(readonly)}")


def not_ready(worker: Worker, *says: str) -> None:
    worker.until(lambda: all(text in worker.get("/ready")[1] for text in says))
    assert worker.get("/ready")[0] == 503
    assert worker.get("/health") == (200, "alive\n")
    assert "Traceback" not in worker.said(), worker.tail()


def rows(rig: Rig) -> int:
    (found,) = ask(rig, "SELECT count() AS n FROM engagement_counts")
    return int(str(found["n"]))


def test_it_may_only_be_read_under_a_worker_and_at_its_start(rig: Rig) -> None:
    records = simulated(2_000, seed=91, duplicates=0.05)
    worker = rig.worker()
    worker.start()
    rig.send(records[:500])
    rig.settle()
    only_read(rig, True)
    rig.send(records[500:1_200])
    not_ready(worker, "clickhouse", "readonly")
    before = rows(rig)
    worker.kill()
    worker.start()
    rig.send(records[1_200:])
    not_ready(worker, "clickhouse", "readonly")
    assert rows(rig) == before
    only_read(rig, False)
    worker.wait_ready()
    rig.settle()


def older(rig: Rig) -> Worker:
    """A worker on a database that a later version has changed."""
    ask(rig, f"INSERT INTO migrations (name) VALUES ('{LATER}')")
    worker = rig.worker()
    worker.start()
    return worker


def test_it_is_of_a_later_version(rig: Rig) -> None:
    worker = older(rig)
    rig.send(simulated(500, seed=92))
    not_ready(worker, f"is of a later version of maalstrom (it has had {LATER}); run that version or a later one")
    assert rows(rig) == 0
    ask(rig, f"ALTER TABLE migrations DELETE WHERE name = '{LATER}' SETTINGS mutations_sync = 2")
    worker.wait_ready()
    rig.settle()
