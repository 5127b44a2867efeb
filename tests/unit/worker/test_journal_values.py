"""The values of the journal on disk, and what becomes of them where the disk does not do its part."""

from __future__ import annotations

import os
import random
import shutil
import struct
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streams.core.journal.chunks import owner
from streams.telemetry import metrics
from streams.worker.journal_values import JournalValues
from tests.support.disks.small_disk import fill

KIB = 1024


def key(number: int, partition: int = 0) -> bytes:
    return struct.pack(">Iqqq", partition, 1, 1, number)


def where() -> tuple[float, float]:
    """The bytes that the metrics say, on disk and in memory."""
    disk, memory = (metrics.REGISTRY.get_sample_value("maalstrom_journal_bytes", {"where": w}) for w in PLACES)
    assert disk is not None
    assert memory is not None
    return disk, memory


PLACES = ("disk", "memory")


def files(folder: Path) -> list[Path]:
    """The open files of this process that were in that folder."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [link for link in links if os.readlink(link).startswith(str(folder))]


@pytest.fixture(params=["wide", "full", "unwritable", "small"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One that takes what it is given, everything, nothing, or some."""
    if request.param == "wide":
        return tmp_path / "not made" / "yet"
    if request.param == "unwritable":
        (tmp_path / "file").touch()
        return tmp_path / "file" / "folder"
    small: Path = request.getfixturevalue("small")
    if request.param == "full":
        fill(small / "ballast")
    return small


def test_values_are_those_that_were_given_wherever_they_are(folder: Path) -> None:
    """As a dictionary has them, through any order of replacing and removing, whatever the disk takes."""
    values, expected, rng = JournalValues(folder), dict[bytes, bytes](), random.Random(1)
    for _ in range(300):
        at = key(rng.randrange(40), rng.randrange(3))
        if rng.random() < 0.7:
            values[at] = expected[at] = rng.randbytes(1) * rng.choice([0, 1, 20, 5 * KIB, 400 * KIB])
        else:
            assert values.pop(at, None) == expected.pop(at, None)
        if rng.random() < 0.02:
            values.drop(partition := rng.randrange(3))
            expected = {raw: value for raw, value in expected.items() if owner(raw) != partition}
        assert (len(values), sum(where())) == (len(expected), sum(map(len, expected.values())))
    assert dict(values) == expected


def test_memory_has_none_of_what_the_disk_takes(tmp_path: Path) -> None:
    values = JournalValues(tmp_path)
    values[key(1)] = bytes(300 * KIB)
    assert where() == (300 * KIB, 0)
    assert list(tmp_path.iterdir()) == [], "nothing is left however the process ends"
    values.drop(0)
    assert where() == (0, 0)
    assert files(tmp_path) == []


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_the_disk_has_nothing_of_what_is_gone(tmp_path: Path, change: str) -> None:
    values, gone = JournalValues(tmp_path), b"somebody who was erased" * KIB
    values[key(1)], values[key(2)] = gone, bytes(KIB)
    (file,) = files(tmp_path)
    assert gone[:KIB] in file.read_bytes()
    if change == "replaced":
        values[key(1)] = b"nobody"
    else:
        del values[key(1)]
    assert b"somebody" not in file.read_bytes()
    assert len(file.read_bytes()) < len(gone), "its room is given back"


def test_what_a_full_disk_does_not_take_stays_in_memory_until_it_does(small: Path) -> None:
    values, ballast = JournalValues(small), small / "ballast"
    given = {key(number): bytes([number]) * (300 * KIB) for number in range(10)}
    values[key(0)] = given[key(0)]
    fill(ballast)
    with capture_logs() as said:
        values.update(given)
    assert [line["event"] for line in said] == ["a part of the journal stays in memory: the disk does not take it"]
    assert said[0]["reason"] == "database or disk is full"
    disk, memory = where()
    assert memory > 0
    assert disk + memory == 10 * 300 * KIB
    assert dict(values) == given
    ballast.unlink()
    with capture_logs() as said:
        for number in range(10):
            values[key(number)] = given[key(number)]
    assert [line["event"] for line in said] == ["the disk takes the journal again: nothing of it is in memory"]
    assert where() == (10 * 300 * KIB, 0)
    assert dict(values) == given


def test_room_on_the_disk_is_given_back_at_once(small: Path) -> None:
    values = JournalValues(small)
    for _ in range(20):
        values[key(1)] = bytes(KIB * KIB)
        values[key(2, partition=1)] = bytes(KIB * KIB)
    assert shutil.disk_usage(small).used < 3 * KIB * KIB
    values.drop(1)
    del values[key(1)]
    assert shutil.disk_usage(small).used < KIB * KIB


def test_what_the_disk_changed_is_not_taken_for_what_was_written(tmp_path: Path) -> None:
    values = JournalValues(tmp_path)
    values[key(1)] = bytes(KIB)
    values._files[0].write(key(1), bytes(KIB - 1) + b"x")
    with pytest.raises(OSError, match="what was written there is not there any more"):
        values[key(1)]


def test_values_of_partitions_that_are_somebody_elses_go(tmp_path: Path) -> None:
    values = JournalValues(tmp_path)
    values.update({key(1): b"a", key(1, partition=1): b"b"})
    values.keep({1})
    assert dict(values) == {key(1, partition=1): b"b"}
