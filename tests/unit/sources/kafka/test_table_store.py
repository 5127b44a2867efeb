"""What the changelog of a table makes of its values."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from types import SimpleNamespace

import faust
import pytest
from faust.types import TP

from streams.sources.kafka.table_store import GIVEN, STORE, TableStore


class Kept(dict[bytes, bytes]):
    """Values, and which partitions' were kept."""

    partitions: set[int]

    def keep(self, partitions: set[int]) -> None:
        self.partitions = partitions


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def table(kept: Kept) -> TableStore:
    app = faust.App("table-test", autodiscover=False)
    made: TableStore = app.Table("t", store=STORE, options={GIVEN: kept}, key_type=bytes, value_type=bytes).data
    return made


def key(number: int, partition: int = 0) -> bytes:
    return struct.pack(">Iqqq", partition, 1, 1, number)


def apply(table: TableStore, records: Iterable[tuple[int, bytes | None, bytes | None]]) -> None:
    events = [SimpleNamespace(message=SimpleNamespace(partition=p, key=k, value=v)) for p, k, v in records]
    table.apply_changelog_batch(events, lambda k: k, lambda v: v)


def test_the_changelog_is_applied_record_by_record(table: TableStore, kept: Kept) -> None:
    apply(table, [(0, key(1), b"old"), (0, key(1), None), (0, key(1), b"new"), (0, key(2), b""), (0, key(3), b"x")])
    apply(table, [(0, key(3), None), (0, key(4), None)])
    assert kept == {key(1): b"new", key(2): b""}


def test_records_of_the_changelog_that_are_none_of_ours_are_passed_over(table: TableStore, kept: Kept) -> None:
    apply(table, [(0, b"garbage", b"x"), (0, None, b"x"), (0, key(1, partition=1), b"another partition's")])
    assert kept == {}


def test_what_came_late_of_partitions_of_others_goes(table: TableStore, kept: Kept) -> None:
    asyncio.run(table.on_recovery_completed({TP("t", 1)}, set()))
    assert kept.partitions == {1}
