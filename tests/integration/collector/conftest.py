"""A collector with keys, origins and secrets on the session's broker, and what came of its requests."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from deploy.kafka.broker import Broker, free_ports
from tests.integration.support.collectors import CollectorProcess

KEYS = "web browser-key-1 browser\nshop server-key-1 server\n"
ORIGIN = "https://shop.example"
BROWSER, SERVER = "browser-key-1", "server-key-1"
SECRETS = {name: f"{name}-secret" for name in ("shopify", "woocommerce", "stripe")}
_topics = count(1)


class Answer(NamedTuple):
    """What was answered."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Site:
    """A collector, as its clients have it, and its topic."""

    def __init__(self, process: CollectorProcess, broker: Broker, topic: str) -> None:
        self.process, self._broker, self._topic = process, broker, topic

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Ask once, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return Answer(
            answer.status, json.loads(text) if is_json else text.decode(errors="replace"), dict(answer.headers)
        )

    def post(
        self,
        path: str,
        content: object,
        key: str = BROWSER,
        headers: Mapping[str, str] | None = None,
        packed: bool = False,
    ) -> Answer:
        """Post JSON with a write key as the user of Basic; '' sends none."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        if packed:
            body, sent["Content-Encoding"] = gzip.compress(body), "gzip"
        return self.ask("POST", path, body, sent)

    def records(self) -> list[tuple[bytes | None, bytes, list[tuple[str, bytes]]]]:
        """The key, value and headers of every record of the topic."""
        with KafkaConsumer(bootstrap_servers=self._broker.bootstrap, auto_offset_reset="earliest") as consumer:
            parts = [TopicPartition(self._topic, p) for p in sorted(consumer.partitions_for_topic(self._topic) or ())]
            consumer.assign(parts)
            ends = consumer.end_offsets(parts)
            found = []
            while any(consumer.position(part) < ends[part] for part in parts):
                found += [record for records in consumer.poll(500).values() for record in records]
        return [(record.key, record.value, record.headers) for record in found]

    def recorded(self, user: str) -> list[dict[str, Any]]:
        """The events of that key."""
        return [json.loads(value) for key, value, _ in self.records() if key == user.encode()]


def made_topic(broker: Broker) -> str:
    """A new topic of four partitions, that takes what the collector does."""
    topic = f"collected-{next(_topics)}"
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.create_topics([NewTopic(topic, 4, 1, topic_configs={"max.message.bytes": str(4 << 20)})])
    return topic


def environment(folder: Path, broker: Broker, topic: str) -> dict[str, str]:
    """What the environment of a collector says."""
    (folder / "keys").write_text(KEYS)
    return {
        "BROKER_URL": f"kafka://{broker.bootstrap}",
        "MAALSTROM_COLLECT_TOPIC": topic,
        "MAALSTROM_COLLECT_ORIGINS": ORIGIN,
        "MAALSTROM_WRITE_KEYS": str(folder / "keys"),
        **{f"MAALSTROM_WEBHOOK_SECRET_{name.upper()}": secret for name, secret in SECRETS.items()},
    }


@pytest.fixture(scope="module")
def site(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A collector for the tests of a module."""
    folder, topic = tmp_path_factory.mktemp("collector"), made_topic(kafka)
    with CollectorProcess(folder / "log", free_ports(1)[0], environment(folder, kafka, topic)) as process:
        process.wait_alive()
        yield Site(process, kafka, topic)
        assert process.running, process.tail()
        assert "a request failed" not in process.said(), process.tail()
