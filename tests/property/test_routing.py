"""Several partitions against the naive reference: whatever partition a record lies in, the figures are the same."""

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.admission import Batch, Origin
from streams.core.events import REVERSALS, Rejected, checkout
from streams.core.ledger import Ledger, Rules
from streams.core.routing import FORWARDED
from streams.core.segment import Segment, SegmentKey, decode, encode
from streams.core.tokens import token_of
from tests.property.test_ledger import HOUR, KEY, LONG, check, slow
from tests.reference import attribute
from tests.strategies import CATALOGUE, NOON, Stream, streams
from tests.tables import Database

PARTITIONS = 3
NOW = NOON + 48 * HOUR
Record = tuple[bytes | None, bytes | None, Origin | None]


class Cluster:
    """Partitions with their ledgers, journals and source logs, and the internal topic between them."""

    def __init__(self) -> None:
        self.database, self.now = Database(), NOW
        self.logs: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.journals: dict[int, list[tuple[SegmentKey, bytes]]] = defaultdict(list)
        self.ledgers = {number: self.restored(number) for number in range(PARTITIONS)}
        self.letters: list[bytes | None] = []

    def restored(self, number: int) -> Ledger:
        ledger = Ledger(Rules(CATALOGUE, KEY, retention=LONG), number, PARTITIONS)
        ledger.restore([(key, decode(value)) for key, value in self.journals[number]], self.now)
        return ledger

    def pending(self) -> list[tuple[str, int]]:
        return [(t, p) for (t, p), log in sorted(self.logs.items()) if self.ledgers[p].offsets.get(t, 0) < len(log)]

    def step(self, topic: str, number: int, size: int, durable: bool = True) -> None:
        """Apply some records; without `durable` the worker dies after forwarding, before its segment is written."""
        applied = self.ledgers[number].apply(self.batch(topic, number, size), self.now)
        for forward in applied.forwards:
            self.logs[FORWARDED, forward.target].append((forward.key, forward.value, forward.origin))
        if durable:
            self.write(number, applied.segment)
        else:
            self.ledgers[number] = self.restored(number)

    def batch(self, topic: str, number: int, size: int) -> Batch:
        """So many of the records that come next."""
        start = self.ledgers[number].offsets.get(topic, 0)
        records = self.logs[topic, number][start : start + size]
        origins = [origin for _, _, origin in records if origin]
        columns = ([value for _, value, _ in records], [key for key, _, _ in records])
        return Batch(topic, *columns, range(start, start + len(records)), number, origins)

    def write(self, number: int, segment: Segment) -> None:
        key = SegmentKey(self.now // HOUR, 1, len(self.journals[number]))
        self.journals[number].append((key, encode(segment)))

    def flush(self, later: int = 0) -> None:
        """Report and write what changed, so much later (ms)."""
        self.now += later
        for number, ledger in self.ledgers.items():
            self.write(number, ledger.report(self.now).segment)
            self.database.write(ledger.changes(version=len(self.journals[number])))


def of_one_buyer(stream: Stream) -> Stream:
    """Without completions of an order by somebody else: an order lives where its buyer does."""
    buyers: dict[str, object] = {}
    return [record for record in stream if _token(record, buyers)]


def _token(record: tuple[str, bytes], buyers: dict[str, object]) -> bool:
    try:
        event = checkout(record[1], CATALOGUE.events, "NOK")
    except Rejected:
        return True
    if record[0] != "checkout" or event is None or event.envelope.event in REVERSALS:
        return True
    token = token_of(event.envelope)
    return buyers.setdefault(event.order_id, token) == token


@settings(slow, max_examples=40)
@given(streams().map(of_one_buyer), st.randoms(use_true_random=False))
def test_any_partition_gives_the_same(stream: Stream, random: Any) -> None:
    cluster = Cluster()
    for topic, value in [*stream, *random.sample(stream, len(stream) // 4)]:
        cluster.logs[topic, random.randrange(PARTITIONS)].append((None, value, None))
    for _ in range(2000):
        pending = cluster.pending()
        if not pending:
            break
        cluster.step(*random.choice(pending), random.randrange(1, 9), durable=random.random() > 0.15)
        if random.random() < 0.2:
            cluster.flush()
    assert not cluster.pending()
    cluster.flush(HOUR)  # transitions are counted now and then
    result = attribute(CATALOGUE, stream)
    check(cluster.database, result)
    unclaimed = [letter for ledger in cluster.ledgers.values() for letter in ledger.unclaimed()]
    assert len(unclaimed) == len(result.unknown_orders)
