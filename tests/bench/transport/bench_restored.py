"""How much memory a ledger's process takes that is restored from the segments of many touches.

    python -m tests.bench.transport.bench_restored [--touches 10000000] [--state-memory 64MiB]

Segments are made as they are sent, so that no journal is needed: batches of 8 192 touches of some days, with random ids
and twenty touches a user. Memory is that of the process, pages of its files among them. Give it a limit with `prlimit`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from streams import simulate
from streams.core.catalogue.parse import parse
from streams.core.columns.message_ids import UUID, Keys
from streams.core.columns.run import KeyedRows
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import Segment, SegmentKey, columns
from streams.core.journeys.kinds import TouchKind
from streams.core.ledger.settings import LedgerSettings
from streams.core.parsing.sizes import size
from streams.core.parsing.units import DAY, HOUR
from streams.kafka.segment_codec import packed
from streams.worker.ledgers.proxy import LedgerPool
from streams.worker.state_files import StateRoom

BATCH, DAYS, NOW, KEY = 8192, 40, 1_790_000_000_000, b"a key of the benchmark"
KIND = TouchKind(simulate.Scenario().start.isoformat(), "facebook", "click")


def segments(touches: int) -> Iterator[tuple[SegmentKey, bytes]]:
    """A journal, value by value."""
    rng, fingerprint = np.random.default_rng(1), Tokens(KEY).fingerprint
    for number in range(touches // BATCH):
        user = rng.integers(1, touches // 20, BATCH).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        high, low = (rng.integers(0, 2**64, BATCH, dtype=np.uint64) for _ in range(2))
        time = NOW - rng.integers(0, DAYS * DAY, BATCH)
        rows = KeyedRows(user, time, np.zeros(BATCH, np.uint32), Keys(high, low, np.full(BATCH, UUID, np.uint8)))
        segment = Segment(flushed=number - 1, newest={"engagement": NOW}, kinds={0: KIND}, columns=columns(rows))
        segment.starts, segment.offsets = {"engagement": number * BATCH}, {"engagement": (number + 1) * BATCH}
        segment.token_key, segment.partitions = fingerprint, 1
        yield SegmentKey(NOW // HOUR, 1, number), packed(segment)[0]


async def restored(touches: int, room: StateRoom) -> str:
    """What the process takes, in words."""
    scenario = simulate.Scenario()
    rules = LedgerSettings(parse(simulate.catalogue_text(scenario.start, scenario.days)), KEY, 45 * DAY)
    pool = LedgerPool(rules, 1, 1, room)
    try:
        found = await pool.of(0).restore(segments(touches), NOW)
        (process,) = pool.processes
        status = Path(f"/proc/{process}/status").read_text()
        most, now = (
            int(re.findall(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[0]) // 1024 for name in ("VmHWM", "VmRSS")
        )
        cpu = sum(map(int, Path(f"/proc/{process}/stat").read_text().split()[13:15])) / os.sysconf("SC_CLK_TCK")
        kept = found.standing.size
        memory = f"{kept.touches:,} touches: {now} MiB resident, {most} at most"
        return f"{memory}; {kept.disk / kept.touches:.1f} bytes on disk each; {cpu:.0f} s of CPU"
    finally:
        await pool.close()


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touches", type=int, default=10_000_000)
    parser.add_argument("--state-memory", type=size, default=64 << 20)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(restored(chosen.touches, StateRoom(Path(folder), chosen.state_memory))))


if __name__ == "__main__":
    main()
