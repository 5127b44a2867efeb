"""A worker whose records are nearly all dead letters: it stops, says so, and goes on where it was when restarted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from streams.core.events.topics import dead_letters_of
from tests.e2e.commands import SHOP
from tests.e2e.pipeline import PATIENCE, Pipeline
from tests.e2e.pipeline import dead_letters as counted
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record, send

pytestmark = pytest.mark.faults

RECORDS = 40_000


def test_it_stops_before_all_is_buried_and_a_restart_goes_on(tmp_path: Path) -> None:
    bad = [Record("engagement", None, b"not JSON", n % 2) for n in range(RECORDS)]
    with Pipeline(tmp_path, SHOP) as pipeline:
        worker = pipeline.start()
        send(pipeline.bootstrap, bad)
        assert _status(worker) == 1
        buried = len(pipeline.messages(dead_letters_of("engagement")))
        assert 1000 <= buried == RECORDS - pipeline.behind() < RECORDS
        said = [line for line in worker.said().splitlines() if "too many dead letters of topic engagement: " in line]
        assert len(said) == 1
        assert "MAALSTROM_DLQ_RATIO is 0.9" in said[0]
        assert "malformed) in engagement/" in said[0]
        assert "`maalstrom dlq list`" in said[0]
        assert "Traceback" not in worker.said()
        assert "does not let go" not in worker.said()

        worker = pipeline.start(MAALSTROM_DLQ_RATIO="0", MAALSTROM_DLQ_CONSECUTIVE="0")
        pipeline.until(worker, lambda: pipeline.behind() == 0)
        assert counted(worker)["engagement", "malformed"] == RECORDS - buried
        assert len(pipeline.messages(dead_letters_of("engagement"))) == RECORDS


def _status(worker: Worker) -> int:
    """The exit status of a worker that ends by itself."""
    deadline = time.monotonic() + PATIENCE
    while worker.running:
        assert time.monotonic() < deadline, f"it goes on:\n{worker.tail()}"
        time.sleep(0.1)
    return worker.terminate(timeout=1)
