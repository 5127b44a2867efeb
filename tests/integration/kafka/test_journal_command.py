"""`maalstrom journal` by a real broker: all that is read is in the backup, topics of sources.toml too."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from deploy.kafka.broker import Broker
from streams.cli.main import main
from streams.kafka.clients import connect

READ = TopicPartition("rudder-events", 1)


def run(*arguments: str | Path) -> None:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output


@pytest.fixture
def broker(blank_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """With the topics of a deployment whose sources have one of their own, and three records in that."""
    (tmp_path / "sources.toml").write_text(f'[[source]]\ntopic = "{READ.topic}"\n', "utf-8")
    monkeypatch.setenv("MAALSTROM_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("BROKER_URL", f"kafka://{blank_kafka.bootstrap}")
    run("topics", "create", "--partitions", "2")
    with connect(KafkaProducer, blank_kafka.bootstrap) as producer:
        for sent in [producer.send(READ.topic, b"{}", partition=READ.partition) for _ in range(3)]:
            sent.get(timeout=20)
    return blank_kafka


def committed(broker: Broker) -> int | None:
    with connect(KafkaConsumer, broker.bootstrap, group_id="maalstrom", enable_auto_commit=False) as consumer:
        return consumer.committed(READ)  # type: ignore[no-any-return]


def test_how_far_a_topic_of_the_sources_was_read_is_saved_and_comes_back(broker: Broker, tmp_path: Path) -> None:
    with connect(KafkaConsumer, broker.bootstrap, group_id="maalstrom", enable_auto_commit=False) as consumer:
        consumer.commit({READ: OffsetAndMetadata(2, "", -1)})
    run("journal", "save", tmp_path / "journal.bin")
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_groups(["maalstrom"])
    assert committed(broker) is None
    run("journal", "load", tmp_path / "journal.bin")
    assert committed(broker) == 2


def test_a_topic_of_the_sources_that_is_missing_is_made_before_the_journal_is_loaded(
    broker: Broker, tmp_path: Path
) -> None:
    run("journal", "save", tmp_path / "journal.bin")
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_topics([READ.topic])
        while READ.topic in admin.list_topics():
            pass
        run("journal", "load", tmp_path / "journal.bin")
        assert READ.topic in admin.list_topics()
