"""Topics made, checked and measured on a real broker."""

from __future__ import annotations

import csv
import io
import json
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource
from kafka.structs import OffsetAndMetadata
from rich.console import Console

from deploy.kafka.broker import Broker, free_ports
from streams.cli.main import main
from streams.core.events.topics import SOURCES
from streams.kafka import clients
from streams.kafka.clients import BrokerError, connect, read_range
from streams.kafka.topics import (
    Layout,
    PartitionLag,
    TopicProblem,
    check,
    create,
    lag,
    partition_of,
    render_created,
    render_findings,
    render_lag,
    specification,
)

LAYOUT = Layout(app_id="shop", partitions=3)


def alter(broker: Broker, topic: str, **settings: str) -> None:
    configs = {name.replace("_", "."): value for name, value in settings.items()}
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.alter_configs([ConfigResource("topic", topic, configs)])


def delete(broker: Broker, topic: str) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_topics([topic])
        while topic in admin.list_topics():
            time.sleep(0.02)


def produce(broker: Broker, topic: str, records: Sequence[tuple[int | None, bytes | None]]) -> None:
    with connect(KafkaProducer, broker.bootstrap) as producer:
        for sent in [producer.send(topic, b"x", key, partition=number) for number, key in records]:
            sent.get(timeout=20)


def printed(render: Callable[..., None], *arguments: object) -> str:
    out = io.StringIO()
    render(Console(file=out, width=200), *arguments)
    return out.getvalue()


def test_what_create_makes_is_what_check_wants(blank_kafka: Broker) -> None:
    made = create(blank_kafka.bootstrap, LAYOUT)
    assert [topic.name for topic in made] == [
        "events", "engagement", "checkout", "identity", "erasures", "costs",
        "events.dlq", "engagement.dlq", "checkout.dlq", "identity.dlq", "erasures.dlq", "costs.dlq", "forwarded.dlq",
        "alerts", "forwarded", "shop-journal-changelog",
    ]  # fmt: skip
    assert all(topic.new for topic in made)
    assert {topic.partitions for topic in made if topic.name not in ("costs", "alerts")} == {3}
    assert check(blank_kafka.bootstrap, LAYOUT) == []
    assert "every topic is as it should be" in printed(render_findings, [])


def test_create_leaves_what_exists_and_follows_its_partition_count(blank_kafka: Broker) -> None:
    with KafkaAdminClient(bootstrap_servers=blank_kafka.bootstrap) as admin:
        admin.create_topics(
            {"engagement": {"num_partitions": 5, "configs": {"retention.ms": "-1"}}}, wait_for_metadata=True
        )
    made = create(blank_kafka.bootstrap, Layout())
    assert [(topic.name, topic.partitions, topic.new) for topic in made[:3]] == [
        ("events", 5, True),
        ("engagement", 5, False),
        ("checkout", 5, True),
    ]
    assert [topic.new for topic in create(blank_kafka.bootstrap, Layout())] == [False] * len(made)
    assert check(blank_kafka.bootstrap, Layout()) == [], "a topic that is kept for ever is kept long enough"
    assert "engagement" in printed(render_created, made)


def test_the_journal_is_compacted_and_dead_letters_have_room(blank_kafka: Broker) -> None:
    by_name = {spec.name: spec for spec in specification(LAYOUT)}
    assert by_name["shop-journal-changelog"].cleanup == "compact"
    assert by_name["engagement.dlq"].max_bytes > by_name["engagement"].max_bytes
    create(blank_kafka.bootstrap, LAYOUT)
    widest = b"x" * (by_name["engagement"].max_bytes - 1_000)
    headers = [("error", b"y" * 1_000), ("reason", b"oversized")]
    with connect(KafkaProducer, blank_kafka.bootstrap, max_request_size=8 << 20) as producer:
        producer.send("engagement", widest).get(timeout=20)
        producer.send("engagement.dlq", widest, headers=headers).get(timeout=20)


