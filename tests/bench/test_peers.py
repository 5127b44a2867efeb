"""The benchmark of peers: its answer, its table and its plot; and, on demand, every peer with few events."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from streams.core.catalogue.parse import parse
from tests.bench.peers import inputs, tables
from tests.bench.peers.runs import Result, deviation
from tests.bench.peers.systems import MAALSTROM, SYSTEMS
from tests.conftest import CI


def _result(system: str = MAALSTROM, cpu: float = 2.0, deviation: float = 0.0, others: float = 0.0) -> Result:
    return Result(system, 1000, 100, 4.0, cpu, 1.0, 2.0, 0.5, 1 << 20, others, deviation)


def test_the_job_is_a_catalogue_of_one_goal_and_its_answer_has_every_order() -> None:
    goals = parse(inputs.catalogue())
    assert [goal.id for goal in goals.goals] == ["orders"]
    assert len(goals.campaigns) > 3
    found = inputs.answer(3000, 200)
    sent = [json.loads(record.value) for record in inputs.records(3000, 200)]
    orders = {event["messageId"] for event in sent if event.get("event") == "Order Completed"}
    assert sum(found.values()) == pytest.approx(len(orders))
    assert len(found) > 3


def test_another_answer_is_seen() -> None:
    right = {"a": 6.0, "b": 4.0}
    assert deviation(right, right) == 0
    assert deviation({"a": 5.0, "b": 5.0}, right) == pytest.approx(0.1)
    assert deviation({}, right) == pytest.approx(0.5)


def test_the_table_has_medians_ranges_ratios_and_what_is_not_the_same() -> None:
    results = [_result(cpu=cpu) for cpu in (1.0, 2.0, 4.0)] + [_result("flink", cpu=1.0, deviation=0.2)]
    text = tables.table(results)
    assert "| 100 | maalstrom | 3 | 1,000 | 500 (250 to 1,000) | 250 | 1.00 | 250 (250 to 250) |" in text
    assert "| 100 | Flink 2.0 | 1 | 1,000 | 1,000 | 333 | 2.00 |" in text
    assert "**no: 20.0% lie elsewhere**" in text
    assert SYSTEMS["flink"].less in text
    assert "5.0% lie elsewhere: late touches |" in tables.table([_result("kstreams", deviation=0.05)])
    assert [tables.wrong(_result(name, deviation=0.05)) for name in ("flink", "kstreams")] == [True, False]
    assert "cores" in text
    assert "measured again" not in text
    assert "measured again on a quiet machine" in tables.table([_result(others=1.0)])


def test_the_plot_is_svg_with_a_bar_for_each() -> None:
    drawn = ElementTree.fromstring(tables.plot([_result(), _result("flink", cpu=1.0)]))
    bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("x")]
    assert [float(each.get("width", "0")) for each in bars] == [440.0, 220.0]


@pytest.mark.registry
def test_every_peer_has_the_same_answer(tmp_path: Path) -> None:
    small = ["--events", "20000", "--users", "2000", "--rounds", "1", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "tests.bench.peers", *small]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    if not CI and "UnavailableError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(system.title in done.stdout for system in SYSTEMS.values())
