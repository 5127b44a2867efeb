"""A journal's topic that was compacted, restored on an empty disk by another worker."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from streams.core.events.topics import journal_topic
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.records import stored

pytestmark = pytest.mark.faults

QUICKLY = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "0"}


def compact_quickly(rig: Rig, topic: str) -> None:
    """Have the broker compact the topic all the time."""
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in QUICKLY.items()]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": rig.bootstrap})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(20)


def sizes(rig: Rig, topic: str) -> tuple[int, int]:
    """How many records the topic has, and how many were ever written to it."""
    ends: dict[int, int] = {}
    count = 0
    for count, record in enumerate(stored(rig.bootstrap, topic), 1):  # noqa: B007
        ends[record.partition] = record.offset + 1
    return count, sum(ends.values())


def test_a_compacted_journal_is_restored_on_an_empty_disk_by_another_worker(rig: Rig) -> None:
    journal = journal_topic(rig.layout.app_id)
    compact_quickly(rig, journal)
    records = simulated(24_000, seed=40, engagement=0.9, duplicates=0.1, disorder=0.1)
    first, second = (rig.worker(BROKER_MAX_POLL_RECORDS="50") for _ in range(2))
    first.start()
    rig.send(records[:20_000])
    rig.settle()
    sent = 20_000

    def compacted() -> bool:
        nonlocal sent
        rig.send(records[sent : sent + 20])  # the newest part of a topic is compacted when there is a newer one
        sent += 20
        left, written = sizes(rig, journal)
        return left < written / 2

    first.until(compacted)
    first.kill()
    left, written = sizes(rig, journal)
    second.start()
    rig.send(records[sent:])
    account = rig.settle()
    assert account.records == 24_000
    assert '"restored"' in second.said()
    print(f"{left} of {written} journal records were left, {account}")
