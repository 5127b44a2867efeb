"""The page in a real browser, on a simulated month: what is shown is what the database holds."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import floor
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.kafka.broker import free_ports
from streams.clickhouse import connect
from tests.conftest import serving
from tests.e2e.browser import Tab, browser
from tests.e2e.commands import Month, embedded, maalstrom, ok
from tests.e2e.pages import page

HOSTILE = "<img src=x onerror=alert(1)>"
DASHBOARDS = ("goals", "campaigns", "pipeline")
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


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A month that ended yesterday, with a campaign of a hostile name and costs."""
    folder = tmp_path_factory.mktemp("page")
    start = (datetime.now(UTC) - timedelta(days=32)).date()
    ok(maalstrom("simulate", folder, "--events", "6000", "--start", str(start)))
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(catalogue.read_text("utf-8").replace("The shop window", HOSTILE), "utf-8")
    ok(maalstrom("replay", *Month(folder).arguments, "--clickhouse", embedded(folder / "clickhouse")))
    with serving(folder / "clickhouse") as address:
        yield f"clickhouse://{address}/maalstrom"


@asynccontextmanager
async def _staged(dsn: str) -> AsyncIterator[tuple[str, Tab]]:
    async with browser() as tab, page(dsn) as address:
        yield address, tab


@pytest.fixture(scope="module")
def stage(dsn: str) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        staged = _staged(dsn)
        address, tab = runner.run(staged.__aenter__())
        try:
            yield Stage(runner, dsn, address, tab)
        finally:
            runner.run(staged.__aexit__(None, None, None))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_of_a_dashboard_is_drawn_without_a_complaint(stage: Stage, name: str, tmp_path: Path) -> None:
    stage.tab.requests.clear()
    stage.open(f"/d/maalstrom-{name}")
    assert stage.script("document.querySelectorAll('.error').length") == 0
    assert stage.script("[...document.querySelectorAll('section .body')].every((b) => b.textContent.trim())")
    assert stage.script("banner.hidden")
    assert stage.tab.complaints == []
    assert all(address.startswith(stage.address) for address in stage.tab.requests)
    stage.runner.run(stage.tab.picture(tmp_path / f"{name}.png"))
    assert (tmp_path / f"{name}.png").stat().st_size > 20_000


def test_figures_are_those_of_the_database(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    goals = stage.query("SELECT name, reached, target FROM goal_progress ORDER BY `by` NULLS LAST, name")
    shown = [
        [name, f"{float(reached):.0f}", f"{float(target):.0f}"] for name, reached, target in map(dict.values, goals)
    ]
    assert sorted(row[:3] for row in stage.cells("Every goal at a glance")) == sorted(shown)
    shares = [[row["name"], f"{floor(100 * row['reached'] / row['target'] + Decimal('0.5'))} %"] for row in goals]
    assert sorted(stage.cells("Reached so far", ".bars li", ".name, .value")) == sorted(shares)
    (events,) = stage.query("SELECT sum(events) AS n FROM engagement_counts FINAL")
    stage.open("/d/maalstrom-campaigns?from=now-60d&to=now")
    assert ["Engagement", str(events["n"])] in stage.cells("In the time shown", ".stat", ".name, .figure")


def test_a_chart_is_a_table_and_a_reading_for_those_who_do_not_see_it(stage: Stage) -> None:
    stage.open("/d/maalstrom-campaigns?from=now-60d&to=now")
    section = (
        "[...document.querySelectorAll('section')].find((s) => s.textContent.startsWith('Engagement, by network'))"
    )
    assert "Engagement, by network: email " in stage.script(f"{section}.querySelector('.plot').ariaLabel")
    stage.script(f"{section}.querySelector('.plot').focus()")
    stage.press("End")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d: .*\w+ \d+.*", stage.script(f"{section}.querySelector('.unseen').textContent")
    )
    assert stage.script(f"!{section}.querySelector('.tip').hidden")
    stage.script(f"{section}.querySelector('.head button').click()")
    rows = stage.cells("Engagement, by network")
    (events,) = stage.query("SELECT sum(events) AS n FROM engagement_counts FINAL")
    assert sum(int(cell) for row in rows for cell in row[1:] if cell != "-") == events["n"]
    stage.script(f"{section}.querySelectorAll('th button')[1].click()")
    assert stage.script(f"{section}.querySelectorAll('th')[1].ariaSort") == "descending"


