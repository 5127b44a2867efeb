"""The journal's own rules; that it is durable, restored and moved is tested with workers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import faust
import pytest
from aiokafka.errors import KafkaError

from streams.core.journal.chunks import is_chunk, suffixes
from streams.core.journal.segment import SegmentKey
from streams.worker.journal import MAX_RECORD_BYTES, Journal
from streams.worker.ports import RevokedError


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return made(tmp_path)


def made(folder: Path) -> Journal:
    return Journal(faust.App("journal-test", autodiscover=False, datadir=folder))


def test_the_changelog_topic_is_the_one_that_the_operator_makes(journal: Journal) -> None:
    assert journal.topic == "journal-test-journal-changelog"


def test_what_is_restored_goes_where_segments_are_read_from(journal: Journal) -> None:
    journal._table.data[bytes(28)] = b"restored"
    assert [value for _, value in journal.segments(0)] == [b"restored"]


class Topic:
    """The changelog topic of a journal, compacted at once; it may refuse what comes after so many records."""

    def __init__(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: dict[bytes, bytes] = {}
        self.left, self._folder = 10**9, journal._app.conf.datadir
        monkeypatch.setattr(journal, "_send", self.send)

    async def send(self, _: int, key: bytes, value: bytes | None) -> None:
        self.left -= 1
        if self.left < 0:
            raise KafkaError("no")
        if value is None:
            self.records.pop(key, None)
        else:
            assert len(value) <= MAX_RECORD_BYTES
            self.records[key] = value

    def restored(self) -> Journal:
        """The journal of the next owner."""
        journal = made(self._folder)
        journal._values.update(self.records)
        return journal


SIZES = [0, 1, MAX_RECORD_BYTES, MAX_RECORD_BYTES + 1, 3 * MAX_RECORD_BYTES + 5]
KEY, OTHER = SegmentKey(1, 2, 3), SegmentKey(1, 2, 4)


@pytest.mark.parametrize("before", SIZES)
@pytest.mark.parametrize("after", SIZES)
def test_a_segment_of_any_size_is_stored_in_place_of_another_at_once(
    before: int, after: int, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = b"a" * before, b"b" * after
    for records in range(20):
        topic = Topic(journal, monkeypatch)
        journal.forget(0)
        asyncio.run(journal.append(0, KEY, old))
        topic.left = records
        with suppress(KafkaError):
            asyncio.run(journal.append(0, KEY, new))
        ((key, value),) = topic.restored().segments(0)
        assert (key, value) in ((KEY, old), (KEY, new))
        if topic.left >= 0:
            break
    assert (value, list(journal.segments(0))) == (new, [(KEY, new)])
    topic.left = 10
    asyncio.run(journal.remove(0, [KEY]))
    assert topic.records == {}
    assert list(journal.segments(0)) == []


def test_a_chunk_that_is_missing_is_said_with_its_place(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Topic(journal, monkeypatch)
    asyncio.run(journal.append(0, KEY, bytes(2 * MAX_RECORD_BYTES)))
    del topic.records[max(topic.records)]
    with pytest.raises(ValueError, match=r"journal-test-journal-changelog/0 .*\(1, 2, 3\): 1 of its 2 chunks"):
        list(topic.restored().segments(0))


def test_segments_are_read_as_they_are_asked_for(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    Topic(journal, monkeypatch)
    for key in (OTHER, KEY):
        asyncio.run(journal.append(0, key, b"segment"))
    assert list(journal.segments(0, [OTHER])) == [(OTHER, b"segment")]
    found = journal.segments(0)
    assert next(found) == (KEY, b"segment")
    journal.forget(0)  # the partition is somebody else's
    with pytest.raises(RevokedError):
        next(found)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the journal sees, s."""
    now = [1_000.0]
    seen = SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0])
    monkeypatch.setattr("streams.worker.journal.time", seen)
    return now


@pytest.mark.parametrize("before", [None, 0, MAX_RECORD_BYTES + 1])
@pytest.mark.parametrize("removed", [False, True])
def test_chunks_of_a_writing_that_broke_off_are_deleted_and_no_others(
    before: int | None, removed: bool, journal: Journal, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    """It breaks off after each number of records; other segments, and those of other partitions, stay."""
    for records in range(1, 20):
        journal.forget(0)
        topic = Topic(journal, monkeypatch)
        for partition, key in ((0, OTHER), (1, KEY)):
            asyncio.run(journal.append(partition, key, b"o" * (2 * MAX_RECORD_BYTES)))
        if before is not None:
            asyncio.run(journal.append(0, KEY, b"a" * before))
        topic.left = records
        with suppress(KafkaError):
            asyncio.run(journal.append(0, KEY, b"b" * (3 * MAX_RECORD_BYTES)))
            if removed:
                asyncio.run(journal.remove(0, [KEY]))
        done, topic.left = topic.left >= 0, 10**9
        following = topic.restored()
        monkeypatch.setattr(following, "_send", topic.send)
        held, others = list(following.segments(0)), list(following.segments(1))
        asyncio.run(following.discard_remains(0))
        found = dict(topic.records)
        clock[0] += 599
        asyncio.run(following.discard_remains(0))
        assert topic.records == found, "who wrote them may go on"
        clock[0] += 1
        asyncio.run(following.discard_remains(0))
        assert (list(following.segments(0)), list(following.segments(1))) == (held, others)
        named = [raw + suffix for raw, head in topic.records.items() for suffix in suffixes(head)]
        assert {raw for raw in topic.records if is_chunk(raw)} == set(named), "in the topic is what segments name"
        assert (list(topic.restored().segments(0)), list(topic.restored().segments(1))) == (held, others)
        if done:
            break
    assert done


def test_who_was_stopped_between_chunks_writes_all_of_them_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    """The next owner may have deleted those that it had written."""
    topic = Topic(journal, monkeypatch)
    sent = topic.send

    async def stopped_once(partition: int, key: bytes, value: bytes | None) -> None:
        if len(topic.records) == 1 and clock[0] < 2_000:
            topic.records.clear()
            clock[0] += 5_000
        await sent(partition, key, value)

    monkeypatch.setattr(journal, "_send", stopped_once)
    value = bytes(range(256)) * (MAX_RECORD_BYTES // 100)
    asyncio.run(journal.append(0, KEY, value))
    assert clock[0] > 2_000
    assert list(topic.restored().segments(0)) == [(KEY, value)]


def test_a_record_that_is_none_of_ours_is_no_segment(journal: Journal) -> None:
    journal._values.update({b"garbage": b"garbage", bytes(27): b"x"})
    assert list(journal.segments(0)) == []
    journal.forget(0)
