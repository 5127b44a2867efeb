"""Failovers of a worker with a fixed place in the group, under load: its partitions wait for it, the others go on."""

from __future__ import annotations

import re
import time

import pytest

from tests.integration.support.harness import Rig, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.processes import Worker
from tests.integration.support.records import Feed

pytestmark = pytest.mark.faults

GOOD = {"engagement": 0.9, "duplicates": 0.1, "disorder": 0.1}


def generations(worker: Worker) -> list[str]:
    """The generations of the group that a worker has been in, as its client says in the log."""
    return re.findall(r"generation id (\d+) app", worker.said())


def test_two_failovers_of_a_static_member_rebalance_nobody(rig: Rig) -> None:
    records = several_tokens(simulated(6_000, seed=19, **GOOD), seed=19)
    # As a StatefulSet has them: a worker that is back within its session gets its partitions.
    failing, other = (
        rig.worker(CONSUMER_GROUP_INSTANCE_ID=name, BROKER_SESSION_TIMEOUT="60", MAALSTROM_LOG_LEVEL="DEBUG")
        for name in ("one", "two")
    )
    for each in (failing, other):
        each.start()
    for each in (failing, other):
        each.wait_ready()
    before = generations(other)
    assert before
    with Feed(rig.bootstrap, records, seconds=15):
        for _ in range(2):
            time.sleep(2)
            failing.kill()
            failing.start()
            failing.wait_ready()
            assert other.get("/ready")[0] == 200
    rig.settle()
    assert generations(other) == before
    assert failing.kills == 2


def test_a_worker_that_is_behind_and_commits_is_not_told_that_it_does_not(rig: Rig) -> None:
    sent = rig.send(simulated(30_000, seed=5, **GOOD))
    worker = rig.worker(
        BROKER_MAX_POLL_RECORDS="20", BROKER_COMMIT_INTERVAL="0.2", BROKER_COMMIT_LIVELOCK_SOFT_TIMEOUT="5"
    )
    worker.start()
    worker.until(lambda: rig.behind() < sent // 4)
    assert "Has not committed" not in worker.said()
