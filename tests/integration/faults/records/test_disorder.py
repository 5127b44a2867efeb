"""Events that come late, twice, in the wrong place or with a wrong clock; reversals that do not say of which order."""

from __future__ import annotations

import json
import random
import time

import pytest

from streams.kafka import dlq
from tests.integration.support.harness import DAYS, EVENTS, Rig, simulated
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record
from tests.support.messages import DAY, order, refund, touch

pytestmark = pytest.mark.faults

REVERSALS = ("Order Cancelled", "Order Refunded")
GOOD = {"engagement": 0.9, "duplicates": 0.1, "disorder": 0.1}


def total(worker: Worker, name: str, **labels: str) -> float:
    """The sum of a metric over the labels that are not given."""
    return sum(
        n for (each, have), n in worker.metrics().items() if each == name and labels.items() <= dict(have).items()
    )


def test_duplicates_and_disorder_over_the_whole_retention_and_a_clock_a_day_ahead(rig: Rig) -> None:
    now = time.time_ns() // 1_000_000
    records = simulated(10_000, seed=20, **GOOD)
    random.Random(20).shuffle(records)
    ahead = [Record("engagement", None, touch(f"ahead-{p}", now + DAY), p) for p in range(2)]
    worker = rig.worker()
    worker.start()
    rig.send([*ahead, *records])
    account = rig.settle()
    assert (account.records, account.dead) == (10_002, 2)
    lags = [n for (name, _), n in worker.metrics().items() if name == "maalstrom_event_time_lag_seconds"]
    assert len(lags) == 4
    assert min(lags) > 4 * 86_400, "the period is over for five days, and the watermark with it"
    assert total(worker, "maalstrom_events_total", outcome="duplicate") > 500


@pytest.mark.parametrize("keys", ["another partitioner", "none", "anywhere", "everywhere"])
def test_producers_that_put_records_into_the_wrong_partition(rig: Rig, keys: str) -> None:
    records = simulated(5_000, seed=8, **GOOD)
    if keys == "another partitioner":
        rig.send(records, partitioner="consistent_random")
    elif keys == "none":
        rig.send([record._replace(key=None) for record in records])
    elif keys == "anywhere":
        rig.send([record._replace(partition=n % 2) for n, record in enumerate(records)])
    else:
        rig.send([record._replace(partition=p) for record in records for p in range(2)])
    worker = rig.worker()
    worker.start()
    rig.settle()
    assert total(worker, "maalstrom_misrouted_total") > 1_000


def without_their_token(records: list[Record]) -> list[Record]:
    """The records with every reversal before all else, half of them without a token, half with that of another."""
    early, rest = [], []
    for record in records:
        message = json.loads(record.value or b"")
        if message["event"] not in REVERSALS:
            rest.append(record)
            continue
        own = random.Random(message["messageId"])  # a message that comes twice is the same
        message |= {"userId": own.choice([None, f"stranger-{own.randrange(9)}"]), "anonymousId": None}
        key = message["userId"] or message["messageId"]
        early.append(record._replace(key=key.encode(), value=json.dumps(message).encode()))
    return [*early, *rest]


@pytest.mark.parametrize("before", [True, False], ids=["before their orders", "after them"])
def test_reversals_without_a_token_or_with_another(rig: Rig, before: bool) -> None:
    records = without_their_token(simulated(5_000, seed=21, engagement=0.7, refunds=0.4))
    reversals = sum(json.loads(record.value or b"")["event"] in REVERSALS for record in records)
    assert reversals > 150
    early, rest = records[:reversals], records[reversals:]
    worker = rig.worker()
    worker.start()
    for part in (early, rest) if before else (rest, early):
        rig.send(part)
        rig.settle()
    statuses = {row["status"] for row in rig.tables().conversions.values()}
    assert statuses == {"open", "partly_reversed", "reversed"}
    assert rig.account(rig.records()).dead == 0


def test_a_reversal_whose_order_never_comes_is_a_dead_letter_after_the_retention(rig: Rig) -> None:
    now = time.time_ns() // 1_000_000
    rig.send([Record("checkout", b"u", refund("r-1", now - (DAYS + 30) * DAY, "unheard-of"))])
    worker = rig.worker()
    worker.start()
    rig.settle()
    for user in (f"user-{n}" for n in range(20)):  # some in every partition
        later = {"engagement": touch(user, now - DAY, user=user), "checkout": order(user, now - DAY, user, user=user)}
        rig.send([Record(topic, user.encode(), value) for topic, value in later.items()])
    worker.until(lambda: total(worker, "maalstrom_dead_letters_total") > 0)
    letters = list(dlq.read(rig.bootstrap, EVENTS, dlq.Filter()))
    assert [(letter.topic, letter.reason, letter.key) for letter in letters] == [
        ("checkout.dlq", "unknown_order", b"u")
    ]
