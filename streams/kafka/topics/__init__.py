"""The topics the pipeline needs: their one specification; making and checking them; how far behind their reader is."""

from streams.kafka.topics.check import TopicProblem, check, obstacles, partition_of, uneven
from streams.kafka.topics.cluster import Created, create, partition_count, partition_counts
from streams.kafka.topics.lag import PartitionLag, lag
from streams.kafka.topics.render import WantedTopics, render_created, render_findings, render_lag, render_not_done
from streams.kafka.topics.spec import Layout, TopicSpec, copartitioned, specification

__all__ = [
    "Created",
    "Layout",
    "PartitionLag",
    "TopicProblem",
    "TopicSpec",
    "WantedTopics",
    "check",
    "copartitioned",
    "create",
    "lag",
    "obstacles",
    "partition_count",
    "partition_counts",
    "partition_of",
    "render_created",
    "render_findings",
    "render_lag",
    "render_not_done",
    "specification",
    "uneven",
]
