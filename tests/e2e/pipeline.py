"""A worker as its user runs it, on the embedded broker, with an embedded database that it has to itself."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from deploy.kafka.broker import free_ports
from streams.core.events.topics import FORWARDED
from streams.embedded.broker import EmbeddedBroker
from streams.kafka.topics import Layout, specification
from tests.e2e.commands import TOKEN_KEY, TOPICS, embedded, environment
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record, send

PARTITIONS = 2
PATIENCE = 60  # s
STOP = 20  # s, what a stop may take
SESSION = "6"  # s: the embedded broker lets a new member wait for the one before, even if it left
FLUSHED = "maalstrom_sink_last_flush_timestamp_seconds"
MAALSTROM = (str(Path(sys.executable).with_name("maalstrom")), "worker")
FAUST = (str(Path(sys.executable).with_name("faust")), "-A", "streams.app", "worker", "-l", "info")


class Pipeline:
    """A broker and what a worker needs beside it. At most a few MiB may be sent: the broker keeps no more."""

    def __init__(self, folder: Path, catalogue: str) -> None:
        self.folder, self.dsn = folder, embedded(folder / "clickhouse")
        (folder / "catalogue.toml").write_text(catalogue, "utf-8")
        layout = Layout(partitions=PARTITIONS)
        self._broker = EmbeddedBroker({spec.name: spec.partitions or PARTITIONS for spec in specification(layout)})
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        self._broker.start()
        self.bootstrap = self._broker.bootstrap
        # Asks as the group, and never joins it.
        settings = {"bootstrap.servers": self.bootstrap, "group.id": "maalstrom", "enable.auto.commit": False}
        self._observer = Consumer({**settings, "enable.partition.eof": True, "log_level": 3})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()
        self._observer.close()
        self._broker.stop()

    def settings(self, **more: str) -> dict[str, str]:
        """The environment of a worker."""
        return environment(
            {
                "BROKER_URL": f"kafka://{self.bootstrap}",
                "MAALSTROM_CATALOGUE": str(self.folder / "catalogue.toml"),
                "MAALSTROM_CLICKHOUSE": self.dsn,
                "MAALSTROM_DATADIR": str(self.folder / "datadir"),
                "MAALSTROM_DECLARE_TOPICS": "0",
                "BROKER_SESSION_TIMEOUT": SESSION,
                "BROKER_HEARTBEAT_INTERVAL": "1",
                "MAALSTROM_FLUSH_SECONDS": "0.2",
                "MAALSTROM_TOKEN_KEY": TOKEN_KEY,
                **more,
            }
        )

    def start(self, command: Iterable[str] = MAALSTROM, **more: str) -> Worker:
        """Start a worker and wait until it is ready."""
        worker = self.launch(command, **more)
        worker.wait_ready()
        return worker

    def launch(self, command: Iterable[str] = MAALSTROM, **more: str) -> Worker:
        """Start a worker."""
        worker = Worker(self.folder / f"worker-{len(self._workers)}.log", free_ports(1)[0], self.settings(**more))
        worker.command = list(command)
        self._workers.append(worker)
        worker.start()
        return worker

    def until(self, worker: Worker, condition: Callable[[], bool]) -> None:
        """Wait for something that a worker brings about."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert worker.running, f"the worker ended:\n{worker.tail()}"
            assert time.monotonic() < deadline, f"waited in vain, {self.behind()} records behind:\n{worker.tail()}"
            time.sleep(0.05)

    def feed(self, worker: Worker, records: list[Record]) -> None:
        """Send records and wait until all of them, and what they caused, have been worked on."""
        wanted = sum(outcomes(worker).values()) + send(self.bootstrap, records)
        self.until(worker, lambda: sum(outcomes(worker).values()) >= wanted)
        self.until(worker, lambda: self.at_rest(worker))
        assert sum(outcomes(worker).values()) == wanted

    def at_rest(self, worker: Worker) -> bool:
        """Whether nothing is behind, and one more flush has nothing that other partitions wait for."""
        if self.behind():
            return False
        before, since = self._ends([FORWARDED]), time.time()
        self.until(worker, lambda: worker.metrics()[FLUSHED, ()] > since)
        return self._ends([FORWARDED]) == before

    def behind(self) -> int:
        """Records that the group has not committed yet."""
        topics = (*TOPICS, FORWARDED)
        committed = self._observer.committed(_slots(topics), timeout=PATIENCE)
        return sum(end - max(slot.offset, 0) for slot, end in zip(committed, self._ends(topics), strict=True))

    def _ends(self, topics: Iterable[str]) -> list[int]:
        """Where the partitions of those topics end."""
        return [self._observer.get_watermark_offsets(slot, timeout=PATIENCE)[1] for slot in _slots(topics)]

    def messages(self, topic: str) -> list[Message]:
        """Everything in a topic, with its headers."""
        found, ended = [], 0
        partitions = self._observer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        self._observer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        while ended < len(partitions):
            for message in self._observer.consume(1000, timeout=0.1):
                if (error := message.error()) is None:
                    found.append(message)
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    ended += 1
        return found


def _slots(topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)]


def stop(worker: Worker) -> None:
    """End a worker as an orchestrator does, which it must take well."""
    assert worker.terminate(STOP) == 0, worker.tail()
    assert "Traceback" not in worker.said()


def outcomes(worker: Worker) -> Counter[tuple[str, str]]:
    """How many records of each topic had each outcome, as the worker counts them."""
    return _labelled(worker.metrics(), "maalstrom_events_total", "topic", "outcome")


def dead_letters(worker: Worker) -> Counter[tuple[str, str]]:
    """How many records of each topic were dead letters for each reason, as the worker counts them."""
    return _labelled(worker.metrics(), "maalstrom_dead_letters_total", "topic", "reason")


def _labelled(
    samples: Mapping[tuple[str, tuple[tuple[str, str], ...]], float], metric: str, *labels: str
) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for (name, pairs), value in samples.items():
        if name == metric:
            given = dict(pairs)
            counted[given[labels[0]], given[labels[1]]] += int(value)
    return counted
