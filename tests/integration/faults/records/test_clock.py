"""A host whose clock was ahead when a worker was started: what comes after is neither late nor from the future."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from streams.sinks.clickhouse import client as clickhouse
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.records import Record
from tests.support.messages import DAY, HOUR, order

pytestmark = pytest.mark.faults

AHEAD = """
import time

_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + {days} * 86_400
time.time_ns = lambda: _time_ns() + {days} * 86_400 * 10**9
"""


def bought(name: str, at: int) -> Record:
    return Record("checkout", name.encode(), order(name, at, name, user=name))


def hours(rig: Rig) -> list[int]:
    """How many hours from now each conversion was first reported, in order."""
    sql = "SELECT toUnixTimestamp(first_reported_at) AS s FROM conversions FINAL WHERE goal = 'orders' ORDER BY s"
    with clickhouse.connect(rig.dsn) as client:
        return [int(row["s"]) // 3600 - time.time_ns() // 10**9 // 3600 for row in client.query(sql)]


@pytest.mark.parametrize("days", [1, 60])
def test_one_start_with_a_clock_that_is_ahead(rig: Rig, tmp_path: Path, days: int) -> None:
    (tmp_path / "ahead").mkdir()
    (tmp_path / "ahead" / "sitecustomize.py").write_text(AHEAD.format(days=days))
    now = time.time_ns() // 1_000_000
    wrong, right = rig.worker(PYTHONPATH=str(tmp_path / "ahead")), rig.worker()
    wrong.start()
    rig.send([bought("before", now)])
    rig.settle()
    assert wrong.terminate(20) == 0
    assert hours(rig)[0] in (days * 24 - 1, days * 24)
    right.start()
    rig.send([bought("of the future", now + days * DAY - 2 * HOUR)])
    rig.send([bought(f"of now {n}", now + n) for n in range(5)])
    rig.send(simulated(500, seed=93))
    account = rig.settle()
    assert account.dead == 1, "who comes from the future is malformed, and nobody of now is late"
    assert right.said().count("the clock is behind the hour of the last reports") >= 1
    assert "Traceback" not in right.said(), right.tail()
    *now_and_before, then = hours(rig)
    assert now_and_before[-1] <= 0 < then
