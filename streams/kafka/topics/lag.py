"""How far a consumer group is behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import RetriableError

from streams.core.events.topics import FORWARDED, SOURCES
from streams.kafka.clients import Address, brokers_at, connect

COORDINATOR_S = 10.0


@dataclass(frozen=True)
class PartitionLag:
    """Offsets of a group in one partition; `committed` is None where it never committed."""

    topic: str
    partition: int
    start: int
    end: int
    committed: int | None

    @property
    def lag(self) -> int:
        """Records still to be read."""
        return self.end - min(self.end, max(self.start, self.committed or 0))

    @property
    def lost(self) -> bool:
        """Whether the topic no longer has the committed offset: truncated, expired, or made anew."""
        return self.committed is not None and not self.start <= self.committed <= self.end


def lag(bootstrap: Address, group: str, topics: Sequence[str] = (*SOURCES, FORWARDED)) -> list[PartitionLag]:
    """Return where the group is in every partition of those `topics` that exist, as they are called in Kafka.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    with connect(KafkaAdminClient, bootstrap) as admin:
        existing = sorted(set(admin.list_topics()) & set(map(brokers_at(bootstrap).topic, topics)))
        described = admin.describe_topics(existing) if existing else []
        parts = [TopicPartition(t["name"], p["partition_index"]) for t in described for p in t["partitions"]]
        if not parts:
            return []
        starts = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.EARLIEST))
        committed = _committed(admin, group, parts)
        # The ends come last: a commit made meanwhile cannot be beyond them.
        ends = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST))
    rows = [PartitionLag(p.topic, p.partition, starts[p].offset, ends[p].offset, committed.get(p)) for p in parts]
    return sorted(rows, key=lambda row: (row.topic, row.partition))


def _committed(admin: KafkaAdminClient, group: str, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    # A fresh cluster makes the coordinator's own topic on the first request, and answers "not yet" meanwhile.
    deadline = time.monotonic() + COORDINATOR_S
    while True:
        try:
            found = admin.list_group_offsets({group: list(parts)})[group]
            return {part: at.offset for part, at in found.items() if at.offset >= 0}
        except RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
