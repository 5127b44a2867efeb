import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams import config
from streams.app import consume, create_app
from streams.core.admission import Batch
from streams.core.catalogue import parse
from streams.core.offsets import OffsetTracker
from streams.core.rules import Rules
from streams.transport import Batch as Fetched
from streams.web import listen

GOAL = '[[goal]]\nid = "g"\nname = "G"\nevent = "Order Completed"\nunit = "orders"\nvalue = 1\n'
RULES = Rules(parse(f'base_currency = "NOK"\n{GOAL}'), b"sixteen letters!", retention=10**10)


@pytest.mark.parametrize(("said", "seconds"), [(None, 15.0), ("40", 40.0)])
def test_a_dead_worker_is_missed_after_seconds_unless_faust_is_told_otherwise(
    said: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BROKER_SESSION_TIMEOUT", raising=False)
    if said:
        monkeypatch.setenv("BROKER_SESSION_TIMEOUT", said)
    chosen = config.Settings(clickhouse="chdb://memory", datadir=tmp_path, processes=0)
    with listen("127.0.0.1", 0) as listening:
        conf = create_app(chosen, RULES, listening, partitions=1).conf
    assert conf.broker_session_timeout == seconds
    assert 3 * conf.broker_heartbeat_interval <= seconds
    assert conf.broker_request_timeout >= seconds


class Stream:
    """A batch of one record from each of those generations, and then nothing for ever."""

    def __init__(self, generations: Sequence[int]) -> None:
        self._generations = generations

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[SimpleNamespace]:
        for offset, generation in enumerate(self._generations):
            tracker = OffsetTracker(offset)
            record = SimpleNamespace(offset=offset, timestamp=0, key=None, value=b"", headers=())
            fetched = Fetched(TP("engagement", 0), [record], 0, tracker, 1)
            yield SimpleNamespace(value=fetched, message=SimpleNamespace(generation_id=generation), ack=None)
        await asyncio.sleep(60)


@pytest.mark.parametrize(("active", "taken"), [(True, [1, 3]), (False, [])])
def test_what_was_fetched_for_an_owner_of_before_a_rebalance_is_not_worked_on(active: bool, taken: list[int]) -> None:
    agents, found = list[Callable[[Any], Awaitable[None]]](), list[int]()
    app: Any = SimpleNamespace(
        consumer_generation_id=2,
        flow_control=SimpleNamespace(is_active=lambda: active),
        topic=lambda *_, **__: None,
        agent=lambda *_, **__: agents.append,
    )

    async def take(batch: Batch, *_: object) -> None:
        found.extend(batch.offsets)

    consume(app, "engagement", take)
    (work,) = agents
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(work(Stream([1, 2, 1, 2])), 0.1))
    assert found == taken
