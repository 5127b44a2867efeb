"""The one specification of the topics, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.core.events.topics import (
    ALERTS,
    COSTS,
    ERASURES,
    FORWARDED,
    KEYED,
    SOURCES,
    dead_letters_of,
    journal_topic,
)

DEFAULT_PARTITIONS = 4
# Wider than anything accepted, so that a record too long ends as a dead letter with a reason, not in its producer.
SOURCE_BYTES = 4 << 20
HEADERS_BYTES = 64 << 10
DEAD_LETTER_BYTES = SOURCE_BYTES + (1 << 20)
# A segment stays below 512 KiB; the rest is for its key and Kafka's framing.
INTERNAL_BYTES = 1 << 20


@dataclass(frozen=True)
class Layout:
    """What the configuration says about topics.

    `app_id` is the consumer group, which has the prefix of the topics, `prefix`, before it. `retention_ms` is
    MAALSTROM_RETENTION. `partitions` None means: as many as the keyed topics that exist have, else
    `DEFAULT_PARTITIONS`. `replication` is the number of replicas of each topic that is made; None means: as many as the
    brokers give by themselves. `more` are topics of other sources that messages are read from.
    """

    app_id: str = "maalstrom"
    retention_ms: int = 45 * 86_400_000
    partitions: int | None = None
    replication: int | None = None
    prefix: str = ""
    more: tuple[str, ...] = ()

    @property
    def keyed(self) -> tuple[str, ...]:
        """What the topics that messages are read from are called in Kafka."""
        return tuple(self.prefix + name for name in (*KEYED, *self.more))

    @property
    def read(self) -> tuple[str, ...]:
        """The topics that a worker reads, without the prefix."""
        return (*SOURCES, *self.more, FORWARDED)

    @property
    def letters(self) -> dict[str, str]:
        """What the dead-letter topics are called in Kafka, by the topics that they are of."""
        return {self.prefix + name: self.prefix + dead_letters_of(name) for name in self.read}


@dataclass(frozen=True)
class TopicSpec:
    """One topic as `create` makes it and `check` wants it.

    `partitions` None means: as many as the keyed topics. `retention_ms` -1 means: for ever.
    """

    name: str
    partitions: int | None
    cleanup: str
    retention_ms: int
    max_bytes: int
    configs: Mapping[str, str] = field(default_factory=dict)


def specification(layout: Layout) -> tuple[TopicSpec, ...]:
    """Return every topic of the pipeline, as it is called in Kafka."""
    keep, prefix = layout.retention_ms, layout.prefix
    compaction = {"segment.bytes": str(64 << 20), "min.cleanable.dirty.ratio": "0.2"}
    return (
        *(TopicSpec(name, None, "delete", keep, SOURCE_BYTES) for name in layout.keyed),
        TopicSpec(prefix + ERASURES, None, "delete", keep, INTERNAL_BYTES),
        TopicSpec(prefix + COSTS, 1, "delete", -1, SOURCE_BYTES),
        *(TopicSpec(name, None, "delete", keep, DEAD_LETTER_BYTES) for name in layout.letters.values()),
        TopicSpec(prefix + ALERTS, 1, "delete", keep, INTERNAL_BYTES),
        TopicSpec(prefix + FORWARDED, None, "delete", keep, SOURCE_BYTES),
        TopicSpec(journal_topic(layout.app_id), None, "compact", -1, INTERNAL_BYTES, compaction),
    )


def copartitioned(layout: Layout) -> tuple[str, ...]:
    """Return the topics that must have equal partition counts: those with keys, and the journal, the last."""
    letters = set(layout.letters.values())
    return tuple(spec.name for spec in specification(layout) if spec.partitions is None and spec.name not in letters)
