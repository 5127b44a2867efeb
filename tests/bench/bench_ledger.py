"""Where a ledger's CPU time goes: microseconds an event by stage, from records in memory to segments and rows.

    python tests/bench/bench_ledger.py [--events 500000] [--batch 8192] [--runs 3]

Two simulated months go through a ledger each as a worker has it, by turns: `plain`, touches and orders in two topics,
and `site`, what a real site sends to one, most of it page calls. In batches of the topics side by side, each segment
encoded, a report and rows every 64 batches. Time in a stage leaves out the stages that it calls; the last column is
a stage's time for each of its own things: an event, a touch, a message of an order or a conversion.
"""

import argparse
import gc
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from streams import simulate
from streams.core.attribution.attributor import Attributor
from streams.core.attribution.transitions import Transitions
from streams.core.catalogue.parse import parse
from streams.core.columns.message_ids import MessageIds
from streams.core.door import sources_toml
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
from streams.simulate import site
from streams.simulate.site.words import SOURCES
from streams.simulate.site.words import catalogue as site_catalogue

REPORT_EVERY = 64  # batches
FOREVER = 10 * 365 * 86_400_000  # ms of retention: nothing is too late
KEY = b"a key of the benchmark"
NOW = 2_000_000_000_000  # ms: later than all events


class Stage(NamedTuple):
    """A function to be timed, and the thing it is counted by."""

    name: str
    owner: Any
    function: str
    per: str


STAGES = (
    Stage("read messages", BatchReader, "read", "event"),
    Stage("rows of touches", TouchBuilder, "rows", "touch"),
    Stage("  tokens hashed", Tokens, "hashes", "touch"),
    Stage("  message keys", MessageIds, "keys", "touch"),
    Stage("index", TouchIndex, "add", "touch"),
    Stage("count engagement", Aggregates, "engaged", "touch"),
    Stage("whose orders", OrderStore, "affected", "touch"),
    Stage("book orders", OrderStore, "apply", "order"),
    Stage("state conversions", Attributor, "attribute", "conversion"),
    Stage("  journeys", TouchIndex, "journeys", "conversion"),
    Stage("transitions of journeys", Transitions, "count", "touch"),
    Stage("credit, all models", Aggregates, "stated", "conversion"),
    Stage("rows of aggregates", Aggregates, "changes", "event"),
    Stage("rows of conversions", pending, "conversion_columns", "conversion"),
    Stage("rows of who was seen", pending, "seen_columns", "touch"),
    Stage("encode segments", segment, "encode", "event"),
    Stage("all else", Ledger, "apply", "event"),
)


OF_ORDERS = ("orders", "statements", "buyers", "messages of orders")


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


class Month(NamedTuple):
    """What is sent, in batches, and the rules of who reads it."""

    work: list[Batch]
    rules: LedgerSettings


def plain(events: int, size: int) -> Month:
    """A month of touches and orders in two topics."""
    scenario = simulate.Scenario(events=events)
    sent = ((topic, value) for topic, _, value in simulate.generate(scenario))
    catalogue = parse(simulate.catalogue_text(scenario.start, scenario.days))
    return Month(list(batches(sent, size)), LedgerSettings(catalogue, KEY, FOREVER))


def of_a_site(events: int, size: int) -> Month:
    """A month of what a site sends through one topic, some of it written carelessly."""
    settings = site.Site(events=events, dirt=0.05)
    sent = ((record.topic, record.value) for record in site.month(settings).records)
    catalogue = parse(site_catalogue(settings.start, settings.days))
    rules = LedgerSettings(catalogue, KEY, FOREVER, sources=sources_toml.parse(SOURCES))
    return Month(list(batches(sent, size)), rules)


def batches(sent: Iterable[tuple[str, bytes]], size: int) -> Iterator[Batch]:
    """Batches of each topic, in the order in which the last of their records arrived."""
    waiting, offsets = defaultdict[str, list[bytes]](list), Counter[str]()
    for topic, value in sent:
        waiting[topic].append(value)
        if len(waiting[topic]) == size:
            yield _batch(topic, waiting, offsets)
    for topic in waiting:
        yield _batch(topic, waiting, offsets)


def _batch(topic: str, waiting: dict[str, list[bytes]], offsets: Counter[str]) -> Batch:
    values, waiting[topic] = waiting[topic], []
    offsets[topic] += len(values)
    return Batch(topic, values, [None] * len(values), range(offsets[topic] - len(values), offsets[topic]))


def run_once(month: Month) -> tuple[Stopwatch, Counter[str]]:
    """One ledger over all batches; what it took, and how many things there were."""
    watch, things = Stopwatch(), Counter[str]()
    before = [(stage, getattr(stage.owner, stage.function)) for stage in STAGES]
    for stage, function in before:
        setattr(stage.owner, stage.function, watch.timed(stage.name, function))
    try:
        one = Ledger(month.rules)
        for number, batch in enumerate(month.work, 1):
            applied = one.apply(batch, NOW)
            segment.encode(applied.segment)
            things.update(touch=len(applied.segment.touches.time), event=len(batch.values))
            things["order"] += sum(len(order.messages) for order in applied.segment.orders)
            if number % REPORT_EVERY == 0 or number == len(month.work):
                stated = one.report(NOW)
                segment.encode(stated.segment)
                one.changes(number)
                things["conversion"] += len(stated.pairs)
    finally:
        for stage, function in before:
            setattr(stage.owner, stage.function, function)
    return watch, things


def order_bytes(month: Month) -> float:
    """What an order takes of memory, with its messages, its buyers and its conversions."""
    ledger = Ledger(month.rules)
    for batch in month.work:
        ledger.apply(batch, NOW)
    while ledger.report(NOW).pairs:
        pass
    sizes = ledger._upkeep.by_part
    return sum(sizes[part] for part in OF_ORDERS) / len(ledger._book.orders)


def show(name: str, results: Sequence[tuple[Stopwatch, Counter[str]]]) -> None:
    things = results[0][1]
    median = {stage.name: statistics.median(watch.seconds[stage.name] for watch, _ in results) for stage in STAGES}
    print(f"{name:24}{'us an event':>12}{'us each':>12}")
    for stage in STAGES:
        each = f"{median[stage.name] / max(things[stage.per], 1) * 1e6:8.2f} a {stage.per}"
        print(f"{stage.name:24}{median[stage.name] / things['event'] * 1e6:12.3f}    {each}")
    total = statistics.median(sum(watch.seconds.values()) for watch, _ in results)
    print(f"{'together':24}{total / things['event'] * 1e6:12.3f}    {things['event']:,} events, {len(results)} runs\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    months = {make.__name__: make(options.events, options.batch) for make in (plain, of_a_site)}
    gc.freeze()
    results: dict[str, list[tuple[Stopwatch, Counter[str]]]] = {name: [] for name in months}
    for _ in range(options.runs):
        for name, month in months.items():
            results[name].append(run_once(month))
    for name, measured in results.items():
        show(name.replace("_", " "), measured)
    print(f"an order takes {order_bytes(months['plain']):,.0f} bytes of memory")


if __name__ == "__main__":
    main()
