"""State in files: it says what it would say in memory, whatever becomes of the disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from streams.core.columns.index import Index
from streams.core.columns.run import concatenated
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.worker.state_files import StateFiles, StateRoom
from tests.support.disks.small_disk import fill
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import DAY
from tests.unit.core.columns.test_index import many
from tests.unit.core.columns.test_run import rows

ROWS = 20_000
KILLED = """
import itertools, pathlib, sys
from streams.core.columns.index import Index
from streams.worker.state_files import StateFiles, StateRoom
from tests.unit.core.columns.test_index import many
index = Index(StateFiles(StateRoom(pathlib.Path(sys.argv[1]), 0, 1)), part=1000)
for at in itertools.count():
    index.add(many(at * 10_000, 10_000))
    while index.runs.largest and index.runs.move():
        print(index.runs.disk, flush=True)
"""


def moved(index: Index) -> bool:
    """Whether all runs could be moved to files."""
    while index.runs.largest:
        if not index.runs.move():
            return False
        index.runs.work(ROWS)
    return True


def same(index: Index, number: int) -> None:
    """It has all rows of `many`, and finds them."""
    wanted = many(0, number)
    assert sorted(rows(index.rows())) == sorted(rows(wanted))
    assert index.holds(wanted.keys).all()
    assert len(index.of_users(np.unique(wanted.user))[1]) == number


def filled(index: Index) -> Index:
    index.add(many(0, ROWS))
    return index


def test_a_folder_that_cannot_be_made_leaves_all_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    files = StateFiles(StateRoom(tmp_path / "file" / "state", 0, 1))
    index = filled(Index(files))
    assert not moved(index)
    assert files.refused == f"{tmp_path}/file/state: Not a directory"
    assert index.runs.disk == 0
    same(index, ROWS)


def test_a_full_disk_leaves_in_memory_what_has_no_room(small: Path) -> None:
    files = StateFiles(StateRoom(small / "state", 0, 1))
    index = filled(Index(files, part=1_000))
    assert moved(index)
    disk = index.runs.disk
    fill(small / "ballast")
    index.add(many(ROWS, ROWS))
    assert not moved(index)
    assert files.refused == f"{small}/state: No space left on device"
    assert index.runs.disk == disk > 0
    assert not moved(index)  # for a while it is not tried again
    both = concatenated([many(0, ROWS), many(ROWS, ROWS)])
    assert sorted(rows(index.rows())) == sorted(rows(both))
    assert index.holds(both.keys).all()


def test_nothing_is_left_of_a_process_that_was_killed_while_it_wrote(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        sizes = [int(process.stdout.readline()) for _ in range(5)]
        os.kill(process.pid, signal.SIGKILL)
    assert sizes[-1] > 0
    assert list(tmp_path.iterdir()) == []


def test_ledgers_share_the_memory(tmp_path: Path) -> None:
    ledgers: list[Ledger] = []
    files = StateFiles(StateRoom(tmp_path, 900), lambda: len(ledgers))
    assert files.room == 900
    for _ in range(3):
        ledgers.append(Ledger(LedgerSettings(CATALOGUE, KEY, 45 * DAY), keeper=files))
    assert files.room == 300
    assert [ledger.size.disk for ledger in ledgers] == [0, 0, 0]
