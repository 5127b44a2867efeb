"""Backup and restore, as docs/operations/backup.md says: the journal and ClickHouse lost, and nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from deploy.kafka.broker import Broker
from streams.core.events.topics import journal_topic
from streams.kafka import journal_backup
from streams.kafka.clients import BrokerError
from streams.kafka.journal_backup import BackupError, load, save
from streams.sinks.clickhouse import client as clickhouse
from tests.conftest import serving
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.records import stored

pytestmark = pytest.mark.faults
PAGE = (Path(__file__).parents[4] / "docs" / "operations" / "backup.md").read_text("utf-8")
TO, INTO = "Disk('backups', 'maalstrom-2026-11-28')", "File('maalstrom-2026-11-28')"  # the page's place, and one here


def statement(begin: str) -> str:
    """The SQL in the page that begins so, with the place where backups of this server may lie."""
    (found,) = re.findall(rf"^({begin} DATABASE [^;]*);$", PAGE, re.MULTILINE)
    assert TO in found
    return str(found).replace(TO, INTO)


@pytest.fixture
def rig(blank_kafka: Broker, tmp_path: Path) -> Iterator[Rig]:
    """On a server of its own, whose statements may make backups."""
    with (
        serving(tmp_path / "clickhouse", sources=True) as address,
        Rig(blank_kafka.bootstrap, f"clickhouse://{address}", tmp_path) as rig,
    ):
        yield rig


def ask(rig: Rig, *statements: str) -> None:
    """Statements on the server, of no database."""
    with clickhouse.connect(rig.dsn.rpartition("/")[0] + "/default") as client:
        for each in statements:
            client.command(each.replace("maalstrom", rig.database, 1))


def delete(rig: Rig, topic: str) -> None:
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        admin.delete_topics([topic])
        while topic in admin.list_topics():
            pass


def missed(rig: Rig) -> None:
    """Wait until the group has no member: one that was killed is missed after some seconds."""
    with KafkaAdminClient(bootstrap_servers=rig.bootstrap) as admin:
        while admin.describe_groups([rig.layout.app_id])[rig.layout.app_id]["members"]:
            time.sleep(0.2)


def test_what_was_backed_up_comes_back_and_what_came_since_is_read_again(rig: Rig, tmp_path: Path) -> None:
    records = simulated(6000, seed=71, duplicates=0.05, disorder=0.1)
    first = rig.worker()
    first.start()
    rig.send(records[:3000])
    rig.settle()
    assert first.terminate(30) == 0
    kept = tmp_path / "journal.bin"
    journal = journal_topic(rig.layout.app_id)
    assert save(rig.bootstrap, rig.layout, kept).records == len(list(stored(rig.bootstrap, journal)))
    ask(rig, statement("BACKUP"))
    second = rig.worker()
    second.start()
    rig.send(records[3000:4500])
    rig.settle()
    second.kill()
    # What is lost: what workers know, and every figure. The topics with events are there.
    delete(rig, journal)
    ask(rig, f"DROP DATABASE {rig.database} SYNC")
    rig.send(records[4500:])
    ask(rig, statement("RESTORE"))
    missed(rig)
    load(rig.bootstrap, rig.layout, kept)
    rig.worker().start()
    account = rig.settle()
    assert account.records == len(rig.records()) == len(records)


def test_what_does_not_fit_is_refused_and_changes_nothing(rig: Rig, tmp_path: Path) -> None:
    worker = rig.worker()
    worker.start()
    rig.send(simulated(500, seed=72))
    rig.settle()
    kept, journal = tmp_path / "journal.bin", journal_topic(rig.layout.app_id)
    with pytest.raises(BrokerError, match=r"in group rig_\d+ a worker is running; stop all of them first"):
        save(rig.bootstrap, rig.layout, kept)
    assert not kept.exists()
    assert worker.terminate(30) == 0
    save(rig.bootstrap, rig.layout, kept)
    with pytest.raises(FileExistsError):
        save(rig.bootstrap, rig.layout, kept)
    with pytest.raises(BackupError, match="holds a journal already"):
        load(rig.bootstrap, rig.layout, kept)
    delete(rig, journal)
    whole = kept.read_bytes()
    middle = len(whole) // 2
    for wrong, said in {
        whole[:-7]: "in the middle of a record",
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]: "was changed|no whole backup|in the middle",
        b"": "no whole backup",
    }.items():
        kept.write_bytes(wrong)
        with pytest.raises(BackupError, match=said):
            load(rig.bootstrap, rig.layout, kept)
    kept.write_bytes(whole)
    delete(rig, "engagement")
    with pytest.raises(BackupError, match=r"engagement/\d ends at 0, and was read to \d+"):
        load(rig.bootstrap, rig.layout, kept)
    assert list(stored(rig.bootstrap, journal)) == []
    assert journal_backup.VERSION == 1
