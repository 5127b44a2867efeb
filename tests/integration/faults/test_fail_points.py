"""A worker that dies between any two of its steps, each of them more than once: nothing is lost or counted twice."""

from __future__ import annotations

import random
import signal
import time

import pytest

from streams.failpoints import POINTS
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.records import Record

pytestmark = pytest.mark.faults

DEATHS = 2  # at each point
ELSEWHERE = (
    "merged",
    "forgotten",
    "marked",
    "grown",
    "replayed",
    "stored",
    "chunked",
    "named",
)  # passed by others, or not in this order
SLICE = 40  # records sent every now and then: two batches of a partition, more while a worker starts


def some_astray(records: list[Record], share: float, seed: int) -> list[Record]:
    """The same records, a share of them in a partition that the producer picked by chance."""
    chance = random.Random(seed)
    return [r._replace(partition=chance.randrange(2)) if chance.random() < share else r for r in records]


def test_a_worker_that_dies_between_any_two_steps(rig: Rig) -> None:
    chance = random.Random(4)
    deaths = DEATHS * [point for point in POINTS if point not in ELSEWHERE]
    chance.shuffle(deaths)
    deaths += DEATHS * ["merged"]  # which needs segments that are many and written
    people = several_tokens(simulated(40_000, seed=4, engagement=0.9, duplicates=0.1), seed=4)
    records = some_astray(people, 0.2, seed=4)
    worker = rig.worker(CONSUMER_GROUP_INSTANCE_ID="one", BROKER_MAX_POLL_RECORDS="20")
    sent = 0
    for point in deaths:
        worker.env["MAALSTROM_FAIL_POINT"] = f"{point}:{1 if point == 'merged' else chance.randint(1, 6)}"
        worker.start()
        deadline = time.monotonic() + 90
        while worker.running:
            assert time.monotonic() < deadline, f"{point} is never passed: {worker.tail()}"
            sent += rig.send(records[sent : sent + SLICE])
            time.sleep(0.2)
        assert worker.wait(timeout=1) == -signal.SIGKILL, f"{point}: {worker.tail()}"
    worker.env["MAALSTROM_FAIL_POINT"] = ""
    worker.start()
    account = rig.settle()
    assert account.records == sent
    print(f"{len(deaths)} deaths at {len(POINTS)} points, {account}")
