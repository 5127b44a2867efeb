"""Sizes: whatever is taken in is journalled in small records, cut anywhere, merged, and restored to the same state."""

from collections.abc import Sequence, Sized
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.catalogue.parse import parse
from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.events.watermark import DeadLetter
from streams.core.journal.cutting import cut
from streams.core.journal.segment import Segment, SegmentKey, decode, encode, merged
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.core.orders.order import merged_orders
from streams.kafka.segment_codec import packed, unpacked
from tests.conftest import tried
from tests.property.test_ledger import slow
from tests.support.messages import DAY, HOUR, NOON, identify, message, order, refund, touch
from tests.support.tables import Database

CATALOGUE = parse('base_currency = "NOK"\n[[goal]]\nid = "revenue"\nevent = "Order Completed"\n')
KEY = b"sixteen letters!"
NOW = NOON + 30 * DAY
LIMIT = 1500
Record = tuple[str, bytes]

ids = st.sampled_from(["undefined", "1", "😀" * 250])
names = st.sampled_from(["a", "b" * 300, "😀" * 200, "c😀" * 99])
times = st.integers(0, 20).map(lambda days: NOON + days * DAY)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """One record of any topic, often of one order, now and then a long one."""
    message_id = str(draw(st.integers(0, 60))).rjust(draw(st.sampled_from([1, 36, 256])), "m")
    kind, time, user = draw(st.integers(0, 9)), draw(times), draw(st.sampled_from(["u", "v" * 1024]))
    if kind < 3:
        return ENGAGEMENT, touch(message_id, time, draw(names), user=user, anonymous=draw(st.sampled_from([None, "x"])))
    if kind == 3:
        return "identity", identify(message_id, time, draw(st.sampled_from("xyz")), user)
    if kind == 4:
        return CHECKOUT, order(message_id, time, draw(ids), draw(st.integers(1, 9)), user=user)
    if kind == 5:
        return CHECKOUT, message("Order Cancelled", message_id, time, order_id=draw(ids))
    note = "n" * draw(st.sampled_from([0, 3000]))
    return CHECKOUT, refund(message_id, time, draw(ids), total=draw(st.integers(0, 2)), note=note)


