"""Segments that are larger than a record of Kafka: workers that die while they write one, and backups of the journal
then. What is left of a writing that broke off is deleted, and nothing else is."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from kafka import KafkaAdminClient

from streams.core.events.topics import journal_topic
from streams.core.journal.chunks import is_chunk, suffixes
from streams.kafka.journal_backup import load, save
from tests.e2e.commands import COMMAND
from tests.integration.support.harness import Rig
from tests.integration.support.processes import Process, Worker
from tests.integration.support.records import Record, stored
from tests.support.messages import DAY, order, touch

pytestmark = pytest.mark.faults

PAST = time.time_ns() // 1_000_000 - 10 * DAY
SOON = """
from streams.worker import journal

journal._REMAINS_AFTER = 3.0
"""


def buyer(name: str, seed: int) -> Iterator[Record]:
    """A journey of names that cannot be made smaller, and an order at its end: what is said of it takes chunks."""
    dice = random.Random(seed)

    def letters(count: int) -> str:
        return "".join(chr(dice.randrange(0x10000, 0x10FFFE)) for _ in range(count))

    for i in range(1000):
        campaign, key = letters(200), str(UUID(int=dice.getrandbits(128)))
        value = touch(key, PAST - i, campaign, network=letters(64), user=name)
        yield Record("engagement", name.encode(), value)
    yield Record("checkout", name.encode(), order(f"order of {name}", PAST, f"of {name}", user=name))


@pytest.fixture
def soon(tmp_path: Path) -> dict[str, str]:
    """The environment of workers that wait for three seconds with what others wait for ten minutes with."""
    (tmp_path / "soon").mkdir()
    (tmp_path / "soon" / "sitecustomize.py").write_text(SOON)
    return {"PYTHONPATH": str(tmp_path / "soon")}


def chunks(rig: Rig) -> tuple[set[bytes], set[bytes]]:
    """The keys of the chunks in the journal, by whether a segment names them."""
    found: dict[bytes, bytes] = {}
    for record in stored(rig.bootstrap, journal_topic(rig.layout.app_id)):
        assert record.key is not None
        found.pop(record.key, None)
        if record.value is not None:
            found[record.key] = record.value
    named = {key + suffix for key, head in found.items() for suffix in suffixes(head)}
    there = {key for key in found if is_chunk(key)}
    assert named <= there, "a chunk is missing"
    return named, there - named


def dies(worker: Worker, place: str) -> None:
    """It starts, and dies there."""
    worker.env["MAALSTROM_FAIL_POINT"] = place
    worker.start()
    assert worker.wait(timeout=90) == -signal.SIGKILL, worker.tail()
    worker.env["MAALSTROM_FAIL_POINT"] = ""


def gone(rig: Rig) -> None:
    """Wait until the group has no member: one that was killed is missed after some seconds."""
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        while admin.describe_groups([rig.layout.app_id])[rig.layout.app_id]["members"]:
            time.sleep(0.2)


def lose_journal(rig: Rig) -> None:
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        admin.delete_topics([journal_topic(rig.layout.app_id)])
        while journal_topic(rig.layout.app_id) in admin.list_topics():
            time.sleep(0.05)


def test_a_worker_that_dies_between_chunks_and_their_name_and_the_journal_saved_then(
    rig: Rig, soon: dict[str, str], tmp_path: Path
) -> None:
    worker = rig.worker(None, **soon)
    rig.send(buyer("anna", 1))
    dies(worker, "chunked:1")
    named, remains = chunks(rig)
    assert (len(named), len(remains) > 1) == (0, True)
    gone(rig)
    save(rig.bootstrap, rig.layout, tmp_path / "with remains")
    worker.start()
    rig.settle()
    worker.until(lambda: "whose writing broke off is deleted" in worker.said())
    worker.until(lambda: not chunks(rig)[1])
    assert len(chunks(rig)[0]) > 1
    assert worker.terminate(20) == 0

    save(rig.bootstrap, rig.layout, tmp_path / "with a large segment")
    lose_journal(rig)
    load(rig.bootstrap, rig.layout, tmp_path / "with a large segment")
    assert chunks(rig)[0]
    second = rig.worker(None, **soon)
    second.start()
    rig.send(buyer("ola", 2))
    rig.settle()
    assert "broke off" not in second.said()
    assert second.terminate(20) == 0

    lose_journal(rig)
    load(rig.bootstrap, rig.layout, tmp_path / "with remains")
    assert chunks(rig)[1] == remains
    third = rig.worker(None, **soon)
    third.start()
    rig.settle()
    third.until(lambda: not chunks(rig)[1])
    assert third.terminate(20) == 0


def test_what_a_segment_had_of_somebody_who_was_erased_goes_though_a_worker_dies_meanwhile(
    rig: Rig, soon: dict[str, str]
) -> None:
    worker = rig.worker(None, **soon)
    worker.start()
    rig.send(buyer("anna", 3))
    rig.settle()
    before, _ = chunks(rig)
    assert before
    assert worker.terminate(20) == 0
    dying = rig.worker(None, **soon, MAALSTROM_FAIL_POINT="named:1")
    dying.start()
    dying.wait_ready()
    with Process([COMMAND, "erase", "anna"], rig.folder / "erase.log", worker.env) as erasing:
        assert dying.wait(timeout=50) == -signal.SIGKILL, dying.tail()
        left = chunks(rig)[1]
        assert left
        assert left <= before
        worker.start()
        assert erasing.wait(timeout=60) == 0, erasing.tail()
    worker.until(lambda: not chunks(rig)[1])
    assert not chunks(rig)[0] & before
    assert worker.terminate(20) == 0
