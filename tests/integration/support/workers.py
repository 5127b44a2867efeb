"""Worker processes for tests: started on a broker, watched by what they say, ended in one of several ways."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from kafka import KafkaAdminClient

PARTITIONS = 2
TOPICS = ("engagement", "checkout")
TIMEOUT = 60.0

Record = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class Group:
    """A consumer group on a broker: its topics, what was sent to them, what is committed."""

    def __init__(self, bootstrap: str, name: str, session_timeout: float, folder: Path) -> None:
        self.bootstrap, self.name, self.session_timeout, self.folder = bootstrap, name, session_timeout, folder
        self.sent: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        self.workers: list[Worker] = []
        #: What its workers may fetch ahead, over all partitions.
        self.pending_bytes = 1 << 26

    @property
    def topics(self) -> list[str]:
        """Every topic that a worker needs."""
        return [f"{self.name}-{topic}" for topic in TOPICS] + [f"{self.name}-journal-changelog"]

    def send(self, topic: str, partition: int, records: Sequence[Record], compression: str = "none") -> None:
        """Send records and wait until the broker has them."""
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "compression.type": compression, "linger.ms": 50, "log_level": 3}
        )
        for key, value, headers in records:
            producer.produce(f"{self.name}-{topic}", value, key, partition=partition, headers=list(headers))
        assert producer.flush(30) == 0
        self.sent[topic, partition] += records

    def committed(self) -> dict[tuple[str, int], int]:
        """The committed next offset by topic and partition; what has none is absent."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.name, "log_level": 3})
        wanted = [TopicPartition(f"{self.name}-{topic}", p) for topic in TOPICS for p in range(PARTITIONS)]
        found = consumer.committed(wanted, timeout=30)
        consumer.close()
        return {(tp.topic.removeprefix(f"{self.name}-"), tp.partition): tp.offset for tp in found if tp.offset >= 0}

    def ends(self) -> dict[tuple[str, int], int]:
        """What is committed when all is done, if every offset is a record."""
        return {slot: len(records) for slot, records in self.sent.items()}

    def start(self) -> Worker:
        """Start one more worker of the group."""
        self.workers.append(Worker(self))
        return self.workers[-1]

    def digest(self, topic: str, partition: int, offsets: Sequence[int]) -> int:
        """What a worker says for these records if it got them as they were sent."""
        return zlib.crc32(repr([self.sent[topic, partition][offset] for offset in offsets]).encode())


class Worker:
    """One worker process and what it said so far."""

    def __init__(self, group: Group) -> None:
        self.folder = group.folder / f"worker-{len(group.workers)}"
        self.folder.mkdir()
        self.said: list[dict[str, Any]] = []
        environment = os.environ | {
            "TEST_BOOTSTRAP": group.bootstrap,
            "TEST_GROUP": group.name,
            "TEST_DATADIR": str(self.folder),
            "TEST_SESSION_TIMEOUT": str(group.session_timeout),
            "TEST_PENDING_BYTES": str(group.pending_bytes),
        }
        command = [sys.executable, "-m", "faust", "-A", "tests.integration.support.worker_app"]
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*command, "worker", "--without-web", "-l", "info"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.said.append(json.loads(line))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What it said of this kind, in order."""
        return [event for event in self.said if event["event"] == kind]

    def offsets(self) -> dict[tuple[str, int], list[int]]:
        """The offsets of all records that agents got, in order, by topic and partition."""
        result: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for batch in self.events("batch"):
            result[batch["topic"], batch["partition"]] += batch["offsets"]
        return dict(result)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the worker brings about."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert self.process.poll() is None, f"the worker ended: {self.log()}"
            assert time.monotonic() < deadline, f"waited in vain: {self.said[-3:]} {self.log()}"
            time.sleep(0.02)

    def hold(self) -> None:
        """Let agents keep the batch that they work on."""
        (self.folder / "gate").touch()

    def release(self) -> None:
        """Let agents go on."""
        (self.folder / "gate").unlink(missing_ok=True)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the worker and wait for its end; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def log(self, characters: int = 3000) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text()[-characters:]


def make_topics(group: Group) -> None:
    with KafkaAdminClient(bootstrap_servers=group.bootstrap) as admin:
        admin.create_topics(
            {topic: {"num_partitions": PARTITIONS, "replication_factor": 1} for topic in group.topics},
            wait_for_metadata=True,
        )


def finish(group: Group) -> None:
    for worker in group.workers:
        worker.end(signal.SIGKILL)


def records(number: int, start: int = 0) -> list[Record]:
    return [(b"user", b"%d " % i + b"x" * 200, ()) for i in range(start, start + number)]


def counted(states: dict[str, dict[str, int]]) -> dict[tuple[str, int], int]:
    """Records in the state, by topic and partition."""
    return {
        (topic.rpartition("-")[2], int(partition)): number
        for partition, state in states.items()
        for topic, number in state.items()
        if not topic.endswith("-next")
    }