class Journalled:
    """A ledger whose segments become small records; it may die between any two of them."""

    def __init__(self) -> None:
        self.journal: list[tuple[SegmentKey, bytes]] = []
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(LedgerSettings(CATALOGUE, KEY, retention=400 * DAY))
        self.ledger.restore([(key, unpacked(value)[0]) for key, value in self.journal], NOW)

    def take(self, batch: Sequence[Record], topic: str, durable: float = 1.0) -> None:
        values = [raw for name, raw in batch if name == topic]
        start = self.ledger.offsets.get(topic, 0)
        segment = self.ledger.apply(
            Batch(topic, values, [None] * len(values), range(start, start + len(values))), NOW
        ).segment
        self.record(segment, durable)

    def record(self, segment: Segment, durable: float = 1.0) -> None:
        parts = cut(segment, LIMIT)
        assert all(len(encode(part)) <= LIMIT or _atoms(part) <= 1 for part in parts)
        for part in parts[: int(durable * len(parts))]:
            self.journal.append((SegmentKey(NOW // HOUR, 1, len(self.journal)), packed(part)[0]))

    def merge(self, start: int, end: int) -> None:
        group = self.journal[start:end]
        if group:
            whole = merged([unpacked(value)[0] for _, value in group], one_hour=True)
            whole.since = group[0][0].sequence
            self.journal[start:end] = [(group[-1][0], packed(whole)[0])]


def _atoms(part: Segment) -> int:
    """How many things a part has that could be in another one."""
    orders = (*part.orders, *part.foreign_orders, *part.shared_orders)
    inside = sum(max(1, len(o.refunds) + len(o.waiting) + len(o.messages) + len(o.claims)) for o in orders)
    rest: tuple[Sized, ...] = (part.statements, part.marks, part.places)
    tables = part.columns, part.links, part.identified, part.replicated
    return inside + sum(map(len, rest)) + sum(len(table.form) for table in tables)


def state(ledger: Ledger) -> tuple[Any, list[DeadLetter], dict[str, int]]:
    """All that is to be seen of a ledger, from outside."""
    waiting = sorted(ledger.unclaimed(), key=lambda letter: letter.offset)
    while ledger.pending:
        ledger.report(NOW)
    database = Database()
    database.write(ledger.changes(version=1))
    seen = (database.goal_attribution(), database.engagement_counts(), database.conversions())
    return seen, waiting, dict(ledger.offsets)


@settings(slow, max_examples=tried(60))
@given(st.lists(st.lists(records(), max_size=25), max_size=6), st.randoms(use_true_random=False))
def test_what_is_taken_in_is_journalled_cut_merged_and_restored(batches: list[list[Record]], random: Any) -> None:
    live, worker = Journalled(), Journalled()
    for batch in batches:
        for topic in (ENGAGEMENT, "identity", CHECKOUT):
            live.take(batch, topic)
            if random.random() < 0.3:  # it dies halfway, and takes the batch in again
                worker.take(batch, topic, random.random() * 0.99)
                worker.restart()
            worker.take(batch, topic)
        if random.random() < 0.5:
            start = random.randrange(len(worker.journal))
            worker.merge(start, start + random.randrange(2, 9))
    assert len(worker.ledger.unclaimed()) == len(live.ledger.unclaimed())
    worker.restart()
    assert state(worker.ledger) == state(live.ledger)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 50))
def test_an_order_and_its_halves_say_the_same(amounts: list[int], size: int) -> None:
    ledger = Journalled()
    ledger.take([(CHECKOUT, refund(f"r{i}-{n}", NOON, "o", total=n)) for i, n in enumerate(amounts)], CHECKOUT)
    for whole in decode(encode(Segment(orders=list(ledger.ledger._book.orders.values())))).orders:
        parts = [whole]
        while any(large := [part for part in parts if part.halves and len(part.refunds) + len(part.waiting) > size]):
            at = parts.index(large[0])
            parts[at : at + 1] = large[0].halves or ()
        assert merged_orders(parts) == [whole]


def test_a_crash_after_any_part_of_one_large_order_counts_nothing_twice() -> None:
    batch = [(CHECKOUT, refund(f"r{i}", NOON, "undefined", total=1, note="n" * 900)) for i in range(6)]
    live = Journalled()
    live.take(batch, CHECKOUT)
    for parts in range(len(live.journal)):
        worker = Journalled()
        worker.take(batch, CHECKOUT, parts / len(live.journal) + 0.001)
        assert len(worker.journal) == parts
        worker.restart()
        worker.take(batch, CHECKOUT)
        assert len(worker.ledger.unclaimed()) == 6
        worker.restart()
        assert [letter.offset for letter in worker.ledger.unclaimed()] == list(range(6))


def test_an_order_costs_a_segment_no_more_than_its_batch() -> None:
    """30 000 refunds of one order id, a thousand a batch: what is journalled does not grow with the order."""
    worker, sizes = Journalled(), list[int]()
    for start in range(0, 30_000, 1000):
        values = [refund(f"r{i}", NOON, "undefined", total=1) for i in range(start, start + 1000)]
        segment = worker.ledger.apply(Batch(CHECKOUT, values, [None] * 1000, range(start, start + 1000)), NOW).segment
        sizes.append(len(encode(segment)))
    assert sizes[-1] < 1.1 * sizes[1]


def test_the_whole_of_an_order_is_said_again_before_the_segment_that_said_it_is_past() -> None:
    worker, whole = Journalled(), list[int]()
    for day in range(40):
        values = [refund(f"r{day}", NOON + day * DAY // 4, "o", total=1)]
        batch = Batch(CHECKOUT, values, [None], [day])
        whole.append(len(worker.ledger.apply(batch, NOW).segment.orders[0].refunds))
    assert [i for i, n in enumerate(whole) if n == i + 1] == list(range(0, 40, 5))
