"""The worker's loop, with an embedded database and a journal in memory."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import pytest

from streams.clickhouse import Client, DatabaseError, connect
from streams.core.admission import Batch
from streams.core.catalogue import parse
from streams.core.continuity import Available
from streams.core.ledger import Ledger
from streams.core.rules import Rules
from streams.core.segment import SegmentKey
from streams.worker import Worker
from tests.messages import NOON, touch

GOAL = '[[goal]]\nid = "g"\nname = "G"\nevent = "Order Completed"\nunit = "orders"\nvalue = 1\n'
RULES = Rules(parse(f'base_currency = "NOK"\n{GOAL}'), b"sixteen letters!", retention=10**13)


class Journal(dict[SegmentKey, bytes]):
    """A journal of one partition that is always there."""

    async def append(self, partition: int, key: SegmentKey, value: bytes) -> None:
        self[key] = value

    async def remove(self, partition: int, keys: Sequence[SegmentKey]) -> None:
        for key in keys:
            self.pop(key, None)

    def segments(self, partition: int) -> list[tuple[SegmentKey, bytes]]:
        return sorted(self.items())


class Outbox:
    """Nothing leaves."""

    async def bury(self, letters: Sequence[Any]) -> None:
        assert not letters

    async def forward(self, forwards: Sequence[Any]) -> None:
        assert not forwards


class Group:
    """A group whose partitions are always there."""

    name = "group"

    async def commit(self) -> bool:
        return True

    def lag(self) -> dict[tuple[str, int], int]:
        return {}

    async def available(self, topics: Iterable[str], partition: int) -> dict[str, Available]:
        return dict.fromkeys(topics, Available(0, 100, 0))

    def stop(self, reason: str) -> None:
        raise AssertionError(reason)


def run(client: Client, scenario: Callable[[Worker], Awaitable[None]]) -> None:
    """Run a scenario with a worker that owns one partition and has one touch to write."""

    async def whole() -> None:
        worker = Worker(RULES, client, Journal(), Outbox(), 1, Group())
        await worker.own({0})
        await worker.take(Batch("engagement", [touch("e1", NOON)], [b"u"], [0]), [NOON], lambda: None)
        await scenario(worker)

    asyncio.run(whole())


def test_a_stop_lets_the_flush_under_way_end(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, gate = threading.Event(), threading.Event()

    async def scenario(worker: Worker) -> None:
        running = asyncio.create_task(worker.run(0.01))
        await asyncio.to_thread(entered.wait)
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        gate.set()
        await stopping
        await running  # ends by itself

    with connect("chdb://memory") as client:
        insert = client.insert

        def slowly(table: str, columns: Any) -> int:
            if table == "engagement_counts":
                entered.set()
                gate.wait()
            return insert(table, columns)

        monkeypatch.setattr(client, "insert", slowly)
        run(client, scenario)
        assert client.query("SELECT sum(events) AS n FROM engagement_counts FINAL") == [{"n": 1}]
        assert client.query("SELECT count() AS n FROM engagement_users") == [{"n": 1}]


def test_what_is_there_now_is_written_by_a_flush_that_begins_later(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, gate, found = threading.Event(), threading.Event(), []

    async def scenario(worker: Worker) -> None:
        running = asyncio.create_task(worker.run(0.01))
        await asyncio.to_thread(entered.wait)
        await worker.take(Batch("engagement", [touch("e2", NOON)], [b"u"], [1]), [NOON], lambda: None)
        written = asyncio.create_task(worker.written())
        await asyncio.sleep(0)
        gate.set()
        await written
        found.extend(client.query("SELECT sum(events) AS n FROM engagement_counts FINAL"))
        await worker.stop()
        await running

    with connect("chdb://memory") as client:
        insert = client.insert

        def slowly(table: str, columns: Any) -> int:
            entered.set()
            gate.wait()
            return insert(table, columns)

        monkeypatch.setattr(client, "insert", slowly)
        run(client, scenario)
    assert found == [{"n": 2}]


def test_after_a_defect_in_a_flush_the_last_one_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(worker: Worker) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Ledger, "report", fail)
        with pytest.raises(ZeroDivisionError):
            await worker.flush()
        monkeypatch.undo()
        await worker.stop()

    with connect("chdb://memory") as client:
        run(client, scenario)
        assert client.query("SELECT count() AS n FROM engagement_counts") == [{"n": 0}]


def test_it_says_from_how_many_users_on_a_campaign_is_shown_by_name() -> None:
    async def whole(client: Client) -> None:
        worker = Worker(RULES, client, Journal(), Outbox(), 1, Group(), smallest_group=3)
        await worker.flush()

    with connect("chdb://memory") as client:
        asyncio.run(whole(client))
        assert client.query("SELECT id, value FROM settings FINAL") == [{"id": "smallest_group", "value": "3"}]


def test_it_is_ready_while_clickhouse_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, bool] = {}

    async def scenario(worker: Worker) -> None:
        seen["before the first flush"] = worker.ready
        attempts = 0

        def refusing_once(table: str, columns: Any) -> int:
            nonlocal attempts
            attempts += table == "engagement_counts"
            if table == "engagement_counts" and attempts == 1:
                raise DatabaseError("it is down")
            seen[f"{table} {attempts}"] = worker.ready
            return 1

        monkeypatch.setattr(client, "insert", refusing_once)
        await worker.flush()
        seen["after the flush"] = worker.ready
        worker.disown()
        seen["without partitions"] = worker.ready

    with connect("chdb://memory") as client:
        run(client, scenario)
    assert seen["before the first flush"] is seen["engagement_counts 2"] is seen["without partitions"] is False
    assert seen["after the flush"] is True


def test_a_segment_that_the_journal_lost_is_a_gap() -> None:
    journal, gaps = Journal(), []

    async def scenario() -> None:
        worker = Worker(RULES, client, journal, Outbox(), 1, Group())
        await worker.own({0})
        for offset in (0, 3, 8):
            await worker.take(Batch("engagement", [touch(f"e{offset}", NOON)], [b"u"], [offset]), [NOON], lambda: None)
        gaps.append(worker.partitions[0].gap)
        del journal[sorted(journal)[1]]  # from 1 to the offset after 3
        await worker.own({0})
        gaps.append(worker.partitions[0].gap)

    with connect("chdb://memory") as client:
        asyncio.run(scenario())
    assert gaps == [0, 3]
