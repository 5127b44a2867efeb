import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams import config
from streams.agents.consume import consume
from streams.app import create_app
from streams.core.catalogue.parse import parse
from streams.core.events.batch import Batch
from streams.core.exchange.seal import Seal
from streams.core.ledger.settings import LedgerSettings
from streams.jobs.topic_watch import TopicWatch
from streams.sources.kafka import RecordBatch
from streams.sources.kafka.offset_tracker import OffsetTracker
from streams.telemetry.readiness import Crashes
from streams.telemetry.server import listen

GOAL = '[[goal]]\nid = "g"\nname = "G"\nevent = "Order Completed"\nunit = "orders"\nvalue = 1\n'
Agent = Callable[[Any], Coroutine[Any, Any, None]]
RULES = LedgerSettings(parse(f'base_currency = "NOK"\n{GOAL}'), b"sixteen letters!", retention=10**10)


@pytest.mark.parametrize(("said", "seconds"), [(None, 15.0), ("40", 40.0)])
def test_a_dead_worker_is_missed_after_seconds_unless_faust_is_told_otherwise(
    said: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BROKER_SESSION_TIMEOUT", raising=False)
    if said:
        monkeypatch.setenv("BROKER_SESSION_TIMEOUT", said)
    chosen = config.Settings(clickhouse="chdb://memory", datadir=tmp_path, processes=0)
    with listen("127.0.0.1", 0) as listening:
        conf = create_app(chosen, RULES, listening, TopicWatch(list), partitions=1).conf
    assert conf.broker_session_timeout == seconds
    assert 3 * conf.broker_heartbeat_interval <= seconds
    assert conf.broker_request_timeout >= seconds


def batch_of(topic: str, offset: int = 0) -> RecordBatch:
    """One record that was fetched."""
    return RecordBatch(TP(topic, 0), [record_at(offset)], 0, OffsetTracker(offset), 10)


def record_at(offset: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=0, key=None, value=b"", headers=())


def app_with(agents: list[Agent], generation: int, active: bool) -> Any:
    """An app of that generation, whose agents are added to those."""
    return SimpleNamespace(
        consumer_generation_id=generation,
        flow_control=SimpleNamespace(is_active=lambda: active),
        topic=lambda *_, **__: None,
        agent=lambda *_, **__: agents.append,
        crashes=Crashes(),
    )


class Stream:
    """A batch from each of those generations, and then nothing for ever."""

    def __init__(self, *batches: tuple[RecordBatch, int]) -> None:
        self._batches = batches

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[SimpleNamespace]:
        for fetched, generation in self._batches:
            yield SimpleNamespace(value=fetched, message=SimpleNamespace(generation_id=generation), ack=None)
        await asyncio.sleep(60)


@pytest.mark.parametrize(("active", "taken"), [(True, [1, 3]), (False, [])])
def test_what_was_fetched_for_an_owner_of_before_a_rebalance_is_not_worked_on(active: bool, taken: list[int]) -> None:
    agents, found = list[Agent](), list[int]()
    app = app_with(agents, generation=2, active=active)

    async def take(batch: Batch, *_: object) -> None:
        found.extend(batch.offsets)

    consume(app, "engagement", take, defaultdict(asyncio.Lock), Seal(b"key"))
    (work,) = agents
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(work(Stream(*((batch_of("engagement", at), at % 2 + 1) for at in range(4)))), 0.1))
    assert found == taken


def test_topics_that_share_turns_are_worked_on_in_turn_and_a_batch_grows_until_its_own() -> None:
    agents, found, gate = list[Agent](), list[tuple[str, int]](), asyncio.Event()
    app = app_with(agents, generation=1, active=True)

    async def take(batch: Batch, *_: object) -> None:
        found.append((batch.topic, len(batch.values)))
        await gate.wait()

    async def scenario() -> None:
        turns = defaultdict[int, asyncio.Lock](asyncio.Lock)
        fetched = [batch_of("engagement"), batch_of("checkout")]
        working: list[asyncio.Task[None]] = []
        for each in fetched:
            consume(app, each.topic, take, turns, Seal(b"key"))
            working.append(asyncio.create_task(agents[-1](Stream((each, 1)))))
            await asyncio.sleep(0.01)
        assert [each.may_grow(1) for each in fetched] == [False, True]
        fetched[1].grow([record_at(1)], 0)
        gate.set()
        await asyncio.sleep(0.01)
        for task in working:
            task.cancel()

    asyncio.run(scenario())
    assert found == [("engagement", 1), ("checkout", 2)]
