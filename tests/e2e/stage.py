"""A simulated month in a database, the page on it, and a browser: shared by the tests of the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from streams import simulate
from streams.sinks.clickhouse.client import connect
from tests.conftest import serving
from tests.e2e.browser import Tab, browser
from tests.e2e.commands import Month, embedded, maalstrom, ok
from tests.e2e.pages import page

HOSTILE = "<img src=x onerror=alert(1)>"
WRITTEN = HOSTILE + "\\u001b[31m\\u202e"  # as it stands in the catalogue
DASHBOARDS = ("overview", "goals", "campaigns", "pipeline")
DRAWN = "document.querySelector('main section') && !document.querySelector('.waiting') && updated.textContent"
# The texts of a panel's cells, row by row, with ordinary spaces and minus signs.
READ = """(title, rows, cells) => {
  const head = [...document.querySelectorAll('main h2')].find((h) => h.textContent.startsWith(title));
  const text = (e) => e.textContent.replace(/[\\u202f]/g, '').replace(/\\u00a0/g, ' ').replace(/\\u2212/g, '-').trim();
  return [...head.closest('section').querySelectorAll(rows)].map((r) => [...r.querySelectorAll(cells)].map(text));
}"""


@dataclass
class Stage:
    """A month in a database, a page on it, and a browser."""

    runner: asyncio.Runner
    dsn: str
    address: str
    tab: Tab

    def open(self, path: str, condition: str = DRAWN, width: int = 1440, height: int = 900) -> None:
        self.tab.complaints.clear()
        self.runner.run(self.tab.size(width, height, mobile=width < 700))
        self.runner.run(self.tab.go(f"{self.address}{path}"))
        self.until(f"location.href.endsWith({json.dumps(path)}) && {condition}")

    def until(self, condition: str) -> None:
        self.runner.run(self.tab.until(condition))

    def script(self, text: str) -> Any:
        return self.runner.run(self.tab.run(text))

    def press(self, key: str) -> None:
        self.runner.run(self.tab.press(key))

    def cells(self, title: str, rows: str = "tbody tr", cells: str = "td") -> list[list[str]]:
        found: list[list[str]] = self.script(f"({READ})({json.dumps(title)}, {json.dumps(rows)}, {json.dumps(cells)})")
        return found

    def query(self, sql: str) -> list[dict[str, Any]]:
        with connect(self.dsn) as client:
            return client.query(sql)

    def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        async def asked() -> tuple[int, str, Mapping[str, str]]:
            async with aiohttp.ClientSession() as session, session.get(self.address + path, headers=headers) as answer:
                return answer.status, await answer.text(), answer.headers

        return self.runner.run(asked())


@pytest.fixture(scope="session")
def month_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A month that ended yesterday, with a campaign of a hostile name and costs."""
    folder = tmp_path_factory.mktemp("page")
    start = (datetime.now(UTC) - timedelta(days=32)).date()
    ok(maalstrom("simulate", folder, "--events", "6000", "--start", str(start)))
    catalogue = folder / "catalogue.toml"
    written = catalogue.read_text("utf-8").replace("The shop window", WRITTEN)
    catalogue.write_text(f'timezone = "Europe/Oslo"\n{written}', "utf-8")
    costs = folder / "costs.ndjson"
    costs.write_bytes(b"".join(cost.value + b"\n" for cost in simulate.costs(simulate.Scenario(start=start))))
    ok(maalstrom("replay", *Month(folder).arguments, "--costs", costs, "--clickhouse", embedded(folder / "clickhouse")))
    with serving(folder / "clickhouse") as address:
        yield f"clickhouse://{address}/maalstrom"


@asynccontextmanager
async def _staged(dsn: str) -> AsyncIterator[tuple[str, Tab]]:
    async with browser() as tab, page(dsn) as address:
        yield address, tab


@pytest.fixture(scope="session")
def stage(month_dsn: str) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        staged = _staged(month_dsn)
        address, tab = runner.run(staged.__aenter__())
        try:
            yield Stage(runner, month_dsn, address, tab)
        finally:
            runner.run(staged.__aexit__(None, None, None))
