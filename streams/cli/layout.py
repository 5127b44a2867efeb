"""What the commands that make, check and copy topics are told of them by the environment."""

from streams import config
from streams.core.catalogue.parse import duration
from streams.kafka.topics import Layout


def layout_of(chosen: config.Settings, partitions: int | None = None, replication: int | None = None) -> Layout:
    """All topics of the deployment, those of sources.toml among them. Raises ConfigError."""
    wanted = partitions, replication or chosen.replication, chosen.topic_prefix, config.more_topics(chosen)
    return Layout(chosen.group, duration(chosen.retention), *wanted)
