"""The real broker of `deploy/kafka`: it keeps what it was given, in one process or in three."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from deploy.kafka import broker, java
from deploy.kafka.broker import Broker, BrokerError, Cluster, cluster, free_ports, port_is_free


def make_topic(bootstrap: str, name: str, replicas: int = 1) -> None:
    with KafkaAdminClient(bootstrap_servers=bootstrap.split(",")) as admin:
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": replicas}}, wait_for_metadata=True)


def write(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap.split(","))
    for sent in [producer.send(topic, value) for value in values]:
        sent.get(timeout=30)
    producer.close()


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), consumer_timeout_ms=20_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values


def leader(bootstrap: str, topic: str) -> int:
    with KafkaAdminClient(bootstrap_servers=bootstrap.split(",")) as admin:
        admin.wait_for_topics([topic])
        return int(admin.describe_topics([topic])[0]["partitions"][0]["leader_id"])


@pytest.mark.faults
def test_a_broker_restarted_on_its_data_and_port_has_what_was_acknowledged(java: None) -> None:
    with cluster() as single:
        broker = single.brokers[0]
        make_topic(broker.bootstrap, "kept")
        write(broker.bootstrap, "kept", [b"before the stop"])
        broker.stop()
        assert port_is_free(broker.port)
        broker.start()
        write(broker.bootstrap, "kept", [b"before the kill"])
        broker.kill()
        broker.start()
        assert read(broker.bootstrap, "kept", 2) == [b"before the stop", b"before the kill"]
        folder = broker.folder
    assert not folder.exists()
    assert port_is_free(broker.port)


@pytest.mark.faults
def test_the_leader_moves_when_its_broker_is_killed(java: None) -> None:
    with cluster(3) as three:
        make_topic(three.bootstrap, "moved", replicas=3)
        write(three.bootstrap, "moved", [b"one"])
        first = leader(three.bootstrap, "moved")
        three.brokers[first - 1].kill()
        rest = survivors(three)
        write(rest, "moved", [b"two"])
        assert leader(rest, "moved") != first
        assert read(rest, "moved", 2) == [b"one", b"two"]


def survivors(three: Cluster) -> str:
    return ",".join(broker.bootstrap for broker in three.brokers if broker.process is not None)


def test_a_broker_that_cannot_start_says_what_its_log_says(java: None) -> None:
    with pytest.raises(BrokerError, match="retention"), cluster(settings={"log.retention.hours": "soon"}):
        pass


def test_the_command_serves_until_sigterm_and_leaves_nothing(kafka: Broker) -> None:
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "deploy.kafka.broker", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ready = process.stdout.readline()
        make_topic(f"127.0.0.1:{port}", "served")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "stopped\n"
    assert f"127.0.0.1:{port}" in ready
    assert process.returncode == 0
    assert not Path(ready.split("data in ")[1].split(",")[0]).exists()
    assert port_is_free(port)


def test_the_command_refuses_a_port_in_use(kafka: Broker) -> None:
    command = [sys.executable, "-m", "deploy.kafka.broker", "--port", str(kafka.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"port {kafka.port} of 127.0.0.1 is in use" in done.stderr


def test_a_broker_reads_its_classes_from_an_archive_that_fits_its_java(kafka: Broker) -> None:
    assert kafka.process is not None
    assert str(java.archive()) in Path(f"/proc/{kafka.process.pid}/maps").read_text()


def test_a_broker_starts_where_nothing_can_be_kept_and_with_an_archive_that_is_damaged(
    kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_bytes(b"no archive" * 1000)
    monkeypatch.setattr(java, "CACHE", nowhere)
    monkeypatch.setattr(java, "archive", lambda: nowhere)
    monkeypatch.setattr(broker, "archive_classes", broker.archive_classes.__wrapped__)
    with cluster() as single:
        make_topic(single.bootstrap, "made")
