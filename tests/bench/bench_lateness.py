"""How much state a partition has after 45 days, by how late a touch may come (`MAALSTROM_LATENESS`).

    python -m tests.bench.bench_lateness [--events 500000] [--users 100000] [--lateness 45d,14d,7d,2d]

The same simulated events (98 % engagement, the default windows) go through a ledger for each lateness, in the order of
their arrival; what changed is reported and written every half day of them. Bytes are of all touches and what is known
of forgotten ones, and of the whole state. The journal is not among them: it keeps its segments whatever the lateness.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

from streams import simulate
from streams.core.catalogue.model import Windows
from streams.core.catalogue.parse import Catalogue, duration, parse
from streams.core.catalogue.windows import DEFAULTS
from streams.core.events.batch import Batch
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings

KEY = b"a key of the benchmark"
RETENTION, DAYS = "45d", 45
WINDOWS = Windows(**{action_class: duration(length) for action_class, length in DEFAULTS.items()})


def batches(sent: Sequence[simulate.Simulated]) -> Iterator[tuple[int, list[Batch]]]:
    """A batch of each topic for every half day."""
    offsets: dict[str, int] = {}
    for half in range(2 * DAYS):
        part = sent[half * len(sent) // (2 * DAYS) : (half + 1) * len(sent) // (2 * DAYS)]
        found = []
        for topic in sorted({each.topic for each in part}):
            values, start = [each.value for each in part if each.topic == topic], offsets.get(topic, 0)
            offsets[topic] = start + len(values)
            found.append(Batch(topic, values, [None] * len(values), range(start, offsets[topic])))
        yield half, found


def run(sent: Sequence[simulate.Simulated], catalogue: Catalogue, lateness: str) -> Ledger:
    """A ledger after all of it."""
    rules = LedgerSettings(catalogue, KEY, duration(RETENTION), lateness=duration(lateness))
    ledger = Ledger(rules)
    for half, some in batches(sent):
        for batch in some:
            ledger.apply(batch)
        ledger.expire()
        ledger.report(max(ledger.newest.values()) + 1)
        ledger.changes(half + 1)
    return ledger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--lateness", default="45d,14d,7d,2d")
    chosen = parser.parse_args()
    scenario = simulate.Scenario(events=chosen.events, users=chosen.users, days=DAYS)
    goals = parse(simulate.catalogue_text(scenario.start, scenario.days))
    catalogue = replace(goals, goals=tuple(replace(goal, windows=WINDOWS) for goal in goals.goals))
    sent = list(simulate.generate(scenario))
    for lateness in chosen.lateness.split(","):
        ledger = run(sent, catalogue, lateness)
        touches, index = len(ledger._index), ledger._index.nbytes
        _, whole, *_ = ledger.size
        print(
            f"lateness {lateness:>4}: {touches:>9,} touches kept, {len(ledger._index.forgotten.user):>7,} users with "
            f"forgotten ones, {index / 1e6:6.1f} MB of touches, {whole / 1e6:6.1f} MB of state"
        )


if __name__ == "__main__":
    main()
