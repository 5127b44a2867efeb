"""A broker that tells no settings of a topic: it has not heard of it yet, or may not tell. No real one does the first
when a test wants it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, cast

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from streams.kafka.clients import RightError
from streams.kafka.topics import cluster

TOLD = {"retention.ms": {"value": "1"}}


class Cluster:
    """An admin client of a cluster with topic `events`, whose settings are what its brokers say in turn."""

    def __init__(self, settings: Iterator[dict[str, Any]]) -> None:
        self._settings = settings

    def list_topics(self) -> list[str]:
        """The names of all."""
        return ["events"]

    def describe_configs(self, _: Sequence[ConfigResource], config_filter: str) -> dict[str, Any]:
        """What the next broker says, as kafka-python has it."""
        return {"topic": {"events": next(self._settings)}}

    def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """One partition each."""
        return [{"name": name, "partitions": [{"replica_nodes": [1]}]} for name in names]


def described(settings: Iterator[dict[str, Any]]) -> dict[str, cluster.Actual]:
    """What is made of it."""
    return cluster.describe(cast(KafkaAdminClient, Cluster(settings)), ["events"])


def test_a_broker_that_has_not_heard_of_a_topic_is_asked_again() -> None:
    assert described(iter([{}, {}, TOLD]))["events"].configs == {"retention.ms": "1"}


def test_what_stays_hidden_is_a_missing_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TOLD_S", 0)
    with pytest.raises(RightError, match="may not see the settings of topic events"):
        described(repeat({}))
