"""Partitions that were raised by hand, under a worker and before its start: it is not ready and says what to do."""

from __future__ import annotations

import time

import pytest
from kafka import KafkaAdminClient

from streams.core.events.topics import journal_topic
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.processes import Worker

pytestmark = pytest.mark.faults  # a minute


def raised(rig: Rig, partitions: int, *topics: str) -> None:
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        admin.create_partitions(dict.fromkeys(topics, partitions))


def not_ready(worker: Worker, *says: str) -> None:
    """It is alive, not ready, and says why in one line, in the log too."""
    worker.until(lambda: "partition counts must be equal" in worker.said(), timeout=90)
    status, body = worker.get("/ready")
    assert status == 503
    assert "topics: " in body
    assert all(text in body for text in says)
    assert worker.get("/health") == (200, "alive\n")
    lines = [line for line in worker.said().splitlines() if "partition counts must be equal" in line]
    assert len(lines) == 1, worker.said()
    assert all(text in lines[0] for text in says)
    assert "AssertionError" not in worker.said()
    assert "Traceback" not in worker.said()


def test_partitions_that_were_raised_by_hand(rig: Rig) -> None:
    worker = rig.worker(CONSUMER_METADATA_MAX_AGE_MS="1000")
    worker.start()
    rig.send(simulated(300, seed=1))
    rig.settle()
    raised(rig, 4, "engagement")
    says = ("engagement has 4, checkout has 2", "run `maalstrom topics grow 4`")
    not_ready(worker, *says)
    time.sleep(5)
    assert worker.running
    assert worker.terminate(20) == 0
    again = rig.worker()
    again.start()
    not_ready(again, *says)
    assert again.terminate(20) == 0
    last = rig.worker()
    last.start()
    not_ready(last, *says)
    raised(rig, 4, "events", "checkout", "identity", "erasures", "forwarded", journal_topic(rig.layout.app_id))
    assert last.wait(timeout=60) == 1, "it goes on to look at its journal, which is of two partitions"
    lines = [line for line in last.said().splitlines() if "the journal is made for 2 partitions" in line]
    assert len(lines) == 1, last.tail()
    assert "run `maalstrom topics grow 4` (docs/operations/grow.md says how)" in lines[0]
    assert "Traceback" not in last.said(), last.tail()
