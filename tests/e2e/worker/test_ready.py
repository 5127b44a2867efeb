"""`/ready` of a real worker: 503 from the moment a part has failed, with that part and why, whatever the traffic."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.broker import free_ports
from tests.conftest import serve
from tests.conftest import stop as stop_server
from tests.e2e.pipeline import Pipeline
from tests.integration.support.processes import Worker, wait_gone
from tests.integration.support.records import Record, send
from tests.support.messages import NOON, order

SOON = 7.0  # s: two looks and the patience with one
CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "Order Completed"\n'
DEFECT = """
from streams.agents.partition_queues import PartitionQueues

def put(self, partition, item):
    if item.value.topic == "checkout":
        raise ZeroDivisionError("a defect of the test")

PartitionQueues.put = put
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path, CATALOGUE) as one:
        yield one


def until(worker: Worker, says: str, seconds: float = SOON) -> tuple[int, str]:
    """The answer of /ready once it says so."""
    deadline = time.monotonic() + seconds
    while says not in (answer := worker.get("/ready"))[1]:
        assert time.monotonic() < deadline, f"{answer}\n{worker.tail()}"
        time.sleep(0.05)
    return answer


def test_a_clickhouse_that_died_is_told_without_any_traffic(pipeline: Pipeline, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    server, address = serve(tmp_path / "served", port)
    worker = pipeline.start(MAALSTROM_CLICKHOUSE=f"clickhouse://{address}/maalstrom")
    server.kill()
    stop_server(server)
    status, text = until(worker, "not ready")
    assert status == 503
    assert f"clickhouse: ClickHouse at {address}: no answer (" in text
    assert worker.metrics()["maalstrom_ready", ()] == 0
    server, _ = serve(tmp_path / "served", port)
    worker.until(lambda: worker.get("/ready") == (200, "ready\n"), 30)

    os.kill(server.pid, signal.SIGSTOP)
    assert "clickhouse: no answer within 3 s" in until(worker, "not ready")[1]
    os.kill(server.pid, signal.SIGCONT)
    worker.until(lambda: worker.get("/ready")[0] == 200, 30)
    stop_server(server)


def test_a_lost_process_with_ledgers_is_told_at_once(pipeline: Pipeline) -> None:
    # Long between flushes: the web port finds it by itself.
    worker = pipeline.start(MAALSTROM_PROCESSES="1", MAALSTROM_FLUSH_SECONDS="30")
    (lost,) = (pid for pid in worker.children() if "streams.worker.ledgers.processes" in _command(pid))
    os.kill(lost, signal.SIGKILL)
    wait_gone(lost)
    deadline = time.monotonic() + SOON
    while worker.running and "not ready" not in (answer := worker.get("/ready"))[1]:
        assert time.monotonic() < deadline, f"{answer}\n{worker.tail()}"
        time.sleep(0.05)
    if worker.running and answer[0]:
        assert (answer[0], f"ledgers: process {lost} ended; start the worker again" in answer[1]) == (503, True)
    else:  # a flush has met it first, which ends the worker at once
        assert worker.wait(SOON) == 1
        assert f"process {lost} ended, perhaps for want of memory" in worker.said()


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_an_agent_that_crashed_is_told_and_stays_told(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "defect").mkdir()
    (tmp_path / "defect" / "sitecustomize.py").write_text(DEFECT)
    worker = pipeline.start(PYTHONPATH=str(tmp_path / "defect"))
    send(pipeline.bootstrap, [Record("checkout", b"u", order("m1", NOON, "o1"))])
    status, text = until(worker, "agent checkout")
    assert status == 503
    assert "agent checkout: it crashed (ZeroDivisionError: a defect of the test); start the worker again" in text
    later = time.monotonic() + 6
    while time.monotonic() < later and worker.running:
        assert worker.get("/ready")[0] != 200
        time.sleep(0.1)
