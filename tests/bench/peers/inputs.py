"""What all of them read, a simulated month on the broker, and what has to come out, worked out naively."""

from __future__ import annotations

import json
import struct
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams import simulate
from streams.simulate.envelopes import Simulated
from tests.bench.peers.programs import job

PARTITIONS = 4
NAMES = ("engagement", "checkout")
Answer = dict[str, float]  # conversions by campaign, '' being the unattributed


def catalogue() -> str:
    """The simulator's campaigns, and the one goal of the job."""
    scenario = simulate.Scenario()
    text = simulate.catalogue_text(scenario.start, scenario.days)
    head, campaigns = text.partition("[[goal]]")[0], text[text.index("[[campaign]]") :]
    return f'{head}[[goal]]\nid = "orders"\nname = "Orders"\nevent = "Order Completed"\n\n{campaigns}'


def records(events: int, users: int | None) -> Iterator[Simulated]:
    """That many events of so many users."""
    yield from simulate.generate(simulate.Scenario(events=events, users=users))


def answer(events: int, users: int | None) -> Answer:
    """Every order with all touches of its user: the rules of the job, without a stream."""
    touches: dict[str, dict[str, tuple[object, ...]]] = defaultdict(dict)
    orders: dict[str, tuple[str, tuple[object, ...]]] = {}
    for record in records(events, users):
        item = job.item_of(record.value)
        if item and item[1][0] == "t":
            touches[item[0]][item[1][2]] = item[1][1:]
        elif item:
            orders[item[1][2]] = (item[0], item[1][1:])
    credit: dict[str, int] = {}
    for user, order in orders.values():
        job.credits(list(touches.get(user, {}).values()), order, credit)
    return by_campaign(credit)


def by_campaign(credit: dict[str, int]) -> Answer:
    """Of millionths by minute|campaign."""
    found: dict[str, float] = defaultdict(float)
    for key, millionths in credit.items():
        found[key.split("|", 1)[1]] += millionths / 1e6
    return dict(found)


class Broker:
    """Topics on a broker."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    def preload(self, events: int, users: int | None, suffix: str = "") -> None:
        """Make the topics of the job anew with that many events."""
        self.clean(NAMES if suffix else ())
        keep = {"retention.ms": "-1", "segment.bytes": str(1 << 30)}
        self._create([NewTopic(name + suffix, PARTITIONS, 1, config=keep) for name in NAMES])
        settings = {"partitioner": "murmur2_random", "linger.ms": 20, "queue.buffering.max.messages": 200_000}
        producer = Producer(settings | {"bootstrap.servers": self.bootstrap})
        for number, record in enumerate(records(events, users)):
            producer.produce(record.topic + suffix, record.value, record.key or None)
            if number % 500 == 0:
                producer.poll(0)
                while len(producer) > 100_000:
                    producer.poll(0.05)
        assert producer.flush(120) == 0

    def make(self, topic: str) -> None:
        """A compacted topic for results, which says when each was appended."""
        config = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
        self._create([NewTopic(topic, PARTITIONS, 1, config=config)])

    def _create(self, topics: list[NewTopic]) -> None:
        for future in self._admin.create_topics(topics).values():
            future.result(30)

    def clean(self, keep: tuple[str, ...]) -> None:
        """Delete every topic but those, and Kafka's own."""
        found = self._admin.list_topics(timeout=10).topics
        doomed = [name for name in found if name not in keep and not name.startswith("__")]
        for future in self._admin.delete_topics(doomed, operation_timeout=30).values() if doomed else ():
            future.result(30)
        time.sleep(1.0 if doomed else 0.0)

    def ends(self, topic: str) -> int:
        """Records that were appended to a topic."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "ends"})
        try:
            return sum(
                consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(PARTITIONS)
            )
        finally:
            consumer.close()

    def results(self, topic: str, kind: str) -> tuple[Answer, float]:
        """The last total of each key, and when the last record was appended."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"read-{uuid.uuid4()}",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
            }
        )
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        latest, last, ended = dict[str, int](), 0.0, set[int]()
        while len(ended) < PARTITIONS:
            for message in consumer.consume(5000, 0.5):
                if message.error():
                    ended.add(message.partition())
                elif (value := message.value()) is not None:
                    last = max(last, message.timestamp()[1] / 1000)
                    total = struct.unpack(">q", value)[0] if kind == "long" else int(json.loads(value))
                    latest[message.key().decode().strip('"')] = total
        consumer.close()
        return by_campaign(latest), last
