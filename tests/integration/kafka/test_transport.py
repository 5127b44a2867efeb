"""Workers with the batch transport and the journal: complete batches, honest commits, restored state."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Producer

from deploy.kafka.broker import Broker, cluster
from streams.embedded.broker import EmbeddedBroker
from tests.integration.support.workers import PARTITIONS, Group, Worker, counted, finish, make_topics, records

PRODUCE, OFFSET_COMMIT, HEARTBEAT = 0, 8, 12
MESSAGE_TOO_LARGE, ILLEGAL_GENERATION, UNKNOWN_MEMBER = 10, 22, 25
_names = count(1)


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def embedded_group(embedded: EmbeddedBroker, tmp_path: Path) -> Iterator[Group]:
    group = Group(embedded.bootstrap, "worker", session_timeout=1.5, folder=tmp_path)
    for topic in group.topics:
        embedded.create_topic(topic, PARTITIONS)
    yield group
    finish(group)


@pytest.fixture
def kafka_group(kafka: Broker, tmp_path: Path) -> Iterator[Group]:
    group = Group(kafka.bootstrap, f"worker-{next(_names)}", session_timeout=6.0, folder=tmp_path)
    make_topics(group)
    yield group
    finish(group)


@pytest.fixture(params=["embedded_group", "kafka_group"])
def group(request: pytest.FixtureRequest) -> Group:
    """A group on the embedded and on a real broker."""
    group: Group = request.getfixturevalue(request.param)
    return group


def test_a_restarted_worker_goes_on_where_the_last_one_stopped(group: Group) -> None:
    group.send("engagement", 0, [(None, None, ()), (b"k", b"", (("reason", b"why"), ("empty", b"")))])
    for compression in ("none", "gzip", "snappy", "lz4", "zstd"):
        group.send("engagement", 0, records(700), compression)
    group.send("engagement", 1, records(300), "lz4")
    group.send("checkout", 0, records(20))
    ends = group.ends()
    first = group.start()
    first.until(lambda: sum(map(len, first.offsets().values())) >= sum(ends.values()))
    assert first.offsets() == {slot: list(range(end)) for slot, end in ends.items()}
    for batch in first.events("batch"):
        assert batch["digest"] == group.digest(batch["topic"], batch["partition"], batch["offsets"])
        assert len(batch["offsets"]) <= 500
    assert first.end() == 0
    assert group.committed() == ends

    group.send("engagement", 1, records(10))
    second = group.start()
    second.until(lambda: bool(second.events("batch")))
    assert second.end() == 0
    assert counted(second.events("restored")[0]["states"]) == ends
    # All but the last five of a partition were removed.
    assert max(second.events("restored")[0]["segments"].values()) <= 6
    assert second.offsets() == {("engagement", 1): list(range(300, 310))}
    assert second.said.index(second.events("restored")[0]) < second.said.index(second.events("batch")[0])
    assert group.committed() == group.ends()


@pytest.mark.parametrize("gone_s", [0, 3])
def test_topics_that_the_broker_did_not_know_of_at_first_are_read(java: None, tmp_path: Path, gone_s: float) -> None:
    """A worker that met a broker just after its start, whose group shared out nothing; then nobody answers a while."""
    with cluster() as single:
        group = Group(single.bootstrap, "worker", session_timeout=6.0, folder=tmp_path)
        worker = group.start()
        try:
            worker.until(lambda: "Ignoring missing topic" in worker.log(1_000_000))
            if gone_s:
                single.brokers[0].kill()
                worker.until(lambda: "Unable to update metadata" in worker.log(1_000_000))
                time.sleep(gone_s)
                single.brokers[0].start()
            make_topics(group)
            group.send("engagement", 0, records(10))
            worker.until(lambda: worker.offsets() == {("engagement", 0): list(range(10))})
            assert worker.end() == 0
        finally:
            finish(group)


def test_a_worker_that_had_no_partition_for_long_takes_over(kafka_group: Group) -> None:
    """A spare one: it fetches nothing for longer than aiokafka allows between two fetches."""
    busy = [kafka_group.start() for _ in range(PARTITIONS)]
    busy[0].until(lambda: all(len(_held(worker)) == 1 for worker in busy))
    spare = kafka_group.start()
    spare.until(lambda: "Worker ready" in spare.log(1_000_000))
    time.sleep(kafka_group.session_timeout + 3)
    for worker in busy:
        worker.end(signal.SIGKILL)
    for partition in range(PARTITIONS):
        kafka_group.send("engagement", partition, records(10))
    spare.until(lambda: kafka_group.committed() == kafka_group.ends())
    assert spare.end() == 0


def _held(worker: Worker) -> list[int]:
    """The partitions that it restored last."""
    restored = worker.events("restored")
    return list(restored[-1]["partitions"]) if restored else []


def test_a_killed_worker_repeats_what_it_had_not_acknowledged_and_counts_it_once(embedded_group: Group) -> None:
    embedded_group.send("engagement", 0, records(400))
    first = embedded_group.start()
    first.hold()
    first.until(lambda: bool(first.events("batch")))
    first.end(signal.SIGKILL)
    assert embedded_group.committed() == {}

    embedded_group.send("engagement", 0, records(400))
    second = embedded_group.start()
    second.until(lambda: len(second.offsets().get(("engagement", 0), [])) >= 800)
    assert counted(second.events("restored")[0]["states"]) == {("engagement", 0): 400}
    assert second.offsets() == {("engagement", 0): list(range(800))}


@pytest.mark.faults
def test_a_blocked_agent_stops_the_fetching_but_not_the_membership(embedded_group: Group) -> None:
    embedded_group.send("engagement", 0, records(9000))
    embedded_group.send("engagement", 1, records(9000))
    # Two batches a partition would be 400 kB.
    embedded_group.pending_bytes = 250_000
    worker = embedded_group.start()
    worker.hold()
    worker.until(lambda: bool(worker.events("batch")))
    time.sleep(2 * embedded_group.session_timeout)
    assert len(worker.events("batch")) == 1
    # The one that is held, and one a partition that grows.
    assert 2 <= max(event["pending"] for event in worker.events("flush")) <= 3
    assert 250_000 < worker.events("flush")[-1]["pending_bytes"] < 350_000
    assert worker.events("flush")[-1]["lag"] == 18_000
    worker.release()
    worker.until(lambda: sum(map(len, worker.offsets().values())) >= 18_000)
    worker.until(lambda: worker.events("flush")[-1]["lag"] == 0)
    assert worker.offsets() == {("engagement", p): list(range(9000)) for p in range(2)}
    assert len(worker.events("restored")) == 1


def test_a_worker_that_is_stopped_finishes_its_batch_and_commits_it(embedded_group: Group) -> None:
    embedded_group.send("engagement", 0, records(1200))
    worker = embedded_group.start()
    worker.hold()
    worker.until(lambda: bool(worker.events("batch")))
    worker.process.send_signal(signal.SIGTERM)
    worker.until(lambda: "Wait for streams" in worker.log())
    worker.release()
    assert worker.end() == 0
    done = worker.offsets()["engagement", 0]
    assert len(done) < 1200
    assert embedded_group.committed() == {("engagement", 0): len(done)}


def test_a_segment_that_the_broker_refuses_stops_the_worker(embedded: EmbeddedBroker, embedded_group: Group) -> None:
    for start in range(0, 3000, 500):
        embedded_group.send("engagement", 0, records(500, start))
    embedded.fail_requests(PRODUCE, [MESSAGE_TOO_LARGE])
    worker = embedded_group.start()
    assert worker.process.wait(60) != 0
    assert "MessageSizeTooLarge" in worker.log(100_000)
    assert worker.events("batch") == []
    assert embedded_group.committed() == {}


@pytest.mark.faults
def test_a_refused_commit_is_known_and_nothing_is_lost(embedded: EmbeddedBroker, embedded_group: Group) -> None:
    worker = embedded_group.start()
    worker.until(lambda: bool(worker.events("restored")))
    embedded.fail_requests(OFFSET_COMMIT, [ILLEGAL_GENERATION])
    embedded_group.send("engagement", 0, records(100))
    worker.until(lambda: any(not event["accepted"] for event in worker.events("flush")))
    worker.until(lambda: len(worker.events("restored")) == 2)
    embedded_group.send("engagement", 0, records(50))
    worker.until(lambda: len(worker.offsets()["engagement", 0]) >= 250)
    assert worker.end() == 0
    assert worker.offsets() == {("engagement", 0): [*range(100), *range(150)]}
    assert counted(worker.events("restored")[1]["states"]) == {("engagement", 0): 100}
    assert embedded_group.committed() == embedded_group.ends()


def test_a_worker_that_lost_its_membership_knows_with_nothing_to_commit(
    embedded: EmbeddedBroker, embedded_group: Group
) -> None:
    worker = embedded_group.start()
    worker.until(lambda: any(event["accepted"] for event in worker.events("flush")))
    embedded.fail_requests(HEARTBEAT, [UNKNOWN_MEMBER])
    worker.until(lambda: len(worker.events("restored")) == 2)
    assert not all(event["accepted"] for event in worker.events("flush"))
    worker.until(lambda: worker.events("flush")[-1]["accepted"])


def test_a_worker_that_cannot_restore_its_state_ends(embedded_group: Group) -> None:
    producer = Producer({"bootstrap.servers": embedded_group.bootstrap, "log_level": 3})
    producer.produce(embedded_group.topics[-1], b"no state", bytes(28), partition=0)
    assert producer.flush(30) == 0
    embedded_group.send("engagement", 0, records(10))
    worker = embedded_group.start()
    assert worker.process.wait(60) != 0
    assert "JSONDecodeError" in worker.log(100_000)
    assert worker.events("batch") == []


@pytest.mark.faults
def test_partitions_that_move_take_their_state_along(kafka_group: Group) -> None:
    for partition in range(PARTITIONS):
        kafka_group.send("engagement", partition, records(100))
    first = kafka_group.start()
    first.until(lambda: len(first.offsets()) == 2)
    second = kafka_group.start()
    second.until(lambda: any(event["partitions"] for event in second.events("restored")))
    first.until(lambda: len(first.events("restored")[-1]["partitions"]) == 1)
    kept, moved = (worker.events("restored")[-1] for worker in (first, second))
    assert sorted(kept["partitions"] + moved["partitions"]) == [0, 1]
    for event in (kept, moved):
        assert counted(event["states"]) == {("engagement", event["partitions"][0]): 100}
        assert event["segments"].keys() == {str(event["partitions"][0])}

    kafka_group.send("engagement", moved["partitions"][0], records(50))
    second.until(lambda: len(second.offsets().get(("engagement", moved["partitions"][0]), ())) >= 50)
    assert second.offsets() == {("engagement", moved["partitions"][0]): list(range(100, 150))}
    assert second.end() == 0
    first.until(lambda: len(first.events("restored")[-1]["partitions"]) == 2)
    assert counted(first.events("restored")[-1]["states"]) == kafka_group.ends()
    assert first.end() == 0
    assert kafka_group.committed() == kafka_group.ends()


@pytest.mark.faults
def test_a_frozen_worker_whose_partitions_moved_flushes_nothing(kafka_group: Group) -> None:
    kafka_group.send("engagement", 0, records(100))
    zombie = kafka_group.start()
    zombie.until(lambda: any(event["flushed"] for event in zombie.events("flush")))
    zombie.hold()
    kafka_group.send("engagement", 0, records(100))
    zombie.until(lambda: len(zombie.offsets()["engagement", 0]) == 200)
    zombie.process.send_signal(signal.SIGSTOP)
    owner = kafka_group.start()
    owner.until(lambda: kafka_group.committed() == kafka_group.ends())
    kafka_group.send("engagement", 0, records(100))
    owner.until(lambda: kafka_group.committed() == kafka_group.ends())
    zombie.release()
    zombie.process.send_signal(signal.SIGCONT)
    zombie.until(lambda: len(zombie.events("restored")) == 2)
    assert owner.offsets()["engagement", 0] == list(range(100, 300))
    assert [batch for event in zombie.events("flush") for batch in event["flushed"]] == [["engagement", 0, 100]]
    assert kafka_group.committed() == kafka_group.ends()


def test_offsets_that_are_no_records_hold_up_no_commit(kafka_group: Group) -> None:
    producer = Producer(
        {"bootstrap.servers": kafka_group.bootstrap, "transactional.id": kafka_group.name, "log_level": 3}
    )
    producer.init_transactions(30)
    for _ in range(5):
        producer.begin_transaction()
        for _ in range(10):
            producer.produce(f"{kafka_group.name}-engagement", b"value", partition=0)
        producer.commit_transaction(30)
    del producer
    worker = kafka_group.start()
    worker.until(lambda: len(worker.offsets().get(("engagement", 0), [])) == 50)
    worker.until(lambda: [event["lag"] for event in worker.events("flush")][-1:] == [0])
    assert worker.end() == 0
    assert worker.offsets()["engagement", 0] == [offset for offset in range(54) if offset % 11 != 10]
    assert kafka_group.committed() == {("engagement", 0): 54}