def test_numbers_are_written_as_people_read_them(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    written = {
        "1234567.891|locale|2": "1 234 567.89",
        "-1234|locale|0": "-1 234",
        "-0.2|locale|0": "0",
        "0.875|percentunit|1": "87.5 %",
        "12.5|percent|null": "12.5 %",
        "0.0042|s|null": "4.20 ms",
        "5400|s|1": "1.5 h",
        "90|m|null": "1.50 h",
        "2500000|short|null": "2.50 million",
        "1536|bytes|null": "1.5 KiB",
        "7329.66|currencyNOK|2": "7 329.66 NOK",
        "3|currencyEUR|2": "€3.00",
        "6582.57|cps|0": "6 583 /s",
        "null|locale|0": "-",
    }
    script = f"""import('/static/units.js').then(({{ text }}) => {json.dumps(list(written))}.map((one) => {{
      const [value, unit, decimals] = one.split('|');
      return text(JSON.parse(value), {{ unit, decimals: JSON.parse(decimals) }});
    }}))"""
    found = [text.replace("\u202f", " ").replace("\u00a0", " ").replace("\u2212", "-") for text in stage.script(script)]
    assert dict(zip(written, found, strict=True)) == written


def test_what_comes_from_data_is_only_text(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    assert HOSTILE in [row[0] for row in stage.cells("What brought them", ".bars li", ".name")]
    assert stage.script("document.querySelectorAll('main img').length") == 0
    stage.open("/d/maalstrom-campaigns")
    assert HOSTILE in stage.script("document.body.textContent")
    assert stage.script("document.querySelectorAll('main img').length") == 0
    assert stage.tab.complaints == []


def test_what_is_chosen_is_in_the_address_and_in_the_figures(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    before = stage.script("updated.dateTime")
    choose = "const s = document.querySelector('[data-name=goal]'); s.value = 'enquiries';"
    stage.script(f"(() => {{ {choose} s.dispatchEvent(new Event('change')); }})()")
    stage.until("document.body.textContent.includes('What brought them: Enquiries')")
    assert stage.script("location.search") == "?var-goal=enquiries"
    stage.until(f"updated.dateTime > '{before}'")
    brought = stage.query(
        "SELECT sum(conversions) AS n FROM goal_attribution_now WHERE model = 'last_click' AND goal = 'enquiries'"
    )
    rows = stage.cells("Attributed or not", ".bars li", ".value")
    assert sum(int(row[0]) for row in rows) == brought[0]["n"]
    stage.script("history.back()")
    stage.until("document.body.textContent.includes('What brought them: 1 500 orders')")


def test_a_value_that_is_not_offered_is_said_and_not_asked_for(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals?var-goal=x%27%29%20OR%201%3D1%20--", f"{DRAWN} && !banner.hidden")
    assert "Goal has no x') OR 1=1 --" in stage.script("banner.textContent")
    assert stage.script("document.querySelector('[data-name=goal]').value") == "orders"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_all_of_it(stage: Stage, theme: str) -> None:
    stage.runner.run(stage.tab.theme(theme))
    stage.open("/d/maalstrom-campaigns", width=390, height=844)
    assert stage.script("document.documentElement.scrollWidth") == 390
    assert stage.script("document.documentElement.dataset.theme") == theme
    assert stage.script("[...document.querySelectorAll('section')].every((s) => s.getBoundingClientRect().width > 350)")
    assert stage.tab.complaints == []


def test_without_clickhouse_panels_say_what_to_do_and_metrics_are_there(stage: Stage) -> None:
    (port,) = free_ports(1)

    async def visit() -> tuple[str, str, list[str]]:
        async with page(f"clickhouse://127.0.0.1:{port}/maalstrom") as address:
            await stage.tab.go(f"{address}/d/maalstrom-goals")
            await stage.tab.until(f"location.port === '{address[-5:].lstrip(':')}' && {DRAWN}")
            goals = await stage.tab.run("document.querySelector('.error').textContent")
            await stage.tab.go(f"{address}/d/maalstrom-pipeline")
            await stage.tab.until(f"document.title.startsWith('Pipeline') && {DRAWN}")
            waiting = await stage.tab.run(f"({READ})('Gaps', '.stat', '.figure')[0][0]")
            return goals, waiting, list(stage.tab.complaints)

    goals, gaps, complaints = stage.runner.run(visit())
    assert "check the address and that it is running" in goals
    assert gaps.endswith("0")
    assert complaints == []


def test_a_browser_gets_no_queries_and_sends_none(stage: Stage) -> None:
    status, text, headers = stage.get("/api/dashboards/maalstrom-goals")
    assert status == 200
    assert "SELECT" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert [each["title"] for each in json.loads(stage.get("/api/dashboards")[1])] == ["Goals", "Campaigns", "Pipeline"]
    lines = stage.get("/api/dashboards/maalstrom-goals/data?query=DROP+TABLE+goals&rawSql=x")[1].splitlines()
    assert len(lines) == 1 + sum(1 for panel in json.loads(text)["panels"] if panel["targets"])


@pytest.mark.parametrize(
    ("path", "headers", "status", "says"),
    [
        ("/api/dashboards/none", {}, 404, "there is no dashboard none; there are maalstrom-goals, "),
        ("/api/dashboards/maalstrom-goals/data?from=then", {}, 400, "'then' is no time; write now"),
        ("/api/dashboards/maalstrom-goals/data?from=now&to=now-1h", {}, 400, "is empty; choose a start before the end"),
        ("/api/dashboards/maalstrom-goals/data?width=wide", {}, 400, "width is a number of pixels"),
        ("/api/dashboards/maalstrom-goals/data", {"Host": "evil.example"}, 403, "this page answers only itself"),
        (
            "/api/dashboards/maalstrom-goals/data",
            {"Sec-Fetch-Site": "cross-site"},
            403,
            "this page answers only itself",
        ),
        ("/static/../server.py", {}, 404, ""),
        ("/static/%2e%2e/server.py", {}, 404, ""),
    ],
)
def test_what_is_refused_says_why(stage: Stage, path: str, headers: dict[str, str], status: int, says: str) -> None:
    assert stage.get(path, **headers)[0] == status
    assert says in stage.get(path, **headers)[1]


def test_files_come_once(stage: Stage) -> None:
    status, text, headers = stage.get("/static/main.js")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "import" in text
    again = stage.get("/static/main.js", **{"If-None-Match": headers["ETag"]})
    assert again[:2] == (304, "")
