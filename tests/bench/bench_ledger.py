"""Where a ledger's CPU time goes: microseconds an event by stage, from records in memory to segments and rows.

    python tests/bench/bench_ledger.py [--events 500000] [--batch 8192] [--runs 3]

A simulated month goes through one ledger as a worker has it: in batches of both topics side by side, each segment
encoded, a report and rows every 64 batches. Time in a stage leaves out the stages that it calls; the last column is
a stage's time for each of its own things: an event, an order or a conversion.
"""

import argparse
import gc
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from streams import simulate
from streams.core.attribution.attributor import Attributor
from streams.core.attribution.transitions import Transitions
from streams.core.catalogue.parse import parse
from streams.core.columns.message_ids import MessageIds
from streams.core.door.plain.batches import BatchReader
from streams.core.events.batch import Batch
from streams.core.identity.tokens import Tokens
from streams.core.journal import segment
from streams.core.journeys.from_events import TouchBuilder
from streams.core.journeys.touches import TouchIndex
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.core.orders.store import OrderStore
from streams.core.rows import pending
from streams.core.rows.aggregates import Aggregates

REPORT_EVERY = 64  # batches
FOREVER = 10 * 365 * 86_400_000  # ms of retention: nothing is too late
NOW = 2_000_000_000_000  # ms: later than all events


class Stage(NamedTuple):
    """A function to be timed, and the thing it is counted by."""

    name: str
    owner: Any
    function: str
    per: str


STAGES = (
    Stage("read messages", BatchReader, "read", "event"),
    Stage("rows of touches", TouchBuilder, "rows", "engagement"),
    Stage("  tokens hashed", Tokens, "hashes", "engagement"),
    Stage("  message keys", MessageIds, "keys", "engagement"),
    Stage("index", TouchIndex, "add", "engagement"),
    Stage("count engagement", Aggregates, "engaged", "engagement"),
    Stage("whose orders", OrderStore, "affected", "engagement"),
    Stage("book orders", OrderStore, "apply", "checkout"),
    Stage("state conversions", Attributor, "state", "conversion"),
    Stage("  journeys", TouchIndex, "journeys", "conversion"),
    Stage("transitions of journeys", Transitions, "count", "engagement"),
    Stage("credit, all models", Aggregates, "stated", "conversion"),
    Stage("rows of aggregates", Aggregates, "changes", "event"),
    Stage("rows of conversions", pending, "conversion_columns", "conversion"),
    Stage("rows of who was seen", pending, "seen_columns", "engagement"),
    Stage("encode segments", segment, "encode", "event"),
    Stage("all else", Ledger, "apply", "event"),
)


class Stopwatch:
    """CPU seconds by stage, without those of the stages inside."""

    def __init__(self) -> None:
        self.seconds = defaultdict[str, float](float)
        self._inner = [0.0]

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            started = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                spent = time.process_time() - started
                self.seconds[name] += spent - self._inner.pop()
                self._inner[-1] += spent

        return run


def batches(events: int, size: int) -> Iterator[Batch]:
    """Batches of each topic, in the order in which the last of their records arrived."""
    waiting: dict[str, list[bytes]] = {"engagement": [], "checkout": []}
    offsets = Counter[str]()
    for topic, _, value in simulate.generate(simulate.Scenario(events=events)):
        waiting[topic].append(value)
        if len(waiting[topic]) == size:
            yield _batch(topic, waiting, offsets)
    for topic in waiting:
        yield _batch(topic, waiting, offsets)


def _batch(topic: str, waiting: dict[str, list[bytes]], offsets: Counter[str]) -> Batch:
    values, waiting[topic] = waiting[topic], []
    offsets[topic] += len(values)
    return Batch(topic, values, [None] * len(values), range(offsets[topic] - len(values), offsets[topic]))


def run_once(work: list[Batch]) -> tuple[Stopwatch, Counter[str]]:
    """One ledger over all batches; what it took, and how many things there were."""
    scenario, watch, things = simulate.Scenario(), Stopwatch(), Counter[str]()
    catalogue = parse(simulate.catalogue_text(scenario.start, scenario.days))
    before = [(stage, getattr(stage.owner, stage.function)) for stage in STAGES]
    for stage, function in before:
        setattr(stage.owner, stage.function, watch.timed(stage.name, function))
    try:
        one = Ledger(LedgerSettings(catalogue, b"a key of the benchmark", FOREVER))
        for number, batch in enumerate(work, 1):
            segment.encode(one.apply(batch, NOW).segment)
            things.update({batch.topic: len(batch.values), "event": len(batch.values)})
            if number % REPORT_EVERY == 0 or number == len(work):
                stated = one.report(NOW)
                segment.encode(stated.segment)
                one.changes(number)
                things["conversion"] += len(stated.pairs)
    finally:
        for stage, function in before:
            setattr(stage.owner, stage.function, function)
    return watch, things


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    work = list(batches(options.events, options.batch))
    gc.freeze()
    results = [run_once(work) for _ in range(options.runs)]
    things = results[0][1]
    median = {stage.name: statistics.median(watch.seconds[stage.name] for watch, _ in results) for stage in STAGES}
    print(f"{'':24}{'us an event':>12}{'us each':>12}")
    for stage in STAGES:
        each = f"{median[stage.name] / things[stage.per] * 1e6:8.2f} a {stage.per}"
        print(f"{stage.name:24}{median[stage.name] / things['event'] * 1e6:12.3f}    {each}")
    total = statistics.median(sum(watch.seconds.values()) for watch, _ in results)
    print(f"{'together':24}{total / things['event'] * 1e6:12.3f}    {things['event']:,} events, {options.runs} runs")


if __name__ == "__main__":
    main()
