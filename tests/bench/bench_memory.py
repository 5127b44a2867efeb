"""How much memory a retained touch takes: growth of resident memory over ten million touches.

    python tests/bench/bench_memory.py [--touches 10000000]

Touches go into the index that a ledger keeps them in, in batches as a worker gets them, with message ids that are UUIDs
and five touches a user. Run as a worker runs: large arrays go back to the system when they are freed.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from streams.core.columns.message_ids import UUID, Keys
from streams.core.columns.run import KeyedRows
from streams.core.journeys.touches import TouchIndex

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touches", type=int, default=10_000_000)
    touches = parser.parse_args().touches
    if _THRESHOLD not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {_THRESHOLD: str(1 << 20)})
    rng, index = np.random.default_rng(1), TouchIndex(lambda *_: "", lambda _: ())
    index.add(batch(rng, 0, touches // 5))
    before, started = resident(), time.process_time()
    for number in range(1, touches // BATCH + 1):
        index.add(batch(rng, number, touches // 5))
    seconds = time.process_time() - started
    print(
        f"{len(index):,} touches: {(resident() - before) / len(index):.1f} bytes of resident memory each "
        f"({index.nbytes / len(index):.1f} in arrays), {seconds / len(index) * 1e6:.2f} us of CPU each"
    )


if __name__ == "__main__":
    main()