def test_check_names_each_difference_and_its_mend(blank_kafka: Broker) -> None:
    create(blank_kafka.bootstrap, LAYOUT)
    delete(blank_kafka, "identity")
    delete(blank_kafka, "checkout")
    with KafkaAdminClient(bootstrap_servers=blank_kafka.bootstrap) as admin:
        admin.create_topics(
            {"checkout": {"num_partitions": 2, "configs": {"max.message.bytes": "9000000"}}}, wait_for_metadata=True
        )
    alter(blank_kafka, "engagement", retention_ms="604800000", retention_bytes="1000000")
    alter(blank_kafka, "shop-journal-changelog", cleanup_policy="compact,delete")
    alter(blank_kafka, "costs", min_insync_replicas="2")
    found = check(blank_kafka.bootstrap, LAYOUT)
    problems = {finding.topic + ": " + finding.problem for finding in found}
    assert problems == {
        "identity: is missing",
        "engagement: keeps records for 604800000 ms, needs 3888000000 ms (MAALSTROM_RETENTION)",
        "engagement: drops records beyond 1000000 bytes a partition, however young",
        "checkout: keeps records for 604800000 ms, needs 3888000000 ms (MAALSTROM_RETENTION)",
        "shop-journal-changelog: has cleanup.policy=compact,delete, needs compact",
        "costs: wants 2 replicas for a write and has 1: every write is refused",
        "checkout: partition counts must be equal: events has 3, engagement has 3, checkout has 2, erasures has 3, "
        "forwarded has 3, shop-journal-changelog has 3",
        "checkout.dlq: takes 5242880 bytes a record, but checkout takes 9000000, to which a dead letter adds headers",
    }
    assert all(finding.serious and finding.mend for finding in found)
    mend = next(finding.mend for finding in found if "journal" in finding.topic)
    assert mend.endswith("--entity-name shop-journal-changelog --add-config cleanup.policy=compact")
    assert "→ maalstrom topics create" in printed(render_findings, found)


def test_a_longer_retention_is_wanted_when_it_is_configured(blank_kafka: Broker) -> None:
    create(blank_kafka.bootstrap, LAYOUT)
    longer = replace(LAYOUT, retention_ms=LAYOUT.retention_ms + 1)
    assert {finding.topic for finding in check(blank_kafka.bootstrap, longer)} == {
        "events", "engagement", "checkout", "identity", "erasures",
        "events.dlq", "engagement.dlq", "checkout.dlq", "identity.dlq", "erasures.dlq", "costs.dlq", "forwarded.dlq",
        "alerts", "forwarded",
    }  # fmt: skip


def test_check_samples_the_partitioner(blank_kafka: Broker) -> None:
    create(blank_kafka.bootstrap, LAYOUT)
    keys = [f"user-{number}".encode() for number in range(20)]
    produce(blank_kafka, "engagement", [(None, key) for key in keys])
    assert check(blank_kafka.bootstrap, LAYOUT) == [], "kafka-python partitions as Java does"
    astray = [((partition_of(key, 3) + 1) % 3, key) for key in keys[:7]]
    produce(blank_kafka, "checkout", [*astray, *((None, key) for key in keys), (0, None), (2, None)])
    (finding,) = check(blank_kafka.bootstrap, LAYOUT)
    assert finding.topic == "checkout"
    assert finding.problem == "of 29 newest records 7 are not in the partition of their key, 2 have no key"
    assert not finding.serious


def test_lag_is_what_is_left_to_read(blank_kafka: Broker) -> None:
    create(blank_kafka.bootstrap, Layout(partitions=2))
    produce(blank_kafka, "engagement", [(0, b"k")] * 5 + [(1, b"k")] * 3)
    commit(blank_kafka, "readers", {("engagement", 0): 4})
    rows = lag(blank_kafka.bootstrap, "readers")
    assert [row for row in rows if row.topic == "engagement"] == [
        PartitionLag("engagement", 0, start=0, end=5, committed=4),
        PartitionLag("engagement", 1, start=0, end=3, committed=None),
    ]
    assert {row.topic for row in rows} == {*SOURCES, "forwarded"}
    assert sum(row.lag for row in rows) == 4
    assert "group readers: 4 records behind" in printed(render_lag, "readers", rows)


