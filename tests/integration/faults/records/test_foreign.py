"""What is none of ours in the internal topics, and orders that are larger than a record, on real workers."""

from __future__ import annotations

import struct
import time

import pytest
from confluent_kafka import Producer
from cramjam import zstd

from streams.core.events.topics import FORWARDED, journal_topic
from streams.kafka import dlq
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.records import Record
from tests.support.messages import DAY, order, refund

pytestmark = pytest.mark.faults

PAST = time.time_ns() // 1_000_000 - 10 * DAY
KEY = struct.pack(">Iqqq", 0, 498853, 1, 0)  # partition, hour, epoch, sequence
NULL_HEADER = [("purpose", None), ("topic", b"t"), ("partition", b"x"), ("offset", b"0")]


def produce(
    rig: Rig, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    producer = Producer({"bootstrap.servers": rig.bootstrap})
    producer.produce(topic, value, key, partition=0, headers=headers)
    assert producer.flush(30) == 0


def test_foreign_records_between_partitions_are_dead_letters(rig: Rig) -> None:
    worker = rig.worker()
    rig.send(simulated(2000, seed=3, engagement=0.9))
    produce(rig, FORWARDED, b"k", b"garbage", [])
    produce(rig, FORWARDED, b"k", b"x", NULL_HEADER)
    produce(rig, FORWARDED, None, None, [("purpose", b"claim"), ("topic", b"checkout"), ("partition", b"0")])
    produce(rig, journal_topic(rig.layout.app_id), b"garbage", b"garbage", [])
    worker.start()
    rig.settle()
    letters = list(dlq.read(rig.bootstrap, [FORWARDED], dlq.Filter()))
    assert [(letter.source, letter.reason, letter.value) for letter in letters] == [
        (FORWARDED, "internal", value) for value in (b"garbage", b"x", b"")
    ]
    assert "Traceback" not in worker.said()
    assert worker.said().count("a record in the journal is none of ours: it is passed over") == 1


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"garbage", "it is no segment of maalstrom"),
        (
            bytes(zstd.compress(b"ms\x02")),
            "a newer maalstrom wrote it (form 2, this one reads up to 1): start that one",
        ),
    ],
)
def test_a_journal_that_cannot_be_read_is_refused_in_one_line(rig: Rig, value: bytes, why: str) -> None:
    topic = journal_topic(rig.layout.app_id)
    produce(rig, topic, KEY, value, [])
    worker = rig.worker()
    worker.start()
    assert worker.wait(60) == 1
    said = worker.said()
    assert f"{topic}/0 offset 0, segment (498853, 1, 0): {why}" in said
    assert "Traceback" not in said


def test_an_order_that_is_larger_than_a_record_stops_nobody(rig: Rig) -> None:
    """Somebody's template: refunds of `undefined` with long ids, and an order whose id is the same, later."""
    refunds = [refund(f"{i}-".ljust(250, "r"), PAST, "undefined", total=1, user=f"u{i % 50}") for i in range(6000)]
    records = [Record("checkout", f"u{i % 50}".encode(), value) for i, value in enumerate(refunds)]
    records.append(Record("checkout", b"k" * 700_000, refund("large key", PAST, "undefined", total=1)))
    worker = rig.worker()
    worker.start()
    rig.send(records[:4000])
    rig.settle()
    worker.kill()
    rig.send([*records[4000:], Record("checkout", b"u1", order("o", PAST, "undefined", 100_000, user="u1"))])
    worker.start()
    account = rig.settle()
    assert (account.records, account.dead) == (6002, 1)
    assert "a defect of ours" not in worker.said()
