"""How many events a second `maalstrom replay` takes on one core, from files to rows in an embedded ClickHouse.

    python tests/bench/bench_replay.py [--events 1000000] [--runs 3]

A simulated month is written first (98 % engagement, Segment envelopes of about 480 bytes). Each run is the command as a
user types it, in a process of its own that may use one core only: starting Python, making the tables, reading, and
writing the rows are all in its CPU seconds.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from streams import simulate


def one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run_once(folder: Path, database: Path, events: int) -> tuple[float, float]:
    """Events a second by the command's own clock, and by all CPU seconds of the process."""
    files = [f"--{name}={folder / name}.ndjson" for name in ("engagement", "checkout")]
    command = [sys.executable, "-m", "streams", "replay", *files, f"--catalogue={folder / 'catalogue.toml'}"]
    process = subprocess.Popen(
        [*command, f"--clickhouse=chdb://{database}"],
        preexec_fn=one_core,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    found = re.search(r"\(([\d,]+) a second\)", said)
    if status or not found:
        raise SystemExit(f"replay failed: {said}")
    return float(found[1].replace(",", "")), events / (usage.ru_utime + usage.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate.write(folder, simulate.Scenario(events=options.events))
        results = [run_once(folder, folder / f"db{run}" / "clickhouse", options.events) for run in range(options.runs)]
    wall, cpu = (statistics.median(column) for column in zip(*results, strict=True))
    print(f"{options.events:,} events, one core: median {wall:,.0f} a second of time, {cpu:,.0f} a second of CPU")


if __name__ == "__main__":
    main()
