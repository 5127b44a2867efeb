"""A journal that is read twice: the same segments again, from a file, or from memory where the disk refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.core.journal.segment import Segment, SegmentKey, valid
from streams.kafka.segment_codec import packed
from streams.worker.ledgers.errors import UnreadableError
from streams.worker.ledgers.spool import JournalSpool
from tests.support.disks.small_disk import fill

KEYS = [SegmentKey(7, 1, number) for number in range(4)]
JOURNAL = [
    (
        key,
        Segment(
            flushed=key.sequence - 1,
            offsets={"engagement": key.sequence},
            texts=[(key.sequence, n, f"{n * 7919:x}") for n in range(1000)],
            token_key=5,
        ),
    )
    for key in KEYS
]
VALUES = [(key, packed(segment)[0]) for key, segment in JOURNAL]


def _whole(spool: JournalSpool) -> None:
    spool.add(VALUES[:2])
    spool.add(VALUES[2:])
    assert list(spool.segments(KEYS[1:])) == JOURNAL[1:]
    assert list(spool.segments(KEYS)) == JOURNAL


def test_segments_are_read_again_as_they_were(tmp_path: Path) -> None:
    _whole(JournalSpool(tmp_path / "state"))
    assert list((tmp_path / "state").iterdir()) == []


def test_they_are_where_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _whole(JournalSpool(None))
    _whole(JournalSpool(tmp_path / "file" / "state"))


def test_they_are_where_the_disk_is_full(small: Path) -> None:
    spool = JournalSpool(small)
    fill(small / "all there is")
    _whole(spool)


def test_what_comes_first_says_which_count_without_its_rows(tmp_path: Path) -> None:
    spool = JournalSpool(tmp_path)
    spool.add(VALUES)
    assert valid(spool.heads) == KEYS
    assert [each.texts for each in spool.heads.values()] == [[]] * len(KEYS)
    assert [(each.flushed, each.token_key) for each in spool.heads.values()] == [(n - 1, 5) for n in range(len(KEYS))]
    assert [spool.infos[key].size for key in KEYS] == [packed(segment)[1] for _, segment in JOURNAL]


def test_a_value_that_is_no_segment_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError) as told:
        JournalSpool(tmp_path).add([*VALUES[:1], (KEYS[1], b"something else")])
    assert told.value.key == KEYS[1]
