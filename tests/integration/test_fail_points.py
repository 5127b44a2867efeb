"""A worker that dies between any two of its steps, each of them more than once: nothing is lost or counted twice."""

from __future__ import annotations

import random
import signal

import pytest

from streams.fail_points import POINTS
from tests.integration.harness import Rig, simulated
from tests.integration.records import Record

pytestmark = pytest.mark.faults

DEATHS = 4  # at each point
SLICE = 1_000  # records sent before each start


def some_astray(records: list[Record], share: float, seed: int) -> list[Record]:
    """The same records, a share of them in a partition that the producer picked by chance."""
    chance = random.Random(seed)
    return [r._replace(partition=chance.randrange(2)) if chance.random() < share else r for r in records]


def test_a_worker_that_dies_between_any_two_steps(rig: Rig) -> None:
    chance = random.Random(4)
    deaths = DEATHS * [point for point in POINTS if point != "merged"]
    chance.shuffle(deaths)
    # Merging needs segments that are many and written.
    deaths += DEATHS * ["merged"]
    records = some_astray(simulated(SLICE * (len(deaths) + 1), seed=4, engagement=0.9, duplicates=0.1), 0.2, seed=4)
    worker = rig.worker(CONSUMER_GROUP_INSTANCE_ID="one", BROKER_MAX_POLL_RECORDS="20")
    for at, point in enumerate(deaths):
        rig.send(records[at * SLICE : (at + 1) * SLICE])
        worker.env["MAALSTROM_FAIL_POINT"] = f"{point}:{1 if point == 'merged' else chance.randint(1, 6)}"
        worker.start()
        assert worker.wait(timeout=60) == -signal.SIGKILL, f"{point}: {worker.tail()}"
    worker.env["MAALSTROM_FAIL_POINT"] = ""
    rig.send(records[len(deaths) * SLICE :])
    worker.start()
    account = rig.settle()
    assert (account.records, len(deaths)) == (len(records), DEATHS * len(POINTS))
    print(f"{len(deaths)} deaths at {len(POINTS)} points, {account}")
