"""How much memory a retained touch takes: growth of resident memory over ten million touches.

    python tests/bench/bench_memory.py [--touches 10000000] [--state-memory 64MiB]

Touches go into the index that a ledger keeps them in, in batches as a worker gets them, with message ids that are UUIDs
and five touches a user. Run as a worker runs: large arrays go back to the system when they are freed.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from streams.core.columns.message_ids import UUID, Keys
from streams.core.columns.run import KeyedRows
from streams.core.columns.stored.keeper import IN_MEMORY, RunKeeper
from streams.core.journeys.touches import TouchIndex
from streams.core.parsing.sizes import size
from streams.worker.state_files import StateFiles, StateRoom

BATCH = 8192
_THRESHOLD = "MALLOC_MMAP_THRESHOLD_"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def batch(rng: np.random.Generator, number: int, users: int) -> KeyedRows:
    """Random keys are what UUIDs become; times advance by a millisecond a touch."""
    high, low = (rng.integers(0, 2**64, BATCH, dtype=np.uint64) for _ in range(2))
    user = rng.integers(0, users, BATCH).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
    time_ = 1_790_000_000_000 + number * BATCH + np.arange(BATCH)
    kind = rng.integers(0, 200, BATCH).astype(np.uint32)
    return KeyedRows(user, time_, kind, Keys(high, low, np.full(BATCH, UUID, np.uint8)))


def settle(index: TouchIndex, room: int) -> None:
    """Move runs to files, as a ledger does, while those in memory take more."""
    while index.runs.staying > room and index.runs.largest and index.runs.move():
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touches", type=int, default=10_000_000)
    parser.add_argument("--state-memory", type=size, help="bytes beyond which they are in files, such as 64MiB")
    chosen = parser.parse_args()
    if _THRESHOLD not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {_THRESHOLD: str(1 << 20)})
    with tempfile.TemporaryDirectory() as folder:
        room = chosen.state_memory
        measure(chosen.touches, room, IN_MEMORY if room is None else StateFiles(StateRoom(Path(folder), room)))


def measure(touches: int, room: int | None, keeper: RunKeeper) -> None:
    """Add so many touches, and say what they take."""
    rng, index = np.random.default_rng(1), TouchIndex(lambda *_: "", lambda _: ())
    index.runs.keeper = keeper
    index.add(batch(rng, 0, touches // 5))
    before, spent = resident(), list[float]()
    for number in range(1, touches // BATCH + 1):
        some, started = batch(rng, number, touches // 5), time.process_time()
        index.add(some)
        if room is not None:
            settle(index, room)
            index.runs.rest()
        spent.append(time.process_time() - started)
    tenth = max(1, len(spent) // 10)
    early, late = (sum(part) / len(part) / BATCH * 1e6 for part in (spent[tenth : 2 * tenth], spent[-tenth:]))
    number = len(index)
    print(
        f"{number:,} touches: {(resident() - before) / number:.1f} bytes of resident memory each "
        f"({index.nbytes / number:.1f} in arrays), {index.runs.disk / number:.1f} on disk in {len(index.runs.held)} "
        f"runs; {sum(spent) / number * 1e6:.2f} us of CPU each ({early:.2f} in the second tenth, {late:.2f} in the "
        f"last), {max(spent) * 1000:.0f} ms the longest batch"
    )


if __name__ == "__main__":
    main()
