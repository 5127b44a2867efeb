"""From a page in a browser and a shop's server, through `maalstrom collect`, Kafka and a worker, to figures in
ClickHouse: each order is counted for the campaign that its buyer came from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker
from streams.core.catalogue.parse import parse
from streams.core.events.topics import KEYED
from streams.sinks.clickhouse.client import connect
from tests.e2e.browser import browser
from tests.integration.collector.clients.front import BROWSER_KEY, SERVER_KEY, Front
from tests.integration.collector.clients.published import BROWSERS, SERVERS, browse, installed, name_of, run, shop
from tests.integration.collector.clients.story import CATALOGUE
from tests.integration.support.harness import Rig
from tests.integration.support.records import Stored

PATIENCE = 60.0  # s
FOUND = """
SELECT conversion_id AS id, touch_campaign AS campaigns, touch_network AS networks, reason, toString(value) AS value
FROM conversions FINAL WHERE goal = 'new-customers' ORDER BY id
"""


async def told(front: Front) -> None:
    """All SDKs tell of a visit, a log-in, a product and an order."""
    for script in SERVERS:
        await run(installed(), script, front.address, SERVER_KEY)
    for page in BROWSERS:
        async with shop(installed()) as pages, browser() as tab:
            await browse(tab, page, pages, front.address, BROWSER_KEY)
            await asyncio.to_thread(front.until, is_there(f"order-{name_of(page)}"))


def is_there(order: str) -> Callable[[list[Stored]], bool]:
    """Whether an order is among records."""
    return lambda records: any(order.encode() in (record.value or b"") for record in records)


@pytest.mark.skipif("events" not in KEYED, reason="the worker does not read the topic `events` yet")
def test_orders_are_attributed_seconds_later(blank_kafka: Broker, clickhouse_server: str, tmp_path: Path) -> None:
    rig = Rig(blank_kafka.bootstrap, clickhouse_server, tmp_path)
    rig.catalogue_text, rig.catalogue = CATALOGUE, parse(CATALOGUE)
    with rig, Front(tmp_path, blank_kafka.bootstrap, topic="events") as front, connect(rig.dsn) as client:
        worker = rig.worker()
        worker.start()
        worker.wait_ready()
        asyncio.run(told(front))
        wanted = sorted(f"order-{name_of(script)}" for script in (*SERVERS, *BROWSERS))
        worker.until(lambda: [row["id"] for row in client.query(FOUND) if not row["reason"]] == wanted, PATIENCE)
        for row in client.query(FOUND):
            assert (row["campaigns"], row["networks"], row["value"]) == (["autumn"], ["facebook"], "349")
        assert all(value == 0 for (name, _), value in worker.metrics().items() if "dead_letters_total" in name)
