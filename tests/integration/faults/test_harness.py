"""The harness itself: right work passes, and whatever is wrong in the smallest is found.

The worker here is the test: it applies one ledger to all partitions, writes dead letters and rows, and commits.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from streams.core.events.batch import Batch
from streams.core.events.dead_letters import Failure, encode_headers
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.kafka import clients
from streams.kafka.topics import partition_of
from streams.sinks.clickhouse import client as clickhouse
from streams.sinks.writer import write_rows
from tests.integration.support.harness import EVENTS, TOKEN_KEY, Account, Rig, simulated
from tests.integration.support.records import Record, Stored, send, stored
from tests.integration.support.written import differences

pytestmark = pytest.mark.faults

PARTITIONS = 2
BAD = [
    Record("engagement", b"someone", b"\xff{"),
    Record("checkout", None, None, partition=1),
    Record("checkout", b"someone", b"x" * 70_000),
]


@pytest.fixture
def fed(rig: Rig) -> Rig:
    rig.send([*simulated(1_000, seed=5, engagement=0.9, duplicates=0.1), *BAD])
    return rig


def work(rig: Rig) -> None:
    rules = LedgerSettings(rig.catalogue, TOKEN_KEY.encode(), rig.layout.retention_ms)
    records, now = rig.records(), int(time.time() * 1000)
    ledger = Ledger(rules)
    for topic in EVENTS:
        own = [record for record in records if record.topic == topic]
        batch = Batch(topic, [r.value for r in own], [r.key for r in own], range(len(own)))
        for letter in (dead for outcomes in ledger.apply(batch, now).outcomes for dead in outcomes.dead):
            bury(rig, own[letter.offset], letter.reason)
    ledger.report(now)
    with clickhouse.connect(rig.dsn) as client:
        write_rows(client, ledger.changes(version=1))
    commit(rig, records)


def bury(rig: Rig, record: Stored, reason: str) -> None:
    headers = encode_headers(Failure(reason, "bad", *record[:3], failed_at=1))
    producer = Producer({"bootstrap.servers": rig.bootstrap})
    producer.produce(f"{record.topic}.dlq", record.value, record.key, headers=headers)
    assert producer.flush(20) == 0


def commit(rig: Rig, records: list[Stored]) -> None:
    ends = Counter(TopicPartition(record.topic, record.partition) for record in records)
    with clients.connect(KafkaConsumer, rig.bootstrap, group_id=rig.layout.app_id) as consumer:
        consumer.assign(list(ends))
        consumer.commit({part: OffsetAndMetadata(end, "", -1) for part, end in ends.items()})


def change(rig: Rig, sql: str) -> None:
    with clickhouse.connect(rig.dsn) as client:
        client.command(sql, settings={"mutations_sync": "2", "lightweight_deletes_sync": "2"})


def test_right_work_settles_and_every_record_is_accounted_for(fed: Rig) -> None:
    work(fed)
    assert fed.settle(timeout=20) == Account(records=1_003, dead=3, repeated=0)
    tables = fed.tables()
    assert len(tables.conversions) > 50, "there was something to compare"
    assert {row["status"] for row in tables.conversions.values()} >= {"open", "reversed", "partly_reversed"}


def test_what_is_not_committed_is_behind(fed: Rig) -> None:
    with pytest.raises(AssertionError, match="1003 records are not committed"):
        fed.settle(timeout=0.1)


def test_every_kind_of_wrong_row_is_found(fed: Rig) -> None:
    work(fed)
    one = "LIMIT 1"
    wrongs = {
        "goal_attribution": f"INSERT INTO goal_attribution SELECT * REPLACE (partition + 9 AS partition) "
        f"FROM goal_attribution FINAL WHERE conversions > 0 {one}",
        "engagement_counts": "DELETE FROM engagement_counts WHERE window_start = "
        "(SELECT min(window_start) FROM engagement_counts)",
        "conversions": f"INSERT INTO conversions SELECT * REPLACE (user + 1 AS user, version + 1 AS version) "
        f"FROM conversions FINAL WHERE user > 0 {one}",
    }
    wanted = fed.expected(fed.records())
    assert fed.wrongly_restated() == []
    for table, sql in wrongs.items():
        change(fed, sql)
        found = differences(fed.tables(), wanted, TOKEN_KEY.encode())
        assert any(line.startswith(table) for line in found), table
    change(
        fed,
        "INSERT INTO goal_restatements (window_start, goal, model, conversions, version) "
        "SELECT min(window_start), any(goal), 'first', -1, 1 FROM goal_attribution",
    )
    assert [line.split(":")[0].split(", ")[1] for line in fed.wrongly_restated()] == ["first"]
    with pytest.raises(AssertionError, match=r"^\d+ differences:\n(goal_attribution .*\n)+"):
        fed.settle(timeout=0.1)


def test_a_row_written_twice_is_no_difference_and_a_dead_letter_twice_is_counted(fed: Rig) -> None:
    work(fed)
    for table in ("goal_attribution", "conversions", "engagement_counts"):
        change(fed, f"INSERT INTO {table} SELECT * FROM {table}")
    bad = next(record for record in fed.records() if record.value == b"\xff{")
    bury(fed, bad, "malformed")
    assert fed.settle(timeout=20) == Account(records=1_003, dead=3, repeated=1)


@pytest.mark.parametrize("wrong", ["missing", "another reason", "a good record"])
def test_a_dead_letter_that_is_missing_wrong_or_too_many_is_found(rig: Rig, wrong: str) -> None:
    rig.send([*simulated(20, seed=1), BAD[0]])
    records = rig.records()
    bad = next(record for record in records if record.value == BAD[0].value)
    if wrong == "a good record":
        bury(rig, bad, "malformed")
        bury(rig, records[0], "malformed")
    elif wrong == "another reason":
        bury(rig, bad, "oversized")
    with pytest.raises(AssertionError, match="1 records are not accounted for"):
        rig.account(records)


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_sent_records_lie_where_java_would_put_them(rig: Rig, compression: str) -> None:
    sent = [Record("engagement", b"user-%d" % n, b"%d" % n) for n in range(200)]
    assert send(rig.bootstrap, sent, compression=compression) == 200
    held = list(stored(rig.bootstrap, "engagement"))
    assert {(r.key, r.value) for r in held} == {(r.key, r.value) for r in sent}
    assert all(r.key is not None and partition_of(r.key, PARTITIONS) == r.partition for r in held)


def test_another_partitioner_puts_keys_elsewhere(rig: Rig) -> None:
    send(rig.bootstrap, [Record("engagement", b"user-%d" % n, b"") for n in range(200)], "consistent_random")
    held = list(stored(rig.bootstrap, "engagement"))
    astray = sum(r.key is not None and partition_of(r.key, PARTITIONS) != r.partition for r in held)
    assert 50 < astray < 150


def test_a_record_that_the_broker_refuses_fails_the_sending(rig: Rig) -> None:
    with pytest.raises(AssertionError, match="1 records were refused"):
        send(rig.bootstrap, [Record("engagement", b"k", b"x" * (5 << 20))])
