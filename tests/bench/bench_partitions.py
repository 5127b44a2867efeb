"""What grows with the number of partitions: a site's month through 1, 4, 16 and 64 of them, one after the other.

    python -m tests.bench.bench_partitions [--events 200000] [--partitions 1 4 16 64] [--slice 20000]

The ledgers of all partitions share this process and take turns: each works on its part of a slice of the stream (a
second of traffic), then on what others forwarded or published to it until nothing is left, then reports and makes rows,
as a worker does each second. What a slice costs is what a cluster of as many partitions pays together; a broker, a
database and the wire are not in it. Records lie where their keys hash to.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from streams.core.catalogue.parse import parse
from streams.core.columns.murmur2 import partitions_of
from streams.core.door import sources_toml
from streams.core.events.batch import Batch, Forward, Origin
from streams.core.events.topics import FORWARDED
from streams.core.journal.segment import Segment, encode
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.simulate import site
from streams.simulate.envelopes import Simulated
from streams.simulate.site.words import SOURCES, catalogue
from tests.support.tables import values

FOREVER = 10 * 365 * 86_400_000  # ms of retention: nothing is too late
KEY = b"a key of the benchmark"
NOW = 2_000_000_000_000  # ms: later than all events
Record = tuple[bytes | None, bytes | None, Origin | None]


class Cluster:
    """Ledgers that take turns, what waits for each, and what all of it came to in seconds of CPU and in numbers."""

    def __init__(self, rules: LedgerSettings, size: int) -> None:
        self._ledgers = [Ledger(rules, number, size) for number in range(size)]
        self._waiting: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self._offsets = Counter[tuple[str, int]]()
        self.spent, self.seen = defaultdict[str, float](float), Counter[str]()

    def slice(self, records: Sequence[Simulated]) -> None:
        """A second of the stream: taken in, exchanged, reported."""
        self._send(records)
        self._work("taking in")
        while self._waiting:
            self._work("exchange")
        self._publish()
        while self._waiting:
            self._work("exchange")
        self._flush()

    def _send(self, records: Sequence[Simulated]) -> None:
        keys = [record.key.encode() if record.key else None for record in records]
        homes = partitions_of([key or b"%d" % n for n, key in enumerate(keys)], len(self._ledgers)).tolist()
        for record, key, home in zip(records, keys, homes, strict=True):
            self._waiting[record.topic, home].append((key, record.value, None))
        self.seen["events"] += len(records)

    def _work(self, stage: str) -> None:
        """All that waits now is applied, in one batch a topic and partition."""
        due, self._waiting = self._waiting, defaultdict(list)
        for (topic, number), records in due.items():
            start = self._offsets[topic, number]
            self._offsets[topic, number] += len(records)
            keys, bodies, origins = zip(*records, strict=True)
            offsets = range(start, start + len(records))
            batch = Batch(topic, bodies, keys, offsets, number, [each for each in origins if each])
            begun = time.process_time()
            applied = self._ledgers[number].apply(batch, NOW)
            self._journal(applied.segment)
            self.spent[stage] += time.process_time() - begun
            self._forward(applied.forwards)

    def _journal(self, segment: Segment) -> None:
        self.seen["segments"] += 1
        self.seen["bytes of segments"] += len(encode(segment))

    def _publish(self) -> None:
        begun = time.process_time()
        published = [each for ledger in self._ledgers for each in ledger.publish()]
        self.spent["exchange"] += time.process_time() - begun
        self._forward(published)

    def _forward(self, forwards: Sequence[Forward]) -> None:
        for each in forwards:
            self._waiting[FORWARDED, each.target].append((each.key, each.value, each.origin))
        self.seen["records between partitions"] += len(forwards)

    def _flush(self) -> None:
        self.seen["flushes"] += len(self._ledgers)
        for ledger in self._ledgers:
            begun = time.process_time()
            self._journal(ledger.report(NOW).segment)
            written = ledger.changes(self.seen["flushes"])
            self.spent["reports and rows"] += time.process_time() - begun
            self.seen["rows"] += sum(len(values(next(iter(columns.values())))) for columns in written.values())


def line(size: int, cluster: Cluster) -> str:
    """A row of the table: all of it a source event."""
    seen, each = cluster.seen, 1 / cluster.seen["events"]
    spent = [f"{cluster.spent[stage] * each * 1e6:.1f}" for stage in ("taking in", "exchange", "reports and rows")]
    counted = [
        f"{seen[name] * each:.4f}" for name in ("records between partitions", "segments", "bytes of segments", "rows")
    ]
    return f"| {size} | {' | '.join([*spent, *counted])} |"


def slices(records: Sequence[Simulated], size: int) -> Iterator[list[Simulated]]:
    """So many records each, in order."""
    left = iter(records)
    while part := list(islice(left, size)):
        yield part


def main() -> None:
    """Print a table, a line for each number of partitions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--slice", type=int, default=20_000, help="events a second, of all partitions together")
    options = parser.parse_args()
    settings = site.Site(events=options.events)
    records = site.month(settings).records
    rules = LedgerSettings(
        parse(catalogue(settings.start, settings.days)), KEY, FOREVER, sources=sources_toml.parse(SOURCES)
    )
    print(
        "All figures are of one source event: CPU in us, what goes between partitions, segments, their bytes, rows.\n"
    )
    print("| partitions | taking in | exchange | reports and rows | records between | segments | bytes | rows |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for size in options.partitions:
        cluster = Cluster(rules, size)
        for part in slices(records, options.slice):
            cluster.slice(part)
        print(line(size, cluster), flush=True)


if __name__ == "__main__":
    main()
