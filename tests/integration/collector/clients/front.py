"""A collector before a real Kafka, and what arrives there as the worker's door reads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka.admin import AdminClient, NewTopic

from deploy.kafka.broker import free_ports
from streams.core.door.canonical import Event
from streams.core.door.reader import NO_HEADERS, read
from streams.kafka.topics import partition_of
from tests.integration.collector.clients.story import CATALOGUE, READING
from tests.integration.support.collectors import CollectorProcess
from tests.integration.support.records import Stored, stored

PATIENCE = 30.0  # s
PARTITIONS = 2
SERVER_KEY, BROWSER_KEY = "server-key", "browser-key"
_DOWN = "127.0.0.1:1"  # where nothing listens


class Front:
    """One `maalstrom collect`, with a topic of its own unless one that is there is given; without `bootstrap` Kafka is
    down."""

    def __init__(
        self, folder: Path, bootstrap: str = _DOWN, catalogue: str = CATALOGUE, sources: str = "", topic: str = "",
        **more: str,
    ) -> None:  # fmt: skip
        self._bootstrap, self._topic = bootstrap, topic or f"events-{folder.name}"[:200]
        self._new = not topic and bootstrap != _DOWN
        self._seen: set[tuple[int, int]] = set()
        (port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        files = {"catalogue.toml": catalogue, "sources.toml": sources, "keys": _KEYS}
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        self.environment = {
            "BROKER_URL": f"kafka://{bootstrap}",
            "MAALSTROM_COLLECT_TOPIC": self._topic,
            "MAALSTROM_CATALOGUE": str(folder / "catalogue.toml"),
            "MAALSTROM_SOURCES": str(folder / "sources.toml"),
            "MAALSTROM_WRITE_KEYS": str(folder / "keys"),
            "MAALSTROM_COLLECT_ORIGINS": "*",
            "COLLECT_PUBLIC_URL": self.address,
            **more,
        }
        self.process = CollectorProcess(folder / "collector.log", port, self.environment)

    def __enter__(self) -> Self:
        if self._new:
            admin = AdminClient({"bootstrap.servers": self._bootstrap})
            for made in admin.create_topics([NewTopic(self._topic, PARTITIONS, 1)]).values():
                made.result(PATIENCE)
        self.process.start()
        self.process.wait_alive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.end()

    def arrived(self, count: int) -> list[Event]:
        """The next so many events in the topic: each readable without a fault, where its routing key belongs."""
        records = self.until(lambda found: len(found) >= count)
        assert len(records) == count, records
        items = [item for record in records for item in read(record.value, NO_HEADERS, READING)]
        assert [(item.rejected, item.faults, item.raw) for item in items if item.rejected or item.faults] == []
        for record in records:
            assert record.key
            assert record.partition == partition_of(record.key, PARTITIONS)
            assert b"ida@shop.example" not in (record.value or b"")
        return [event for item in items for event in item.events]

    def until(self, enough: Callable[[list[Stored]], bool]) -> list[Stored]:
        """What has come to the topic since the last look, once it is enough."""
        deadline = time.monotonic() + PATIENCE
        while not enough(found := [r for r in stored(self._bootstrap, self._topic) if r[1:3] not in self._seen]):
            assert time.monotonic() < deadline, f"waited in vain; came: {found}\n{self.process.tail()}"
            time.sleep(0.1)
        self._seen |= {(record.partition, record.offset) for record in found}
        return found


_KEYS = f"shop {SERVER_KEY} server\npages {BROWSER_KEY} browser\n"
