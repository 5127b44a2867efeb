"""What the state takes in memory is told within a factor of 1.6, of whatever it mostly consists."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from streams.core.events.batch import Batch
from streams.core.ledger.footprint import Footprint, deep_size
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import DAY, HOUR, NOON, identify, order, touch

N, FACTOR = 40_000, 1.6
Feed = Callable[[int], tuple[str, bytes]]

FEEDS: dict[str, Feed] = {
    "touches": lambda n: ("engagement", touch(f"t{n}", NOON - n, user=f"u{n}")),
    "long message ids": lambda n: ("engagement", touch(f"{n}-{'long' * 20}", NOON - n, user=f"u{n % 50}")),
    "junk names": lambda n: ("engagement", touch(f"t{n}", NOON, f"junk {n} of a bot that tries", user="u")),
    "orders": lambda n: ("checkout", order(f"c{n}", NOON - n, f"order-{n}", user=f"u{n % 900}")),
    "links": lambda n: ("identity", identify(f"i{n}", NOON, f"browser-{n}", f"user-{n}")),
}


@pytest.mark.parametrize("name", FEEDS)
def test_the_state_is_as_large_as_it_says(name: str) -> None:
    records = [FEEDS[name](n) for n in range(N)]
    gc.collect()
    tracemalloc.start()
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, 45 * DAY))
    empty = tracemalloc.get_traced_memory()[0]
    topic = records[0][0]
    for start in range(0, N, 2000):
        values = [value for _, value in records[start : start + 2000]]
        ledger.apply(Batch(topic, values, [None] * len(values), range(start, start + len(values))), NOON)
        ledger.report(NOON)
        ledger.changes(version=start)
    ledger.apply(Batch(topic, [], [], []), NOON + HOUR)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - empty
    tracemalloc.stop()
    assert taken / FACTOR < ledger.size[1] < taken * FACTOR


def test_it_is_measured_again_when_things_grow() -> None:
    footprint, texts = Footprint(), ["a"] * 100
    assert footprint.of("texts", texts) < 100 * 80
    texts += ["a" * 10_000 + str(n) for n in range(10_000)]
    assert footprint.of("texts", texts) == pytest.approx(10_000 * 10_050, rel=0.05)


def test_an_object_counts_once() -> None:
    text = "x" * 1000
    assert deep_size([text, text, {"a": text}]) < 1500
