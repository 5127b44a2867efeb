"""The one specification of the topics, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KEYED = ("engagement", "checkout", "identity")
ERASURES = "erasures"
SOURCES = (*KEYED, ERASURES, "costs")
FORWARDED = "forwarded"
ALERTS = "alerts"
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

    `retention_ms` is MAALSTROM_RETENTION. `partitions` None means: as many as the keyed topics that exist have,
    else `DEFAULT_PARTITIONS`. `replication` is the number of replicas of each topic that is made.
    """

    app_id: str = "maalstrom"
    retention_ms: int = 45 * 86_400_000
    partitions: int | None = None
    replication: int = 1


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


def dead_letters_of(topic: str) -> str:
    """Return the name of the topic that keeps the dead letters of `topic`."""
    return f"{topic}.dlq"


def journal_topic(app_id: str) -> str:
    """Return the name of the journal's changelog topic, as Faust derives it."""
    return f"{app_id}-journal-changelog"


def specification(layout: Layout) -> tuple[TopicSpec, ...]:
    """Return every topic of the pipeline."""
    keep = layout.retention_ms
    compaction = {"segment.bytes": str(64 << 20), "min.cleanable.dirty.ratio": "0.2"}
    return (
        *(TopicSpec(name, None, "delete", keep, SOURCE_BYTES) for name in KEYED),
        TopicSpec(ERASURES, None, "delete", keep, INTERNAL_BYTES),
        TopicSpec("costs", 1, "delete", -1, SOURCE_BYTES),
        *(TopicSpec(dead_letters_of(name), None, "delete", keep, DEAD_LETTER_BYTES) for name in (*SOURCES, FORWARDED)),
        TopicSpec(ALERTS, 1, "delete", keep, INTERNAL_BYTES),
        TopicSpec(FORWARDED, None, "delete", keep, SOURCE_BYTES),
        TopicSpec(journal_topic(layout.app_id), None, "compact", -1, INTERNAL_BYTES, compaction),
    )
