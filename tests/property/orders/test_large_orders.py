"""Large orders and journeys: what of the ordinary does not fit a record of Kafka is journalled, and restored."""

import base64
import random
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.journal.chunks import chunked, whole
from streams.core.journal.cutting import RAW_LIMIT, cut
from streams.core.journal.segment import Segment, SegmentKey
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.kafka.segment_codec import packed, unpacked
from streams.worker.journal import MAX_RECORD_BYTES
from tests.property.test_sizes import CATALOGUE, state
from tests.support.messages import HOUR, NOON, order, refund, touch

NOW, DICE = NOON + HOUR, random.Random(1)


def noise(size: int) -> str:
    """Text that cannot be made smaller."""
    return base64.b64encode(DICE.randbytes(size * 3 // 4)).decode()


def letters(count: int) -> str:
    """Text of letters of four bytes."""
    return "".join(chr(DICE.randrange(0x10000, 0x1F000)) for _ in range(count))


def some_id() -> str:
    return str(UUID(int=DICE.getrandbits(128)))


CASES: dict[str, Callable[[], tuple[list[bytes], list[bytes]]]] = {
    "14 refunds of an unknown order, a note of 60 kB each": lambda: (
        [],
        [refund(f"r{i}", NOON, "never", note=noise(60_000)) for i in range(14)],
    ),
    "12 000 refunds of `undefined`": lambda: (
        [],
        [refund(some_id(), NOON, "undefined", total=1, sku=DICE.random()) for _ in range(12_000)],
    ),
    "30 000 refunds of one order": lambda: (
        [],
        [order("o", NOON, "1"), *(refund(some_id(), NOON, "1", total=1) for _ in range(30_000))],
    ),
    "4 000 refunds with ids of 256 characters": lambda: (
        [],
        [order("o", NOON, "1"), *(refund(letters(256), NOON, "1", total=1) for _ in range(4000))],
    ),
    "1 000 campaigns of 200 letters, then an order": lambda: (
        [touch(some_id(), NOON - i, letters(200), network=letters(64)) for i in range(1000)],
        [order("o", NOON, "1")],
    ),
    "14 campaigns of 60 kB, then an order": lambda: (
        [touch(some_id(), NOON - i, noise(60_000)) for i in range(14)],
        [order("o", NOON, "1")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_journalled_in_records_that_kafka_takes(name: str) -> None:
    ledger, journal = (
        Ledger(LedgerSettings(CATALOGUE, b"sixteen letters!", 45 * 24 * HOUR)),
        list[tuple[SegmentKey, Segment]](),
    )

    def write(segment: Segment) -> None:
        for part in cut(segment, RAW_LIMIT):
            head, chunks = chunked(packed(part)[0], MAX_RECORD_BYTES)
            assert all(len(value) <= MAX_RECORD_BYTES for value in (head, *chunks.values()))
            journal.append((SegmentKey(NOW // HOUR, 1, len(journal)), unpacked(whole(head, chunks.get))[0]))

    def take(topic: str, values: Sequence[bytes]) -> None:
        for start in range(0, len(values), 2000):
            part = values[start : start + 2000]
            batch = Batch(topic, part, [None] * len(part), range(start, start + len(part)))
            write(ledger.apply(batch, NOW).segment)

    touches, checkouts = CASES[name]()
    take(ENGAGEMENT, touches)
    take(CHECKOUT, checkouts)
    write(ledger.report(NOW).segment)
    restored = Ledger(LedgerSettings(CATALOGUE, b"sixteen letters!", 45 * 24 * HOUR))
    restored.restore(journal, NOW)
    assert state(restored) == state(ledger)
