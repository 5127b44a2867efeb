"""Every benchmark runs, with the smallest numbers: its figures mean nothing then, and all that it names is there."""

import subprocess
import sys
from pathlib import Path

import pytest

QUICK = {
    "door.bench_door": "500",
    "bench_lateness": "--events 5000 --users 500 --lateness 7d",
    "bench_ledger": "--events 2000 --batch 512 --runs 1",
    "bench_memory": "--touches 20000",
    "transport.bench_restored": "--touches 30000",
    "bench_partitions": "--events 1000 --slice 500 --partitions 1 3",
    "bench_replay": "--events 1000 --runs 1",
    "bench_truth": "--events 2000 --users 100",
}
SLOW = {
    "door.bench_collect": "--seconds 1 --runs flat-out,paced,memory",
    "drops.bench_drops": "--goals 1 --kinds quiet --rates 60",
    "bench_latency": "--rate 200 --seconds 2 --runs 1",
    "bench_page": "--events 1000 --runs 1",
    "bench_restore": "--touches 10000",
    "transport.bench_start": "--runs 1",
    "transport.bench_transport": "--events 2000 --runs 1",
    "bench_worker": "--events 2000 --runs 1",
}


def test_every_benchmark_is_run_here() -> None:
    here = Path(__file__).parent
    found = (path.relative_to(here).with_suffix("") for path in here.rglob("bench_*.py"))
    assert {".".join(path.parts) for path in found} == {*QUICK, *SLOW}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.faults) for name in SLOW)])
def test_it_runs(name: str) -> None:
    command = [sys.executable, "-m", f"tests.bench.{name}", *(QUICK | SLOW)[name].split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert any(character.isdigit() for character in done.stdout), "it says no figure"
