"""Workers and servers that fail while records keep coming: the figures are the reference's all the same."""

from __future__ import annotations

import random
import time
from functools import partial

import pytest

from tests.integration.support.harness import EVENTS, Rig, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.processes import Worker
from tests.integration.support.proxy import MODES, Proxy
from tests.integration.support.records import Feed

pytestmark = pytest.mark.faults

KILLS = 30
FROZEN_S = 60
OUTAGE_S = 120
# A worker that stops reading after so many records, to be brought there with few.
SMALL_BACKLOG = (
    "import sys; from streams.cli import main; from streams.worker import worker; worker.BACKLOG = 2_000; "
    "sys.argv[1:] = ['worker']; main.main()"
)
GOOD = {"engagement": 0.9, "duplicates": 0.1, "disorder": 0.1}


def test_a_worker_killed_at_any_moment(rig: Rig) -> None:
    moments = random.Random(1)
    # A fixed place in the group: the next one takes it over without waiting for the dead one's session to end.
    worker = rig.worker(CONSUMER_GROUP_INSTANCE_ID="one")
    worker.start()
    records = several_tokens(simulated(30_000, seed=10, **GOOD), seed=10)
    with Feed(rig.bootstrap, records, seconds=60):
        while worker.kills < KILLS:
            worker.wait_ready()
            time.sleep(moments.random())
            worker.kill()
            worker.start()
    account = rig.settle()
    assert (account.records, worker.kills) == (len(records), KILLS)


def healthy(worker: Worker) -> bool:
    return worker.get("/health")[0] == 200


def test_workers_that_join_and_leave(rig: Rig) -> None:
    moments = random.Random(2)
    workers = [rig.worker() for _ in range(3)]
    with Feed(rig.bootstrap, several_tokens(simulated(20_000, seed=12, **GOOD), seed=12), seconds=30) as feed:
        workers[0].start()
        while feed.is_alive():
            other = workers[moments.randrange(1, 3)]
            if other.running:
                other.until(partial(healthy, other))  # before, a signal just ends it
                assert other.terminate(timeout=10) == 0
            else:
                other.start()
            time.sleep(3)
    rig.settle()


def test_a_frozen_worker_that_wakes_after_its_partitions_moved(rig: Rig) -> None:
    # It stops right before it writes a segment, and writes it when it wakes.
    zombie = rig.worker(MAALSTROM_FAIL_POINT="sent:20:stop", BROKER_MAX_POLL_RECORDS="100")
    heir, third = rig.worker(), rig.worker()
    records = simulated(24_000, seed=3, **GOOD)
    with Feed(rig.bootstrap, records[:20_000], seconds=10):
        zombie.start()
        zombie.until(lambda: zombie.frozen)
        since = time.monotonic()
        heir.start()
        heir.wait_ready()
    rig.settle()
    time.sleep(max(0, since + FROZEN_S - time.monotonic()))
    zombie.thaw()
    rig.send(records[20_000:22_000])
    rig.settle()
    void = rig.void_segments()
    assert void, "it wrote what it had worked on"
    zombie.kill()
    heir.kill()
    third.start()
    rig.send(records[22_000:])
    account = rig.settle()
    assert account.records == 24_000
    print(f"frozen for {FROZEN_S} s, {void} void segments, {account}")


def test_clickhouse_that_fails_in_every_way_for_two_minutes(rig: Rig, proxy: Proxy) -> None:
    worker = rig.worker(clickhouse_port=proxy.port, BROKER_MAX_POLL_RECORDS="500")
    worker.command[1:] = ["-c", SMALL_BACKLOG]
    worker.start()
    records = simulated(60_000, seed=5, **GOOD)
    rig.send(records[:10_000])
    rig.settle()
    at, most = 10_000, 0
    for mode in MODES:
        proxy.set(mode)
        since = time.monotonic()
        rig.send(records[at : at + 12_500])
        at += 12_500
        left = stalled(rig, worker)
        before = worker.memory()
        time.sleep(max(0, since + OUTAGE_S / len(MODES) - time.monotonic()))
        assert rig.behind() == left, f"{mode}: it went on reading"
        assert worker.get("/health")[0] == 200
        assert worker.get("/ready")[0] == 503, mode
        most = max(most, worker.memory() - before)
        proxy.set("pass")
        worker.until(lambda: rig.behind() == 0)
    account = rig.settle()
    assert (account.records, worker.running) == (60_000, True)
    assert most < 32 << 20
    print(
        f"{OUTAGE_S} s of outage, {proxy.faults} failed connections, memory grew by {most >> 10} KiB at most; {account}"
    )


def stalled(rig: Rig, worker: Worker) -> int:
    """Wait until it commits no more; returns how many records are left then."""
    seen: list[int] = []

    def same() -> bool:
        seen.append(rig.behind())
        time.sleep(1)
        return len(seen) > 5 and len(set(seen[-5:])) == 1 and seen[-1] > 0

    worker.until(same)
    return seen[-1]


def test_sigterm_under_load_ends_in_time_and_nothing_is_read_again(rig: Rig) -> None:
    worker = rig.worker()
    # One without a key lies anywhere: sent on before the end, it is counted after it.
    records = [record for record in simulated(20_000, seed=6, **GOOD) if record.key]
    worker.start()
    worker.wait_ready()
    with Feed(rig.bootstrap, records, seconds=14):  # longer than the wait and the end together
        time.sleep(3)
        assert worker.terminate(timeout=10) == 0
    left = rig.behind(EVENTS)
    assert 0 < left < len(records)
    worker.start()
    rig.settle()
    assert sum(n for (name, _), n in worker.metrics().items() if name == "maalstrom_events_total") == left
