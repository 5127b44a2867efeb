"""A source topic, or the journal, truncated or made anew under a worker: it stops and says so; nothing is skipped."""

from __future__ import annotations

import time

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from streams.core.events.topics import journal_topic
from streams.kafka.topics.cluster import create
from tests.integration.support.harness import Rig
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record
from tests.support.messages import DAY, touch

pytestmark = pytest.mark.faults

ENGAGEMENT = TopicPartition("engagement", 0)


def feed(rig: Rig, records: int) -> None:
    """Send touches into partition 0; they may belong to another."""
    at = time.time_ns() // 1_000_000 - 10 * DAY
    rig.send([Record("engagement", None, touch(f"t-{n}", at + n, user="u"), 0) for n in range(records)])


def worked(rig: Rig) -> Worker:
    """A worker that has read 300 records, stopped."""
    feed(rig, 300)
    worker = rig.worker()
    worker.start()
    worker.until(lambda: rig.behind() == 0)
    assert worker.terminate(timeout=20) == 0
    return worker


def stops(worker: Worker, *says: str) -> None:
    """It ends by itself with status 1, says why in one line, and nothing of a traceback."""
    assert worker.wait(timeout=60) == 1, worker.tail()
    lines = [line for line in worker.said().splitlines() if all(text in line for text in says)]
    assert len(lines) == 1, worker.tail()
    assert "MAALSTROM_APP_ID" in lines[0]
    assert "Traceback" not in worker.said(), worker.tail()


def delete(rig: Rig, before: int) -> None:
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        admin.delete_records({ENGAGEMENT: before})


def make_anew(rig: Rig, topic: str) -> None:
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        admin.delete_topics([topic])
        while topic in admin.list_topics():
            time.sleep(0.05)
    create(rig.bootstrap, rig.layout)


def test_records_deleted_before_they_were_read_and_a_group_moved_past_them(rig: Rig) -> None:
    worker = worked(rig)
    feed(rig, 200)
    delete(rig, before=400)
    worker.start()
    stops(worker, "offsets 300 to 399 of engagement/0 are gone unread", f"--group {rig.layout.app_id} ")
    with KafkaConsumer(bootstrap_servers=rig.bootstrap, group_id=rig.layout.app_id) as moved:
        moved.assign([ENGAGEMENT])
        moved.commit({ENGAGEMENT: OffsetAndMetadata(400, "", -1)})
    worker.start()
    worker.until(lambda: rig.behind() == 0)


def test_records_deleted_under_a_worker_that_fell_behind(rig: Rig) -> None:
    worker = worked(rig)
    worker.start()
    worker.wait_ready()
    worker.freeze()
    time.sleep(1)  # a fetch that is under way would be answered with what is sent now
    feed(rig, 200)
    delete(rig, before=400)
    worker.thaw()
    stops(worker, "of engagement/0 are gone unread")


def test_a_topic_made_anew_while_the_worker_is_away(rig: Rig) -> None:
    worker = worked(rig)
    make_anew(rig, "engagement")
    feed(rig, 200)
    worker.start()
    stops(worker, "engagement/0 was read up to offset 300, and ends at 200 now")


def test_a_topic_made_anew_under_a_worker(rig: Rig) -> None:
    worker = worked(rig)
    worker.start()
    worker.wait_ready()
    make_anew(rig, "engagement")
    stops(worker, "engagement/0 was read up to offset 300, and ends at 0 now")


def test_a_journal_made_anew(rig: Rig) -> None:
    worker = worked(rig)
    make_anew(rig, journal_topic(rig.layout.app_id))
    worker.start()
    stops(worker, "has read engagement/0 up to offset 300, but the journal only up to 0")
