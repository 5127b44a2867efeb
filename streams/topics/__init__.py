"""The topics the pipeline needs: their one specification; making and checking them; how far behind their reader is."""

from streams.topics.check import Finding, check, partition_of
from streams.topics.cluster import Created, create, partition_count
from streams.topics.lag import PartitionLag, lag
from streams.topics.render import render_created, render_findings, render_lag
from streams.topics.spec import (
    ALERTS,
    ERASURES,
    FORWARDED,
    KEYED,
    SOURCES,
    Layout,
    TopicSpec,
    dead_letters_of,
    journal_topic,
    specification,
)

__all__ = [
    "ALERTS",
    "ERASURES",
    "FORWARDED",
    "KEYED",
    "SOURCES",
    "Created",
    "Finding",
    "Layout",
    "PartitionLag",
    "TopicSpec",
    "check",
    "create",
    "dead_letters_of",
    "journal_topic",
    "lag",
    "partition_count",
    "partition_of",
    "render_created",
    "render_findings",
    "render_lag",
    "specification",
]
