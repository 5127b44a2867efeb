"""The worker's loop, with an embedded database and a journal in memory."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from streams.core.events.batch import Batch
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from streams.worker.ports import Kafka
from streams.worker.watch import defects
from streams.worker.worker import Options, Worker
from tests.support.messages import NOON, touch
from tests.support.worker.parts import RULES, Group, Journal, Producer


def run(client: Client, scenario: Callable[[Worker], Awaitable[None]]) -> None:
    """Run a scenario with a worker that owns one partition and has one touch to write."""

    async def whole() -> None:
        worker = Worker(RULES, client, Kafka(Journal(), Producer(), Group()), 1)
        await worker.assign({0})
        await worker.take(Batch("engagement", [touch("e1", NOON)], [b"u"], [0]), [NOON], lambda: None)
        await scenario(worker)

    asyncio.run(whole())


def held_up(client: Client, monkeypatch: pytest.MonkeyPatch, entered: threading.Event, gate: threading.Event) -> None:
    """Let the client's inserts of engagement say that they have begun, and wait for the gate."""
    insert = client.insert

    def slowly(table: str, columns: Any) -> int:
        if table == "engagement_counts":
            entered.set()
            gate.wait()
        return insert(table, columns)

    monkeypatch.setattr(client, "insert", slowly)


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
        held_up(client, monkeypatch, entered, gate)
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
        held_up(client, monkeypatch, entered, gate)
        run(client, scenario)
    assert found == [{"n": 2}]


def test_a_defect_in_a_report_writes_nothing_and_all_of_it_once_the_ledger_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def scenario(worker: Worker) -> None:
        with monkeypatch.context() as defect:
            defect.setattr(Ledger, "report", fail)
            await worker.flush()
        await worker.flush()
        assert client.query("SELECT count() AS n FROM engagement_counts") == [{"n": 1}]
        with monkeypatch.context() as defect:  # the second time within a minute
            defect.setattr(Ledger, "report", fail)
            await worker.flush()
        await worker.stop()

    with connect("chdb://memory") as client:
        run(client, scenario)


def test_defects_without_end_are_a_clear_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defects, "APART", 0.0)
    monkeypatch.setattr(Ledger, "report", lambda *_: 1 / 0)

    async def scenario(worker: Worker) -> None:
        for _ in range(defects.MOST + 1):
            await worker.flush()
        assert "failed 11 times in a row in the report of partition 0, at last with ZeroDivisionError" in stopped[0]

    stopped: list[str] = []
    monkeypatch.setattr(Group, "stop", lambda _, reason: stopped.append(reason))
    with connect("chdb://memory") as client:
        run(client, scenario)


def test_it_says_from_how_many_users_on_a_campaign_is_shown_by_name() -> None:
    async def whole(client: Client) -> None:
        worker = Worker(RULES, client, Kafka(Journal(), Producer(), Group()), 1, Options(smallest_group=3))
        await worker.assign({0})
        assert not worker.ready, "ClickHouse was not asked yet"
        await worker.flush()
        assert worker.ready

    with connect("chdb://memory") as client:
        asyncio.run(whole(client))
        assert client.query("SELECT id, value FROM settings FINAL WHERE id = 'smallest_group'") == [
            {"id": "smallest_group", "value": "3"}
        ]


def test_it_is_ready_while_clickhouse_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, bool] = {}

    async def scenario(worker: Worker) -> None:
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
        worker.revoke()
        seen["without partitions"] = worker.ready

    with connect("chdb://memory") as client:
        run(client, scenario)
    assert seen["engagement_counts 2"] is seen["without partitions"] is False
    assert seen["after the flush"] is True


def test_a_segment_that_the_journal_lost_is_a_gap() -> None:
    journal, gaps = Journal(), list[int]()

    async def scenario() -> None:
        worker = Worker(RULES, client, Kafka(journal, Producer(), Group()), 1)
        await worker.assign({0})
        for offset in (0, 3, 8):
            await worker.take(Batch("engagement", [touch(f"e{offset}", NOON)], [b"u"], [offset]), [NOON], lambda: None)
        gaps.append(worker.partitions[0].gap)
        del journal[sorted(journal)[1]]  # from 1 to the offset after 3
        await worker.assign({0})
        gaps.append(worker.partitions[0].gap)

    with connect("chdb://memory") as client:
        asyncio.run(scenario())
    assert gaps == [0, 3]


class Ending(Group):
    """A group that notes why its worker ends."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def stop(self, reason: str) -> None:
        self.reasons.append(reason)


def other() -> LedgerSettings:
    return LedgerSettings(RULES.catalogue, b"another key of 16", retention=RULES.retention)


def begun(client: Client) -> Journal:
    """A journal with a touch."""
    journal = Journal()

    async def whole() -> None:
        worker = Worker(RULES, client, Kafka(journal, Producer(), Group()), 1)
        await worker.assign({0})
        await worker.take(Batch("engagement", [touch("e1", NOON)], [b"u"], [0]), [NOON], lambda: None)

    asyncio.run(whole())
    assert len(journal) == 1
    return journal


def ends(client: Client, journal: Journal, rules: LedgerSettings, partitions: int = 1) -> str:
    """Why a worker with those rules ends; it changes nothing in the journal."""
    before, group, acknowledged = dict(journal), Ending(), list[bool]()

    async def whole() -> None:
        worker = Worker(rules, client, Kafka(journal, Producer(), group), partitions)
        await worker.assign({0})
        batch = Batch("engagement", [touch("e2", NOON)], [b"u"], [1])
        await worker.take(batch, [NOON], lambda: acknowledged.append(True))
        await worker.flush()

    asyncio.run(whole())
    assert journal == before
    assert not acknowledged
    (reason,) = group.reasons
    assert "\n" not in reason
    return reason


def test_a_journal_begun_with_another_token_key_is_refused() -> None:
    with connect("chdb://memory") as client:
        journal = begun(client)
    with connect("chdb://memory") as client:
        reason = ends(client, journal, other())
    assert "the journal of partition 0 are hashed with another MAALSTROM_TOKEN_KEY; set the one" in reason


def test_a_database_filled_with_another_token_key_is_refused_before_the_journal_begins() -> None:
    with connect("chdb://memory") as client:
        run(client, Worker.flush)
        reason = ends(client, Journal(), other())
        assert "users in the database" in reason
        assert "set the one that it was filled with" in reason
        assert client.query("SELECT sum(events) AS n FROM engagement_counts FINAL") == [{"n": 1}]


def test_a_journal_for_another_number_of_partitions_is_refused() -> None:
    with connect("chdb://memory") as client:
        reason = ends(client, begun(client), RULES, partitions=2)
    assert reason.startswith("the journal is made for 1 partitions, and the topics have 2: ")
    assert reason.endswith("run `maalstrom topics grow 2` (docs/operations/grow.md says how)")
