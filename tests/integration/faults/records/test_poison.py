"""Bad records among good ones, compressed in every way: each ends as a dead letter as it came, the rest is counted."""

from __future__ import annotations

import json
import random
import time
from itertools import cycle

import pytest

from streams.kafka import dlq
from tests.integration.support.harness import EVENTS, Rig, simulated
from tests.integration.support.records import Record
from tests.support.messages import DAY, order, rfc3339, touch

pytestmark = pytest.mark.faults

COMPRESSIONS = ("lz4", "zstd", "snappy", "gzip")
COPIES = 25
PAST = time.time_ns() // 1_000_000 - 10 * DAY


def bought(revenue: str) -> bytes:
    """An order whose amount is written so."""
    return order("o", PAST, "1", 7).replace(b'"revenue": 7', b'"revenue": ' + revenue.encode())


def engaged(**changed: object) -> bytes:
    """A touch whose envelope says something else."""
    return json.dumps(json.loads(touch("t", PAST)) | changed).encode()


ENGAGEMENT: dict[str, tuple[bytes | None, str]] = {
    "bad UTF-8": (touch("t", PAST).replace(b"autumn", b"\xc3\x28"), "malformed"),
    "bad UTF-8 and nothing else": (b"\xff\xfe\x80", "malformed"),
    "no JSON": (touch("t", PAST)[:-1], "malformed"),
    "two in one": (touch("t", PAST) + b"," + touch("u", PAST), "malformed"),
    "deep, in what is allowed": (b"[" * 60_000, "malformed"),
    "100 000 deep": (b'{"a":' * 100_000, "oversized"),
    "2 MB": (touch("t", PAST, padding="x" * (2 << 20)), "oversized"),
    "one byte too long": (touch("t", PAST).ljust(65_537), "oversized"),
    "empty": (b"", "malformed"),
    "a tombstone": (None, "malformed"),
    "null": (b"null", "malformed"),
    "a list": (b"[" + touch("t", PAST) + b"]", "malformed"),
    "a number": (b"7", "malformed"),
    "a number for a text": (engaged(event=5), "malformed"),
    "an unknown action": (touch("t", PAST, action="stare"), "malformed"),
    "no zone": (engaged(timestamp=rfc3339(PAST)[:-1]), "malformed"),
    "no such day": (engaged(timestamp="2026-02-30T00:00:00Z"), "malformed"),
    "the year 2100": (engaged(timestamp="2100-01-01T00:00:00Z"), "malformed"),
    "the year 10000": (engaged(timestamp="10000-01-01T00:00:00Z"), "malformed"),
    "before 1970": (engaged(timestamp="1969-12-31T23:59:59Z"), "malformed"),
}
CHECKOUT: dict[str, tuple[bytes | None, str]] = {
    "NaN": (bought("NaN"), "malformed"),
    "Infinity": (bought("Infinity"), "malformed"),
}
CORPUS: dict[str, dict[str, tuple[bytes | None, str]]] = {"engagement": ENGAGEMENT, "checkout": CHECKOUT}


def bad_records() -> list[Record]:
    """`COPIES` of each, with keys of their own."""
    return [
        Record(topic, f"bad-{name}-{n}".encode() if n else None, value, None if n else 0)
        for topic, corpus in CORPUS.items()
        for name, (value, _) in corpus.items()
        for n in range(COPIES)
    ]


def test_bad_records_among_good_ones_in_every_compression(rig: Rig) -> None:
    good, bad = simulated(8_000, seed=9, engagement=0.9, duplicates=0.1), bad_records()
    records = [*good, *bad]
    random.Random(9).shuffle(records)
    worker = rig.worker()
    worker.start()
    started = time.time_ns() // 1_000_000
    for at, compression in zip(range(0, len(records), 500), cycle(COMPRESSIONS), strict=False):
        rig.send(records[at : at + 500], compression=compression)
    account = rig.settle()
    assert (account.records, account.dead, account.repeated) == (len(records), len(bad), 0)
    reasons = {topic: dict(corpus.values()) for topic, corpus in CORPUS.items()}
    for letter in dlq.read(rig.bootstrap, EVENTS, dlq.Filter()):
        assert letter.failure is not None
        assert letter.reason == reasons[letter.source][letter.value]
        assert letter.failure.error
        assert started <= letter.failure.failed_at <= time.time_ns() // 1_000_000
    print(f"{len(bad)} bad records of {sum(map(len, CORPUS.values()))} kinds among {len(good)} good ones: {account}")
