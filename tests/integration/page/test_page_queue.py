"""People who ask the page and go: nobody after them waits for their queries."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from streams.page import dashboards, server
from streams.page.history import MetricsHistory
from streams.page.reader import THREADS, Reader
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import connect
from streams.telemetry.server import WebServer, listen
from streams.telemetry.web_guard import AllowedHosts

SLOW = "SELECT sleepEachRow(1) AS s FROM numbers(3)"
GONE = 1_000


def dashboard(name: str, sql: str) -> dashboards.Dashboard:
    panel = {"id": 1, "gridPos": {"w": 24}, "targets": [{"rawSql": sql, "refId": "A"}]}
    return dashboards.read(name, json.dumps({"uid": name, "title": name, "panels": [panel]}))


@asynccontextmanager
async def serving(dsn: str) -> AsyncIterator[int]:
    """A page with one slow and one quick dashboard; yields its port."""
    shown = {name: dashboard(name, sql) for name, sql in (("slow", SLOW), ("quick", "SELECT 1 AS one"))}
    registry, listening = CollectorRegistry(), listen("127.0.0.1", 0)
    page = server.Page(shown, Reader(dsn), MetricsHistory(registry))
    site = WebServer(listening, registry, list, lambda: None, page, AllowedHosts("127.0.0.1"))
    await site.on_start()
    try:
        yield listening.getsockname()[1]
    finally:
        await site.on_stop()


@pytest.fixture
def dsn(clickhouse_server: str) -> str:
    where = f"{clickhouse_server}/page_queue"
    with connect(where) as client:
        migrations.apply(client)
    return where


async def asked(port: int, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /api/dashboards/{name}/data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    return reader, writer


async def answer(port: int, name: str) -> tuple[int, str, float]:
    """The status, the text and after how many seconds."""
    began = time.monotonic()
    reader, writer = await asked(port, name)
    text = (await reader.read()).decode()
    writer.close()
    return int(text.split()[1]), text, time.monotonic() - began


def run(dsn: str, scenario: Callable[[int], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        async with serving(dsn) as port:
            await answer(port, "quick")
            return await scenario(port)

    return asyncio.run(whole())


def test_who_has_gone_keeps_nobody_waiting(dsn: str) -> None:
    async def scenario(port: int) -> tuple[int, str, float]:
        running = [await asked(port, "slow") for _ in range(THREADS)]
        await asyncio.sleep(0.2)
        for _ in range(GONE // 20):
            waiting = await asyncio.gather(*(asked(port, "slow") for _ in range(20)))
            await asyncio.sleep(0.01)
            for _, writer in waiting:
                writer.close()
        for _, writer in running:
            writer.close()
        return await answer(port, "quick")

    status, text, seconds = run(dsn, scenario)
    assert (status, '"one"' in text) == (200, True)
    assert seconds < 12  # were they all asked, it would be 45


def test_beyond_the_limit_the_answer_is_no_at_once(dsn: str) -> None:
    async def scenario(port: int) -> list[tuple[int, str, float]]:
        waiting = await asyncio.gather(*(asked(port, "slow") for _ in range(server.MOST_ANSWERS)))
        await asyncio.sleep(0.2)
        refused = await answer(port, "quick")
        for _, writer in waiting:
            writer.close()
        await asyncio.sleep(0.2)
        return [refused, await answer(port, "quick")]

    (status, text, seconds), later = run(dsn, scenario)
    assert status == 503
    assert "Retry-After: 5" in text
    assert "too many ask at once; try again" in text
    assert seconds < 2  # and not the 3 that one query takes
    assert later[0] == 200
