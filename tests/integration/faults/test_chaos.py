"""All faults at random for some minutes: `make chaos MINUTES=10`, or again as it was with SEED and FAULTS."""

from __future__ import annotations

import os
import time
from itertools import islice
from pathlib import Path

import pytest

from deploy.kafka.broker import cluster
from tests.integration.support.chaos import PARTITIONS, Chaos, Fault, faults
from tests.integration.support.harness import Account, Rig
from tests.integration.support.proxy import Proxy

pytestmark = pytest.mark.faults

MINUTES = float(os.environ.get("MINUTES") or 2)
SEED = int(os.environ.get("SEED") or 1)
FAULTS = int(os.environ["FAULTS"]) if os.environ.get("FAULTS") else None  # so many, and then one check
CHECK_S = 30  # from one check of the figures to the next


def test_the_faults_of_a_seed_are_always_the_same() -> None:
    assert list(islice(faults(7), 50)) == list(islice(faults(7), 50)) != list(islice(faults(8), 50))


def test_everything_at_random(java: None, clickhouse_server: str, proxy: Proxy, tmp_path: Path) -> None:
    with cluster() as single, Rig(single.bootstrap, clickhouse_server, tmp_path, PARTITIONS) as rig:
        chaos = Chaos(rig, single.brokers[0], proxy, SEED)
        account = run(chaos)
    kinds = ", ".join(f"{n} times {kind}" for kind, n in chaos.done.most_common())
    print(f"seed {SEED}, {chaos.done.total()} faults ({kinds}), {account}")


def run(chaos: Chaos) -> Account:
    """Do the faults, with a check every so often; a failure tells which faults there were since the last check."""
    ends, checked, since = time.monotonic() + 60 * MINUTES, time.monotonic(), list[Fault]()
    try:
        for fault in islice(faults(SEED), FAULTS):
            since.append(fault)
            print(f"{chaos.done.total() + 1:4} {fault}", flush=True)
            chaos.do(fault)
            if FAULTS is None and time.monotonic() > checked + CHECK_S:
                account, checked, since = chaos.check(), time.monotonic(), []
                if checked > ends:
                    return account
        return chaos.check()
    except BaseException as error:
        again = f"make chaos SEED={SEED} FAULTS={chaos.done.total()}"
        error.add_note(f"Again: {again}\nFaults since all was equal: {'; '.join(map(str, since)) or 'none'}")
        raise