def test_lag_tells_when_a_topic_was_truncated_or_made_anew(blank_kafka: Broker) -> None:
    create(blank_kafka.bootstrap, Layout(partitions=2))
    produce(blank_kafka, "engagement", [(0, b"k")] * 5 + [(1, b"k")] * 5)
    commit(blank_kafka, "readers", {("engagement", 0): 2, ("engagement", 1): 4, ("checkout", 0): 1})
    with KafkaAdminClient(bootstrap_servers=blank_kafka.bootstrap) as admin:
        admin.delete_records({TopicPartition("engagement", 0): 3, TopicPartition("engagement", 1): 4})
    rows = {(row.topic, row.partition): row for row in lag(blank_kafka.bootstrap, "readers")}
    assert rows["engagement", 0].lost
    assert rows["engagement", 0].lag == 2
    assert not rows["engagement", 1].lost
    assert rows["checkout", 0].lost, "a commit beyond the end: the topic was made anew"
    assert rows["checkout", 0].lag == 0
    text = printed(render_lag, "readers", list(rows.values()))
    assert "engagement/0 holds offsets 3 to 5, the group committed 2: the topic was truncated or made anew" in text


def commit(broker: Broker, group: str, offsets: dict[tuple[str, int], int]) -> None:
    with connect(KafkaConsumer, broker.bootstrap, group_id=group) as consumer:
        consumer.assign([TopicPartition(*place) for place in offsets])
        consumer.commit({TopicPartition(*place): OffsetAndMetadata(at, "", -1) for place, at in offsets.items()})


def test_lag_without_topics_is_empty(blank_kafka: Broker) -> None:
    assert lag(blank_kafka.bootstrap, "nobody") == []


def test_a_compacted_or_transactional_tail_ends_the_reading(blank_kafka: Broker) -> None:
    create(blank_kafka.bootstrap, Layout(partitions=1))
    with connect(KafkaProducer, blank_kafka.bootstrap, transactional_id="t") as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send("engagement", b"x")
        producer.commit_transaction()
    part = TopicPartition("engagement", 0)
    with connect(KafkaConsumer, blank_kafka.bootstrap) as consumer:
        end = consumer.end_offsets([part])[part]
        assert end == 2, "the record and the transaction's marker"
        assert [record.value for record in read_range(consumer, part, 0, end)] == [b"x"]


def test_more_replicas_than_brokers_is_refused_in_one_line(blank_kafka: Broker) -> None:
    with pytest.raises(BrokerError, match=r"refused to make topic events: .*replication factor") as refused:
        create(blank_kafka.bootstrap, Layout(replication=3))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "command", [lambda at: create(at, LAYOUT), lambda at: check(at, LAYOUT), lambda at: lag(at, "g")]
)
def test_no_broker_is_one_line_that_says_what_to_do(
    command: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "BOOTSTRAP_MS", 500)
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(
        BrokerError, match=f"no Kafka broker answers at {address} .*this machine reaches it.*make kafka"
    ) as refused:
        command(address)
    assert "\n" not in str(refused.value)


def test_a_port_that_never_answers_is_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "BOOTSTRAP_MS", 500)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(BrokerError, match=f"no Kafka broker answers at {address}"):
            lag(address, "g")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(
        BrokerError, match="'localhost:port' is not the address of a Kafka broker; it must be host:port"
    ):
        lag("localhost:port", "g")


def test_findings_are_shown_serious_first() -> None:
    found = [TopicProblem("a", "is slow", "hurry", serious=False), TopicProblem("b", "is gone", "make it")]
    text = printed(render_findings, found)
    assert text.index("b is gone") < text.index("a is slow")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_topics_and_their_lag_are_told_to_programs_too(
    form: str, blank_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_URL", f"kafka://{blank_kafka.bootstrap}")

    def rows(*command: str) -> list[dict[str, object]]:
        lines = CliRunner().invoke(main, ["topics", *command, "--format", form]).stdout.splitlines()
        return list(csv.DictReader(lines)) if form == "csv" else list(map(json.loads, lines))

    assert {str(row["new"]).lower() for row in rows("create", "--partitions", "3")} == {"true"}
    assert rows("check") == []
    assert [str(row["lag"]) for row in rows("lag") if row["topic"] == "checkout"] == ["0"] * 3
    delete(blank_kafka, "identity")
    assert [(row["topic"], row["problem"]) for row in rows("check")] == [("identity", "is missing")]
