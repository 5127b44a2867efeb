"""The page in a real browser, on a simulated month: what is shown is what the database holds."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import floor
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.browser import REBOUND
from tests.e2e.stage import DASHBOARDS, DRAWN, HOSTILE, Stage

# The titles of tables that are wider than their panel.
BEYOND = """[...document.querySelectorAll('main .scroll')].filter((e) => e.scrollWidth > e.clientWidth)
  .map((e) => e.closest('section').querySelector('h2').textContent)"""


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
    goals = stage.query("SELECT name, status, reached, target FROM goal_progress ORDER BY `by` NULLS LAST, name")
    shown = [
        [name, status, f"{float(reached):.0f}", f"{float(target):.0f}"]
        for name, status, reached, target in map(dict.values, goals)
    ]
    assert sorted(row[:4] for row in stage.cells("Every goal at a glance")) == sorted(shown)
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
        r"\d{4}-\d\d-\d\d: .*\w+ \d+.*", stage.script(f"{section}.querySelector('.unseen').textContent")
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
    script = f"""import('/static/data/units.js').then(({{ text }}) => {json.dumps(list(written))}.map((one) => {{
      const [value, unit, decimals] = one.split('|');
      return text(JSON.parse(value), {{ unit, decimals: JSON.parse(decimals) }});
    }}))"""
    found = [text.replace("\u202f", " ").replace("\u00a0", " ").replace("\u2212", "-") for text in stage.script(script)]
    assert dict(zip(written, found, strict=True)) == written


def test_columns_of_days_are_sorted_by_the_day_in_either_language(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    days = ["01.12.2026", "02.11.2026 08:00", "30.01.2027", "2026-11-30", "2026-12-02"]
    code = f"import('/static/panels/table.js').then((table) => {json.dumps(days)}.sort(table.compare))"
    assert stage.script(code) == ["02.11.2026 08:00", "2026-11-30", "01.12.2026", "2026-12-02", "30.01.2027"]


@pytest.mark.parametrize(("language", "title"), [("", "Attributed or not"), ("-nb", "Tilskrevet eller ikke")])
def test_what_is_credited_to_nobody_is_grey(stage: Stage, language: str, title: str) -> None:
    stage.open(f"/d/maalstrom-goals{language}")
    bars = f"[...[...document.querySelectorAll('section')].find((s) => s.textContent.startsWith('{title}'))"
    colours = stage.script(f"{bars}.querySelectorAll('.track .bar')].map((e) => e.style.background)")
    assert len(colours) > 2
    assert colours[0] != "var(--grey)"
    assert set(colours[1:]) == {"var(--grey)"}


def test_what_comes_from_data_is_only_text(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    assert HOSTILE + "[31m" in [row[0] for row in stage.cells("What brought them", ".bars li", ".name")]
    assert stage.script("document.querySelectorAll('main img').length") == 0
    stage.open("/d/maalstrom-campaigns")
    text = stage.script("document.body.textContent")
    assert HOSTILE in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert stage.script("document.querySelectorAll('main img').length") == 0
    assert stage.tab.complaints == []


def test_what_is_chosen_is_in_the_address_and_in_the_figures(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals")
    before = stage.script("updated.dateTime")
    choose = "const s = document.querySelector('[data-name=goal]'); s.value = 'enquiries';"
    stage.script(f"(() => {{ {choose} s.dispatchEvent(new Event('change')); }})()")
    stage.until("document.body.textContent.includes('What brought them, in the time shown: Enquiries')")
    assert stage.script("location.search") == "?var-goal=enquiries"
    stage.until(f"updated.dateTime > '{before}'")
    brought = stage.query(
        "SELECT sum(conversions) AS n FROM goal_attribution_now WHERE model = 'last_click' AND goal = 'enquiries'"
    )
    rows = stage.cells("Attributed or not", ".bars li", ".value")
    assert sum(int(row[0]) for row in rows) == brought[0]["n"]
    stage.script("history.back()")
    stage.until("document.body.textContent.includes('What brought them, in the time shown: 1 500 orders')")


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
    assert stage.script(
        "[...document.querySelectorAll('main section')].every((s) => s.getBoundingClientRect().width > 350)"
    )
    assert stage.tab.complaints == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_table_scrolls_sideways_on_a_desk(stage: Stage, name: str) -> None:
    stage.open(f"/d/maalstrom-{name}")
    assert stage.script(BEYOND) == []


@pytest.mark.parametrize("name", [f"{name}{language}" for name in DASHBOARDS[:3] for language in ("", "-nb")])
def test_no_large_figure_is_cut(stage: Stage, name: str) -> None:
    """An age of some hours is as long as one can be."""
    stage.open(f"/d/maalstrom-{name}")
    ages = "[...document.querySelectorAll('main section')].filter((s) => /^Data (until|til)/.test(s.textContent))"
    stage.script(f"{ages}.forEach((s) => s.querySelectorAll('.figure').forEach((f) => (f.textContent = '! 23.9 min')))")
    cut = """[...document.querySelectorAll('main .stats')].filter((e) => e.scrollHeight > e.clientHeight + 1)
      .map((e) => e.closest('section').querySelector('h2').textContent)"""
    assert stage.script(cut) == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_on_a_phone_every_figure_of_a_table_is_beside_its_name(stage: Stage, name: str) -> None:
    """A row is a card: nothing lies beyond the edge, so that nobody need know that it scrolls sideways."""
    stage.open(f"/d/maalstrom-{name}", width=400, height=860)
    assert stage.script(BEYOND) == []
    cells = "[...document.querySelectorAll('main td:not(.none):not(:first-child)')]"
    named = stage.script(f"{cells}.map((e) => [e.dataset.column, getComputedStyle(e, '::before').content])")
    assert named or name == "pipeline"
    assert [column for column, shown in named if shown != json.dumps(column, ensure_ascii=False)] == []
    assert stage.script(f"{cells}.every((e) => e.getBoundingClientRect().right <= innerWidth)")


def test_a_browser_gets_no_queries_and_sends_none(stage: Stage) -> None:
    status, text, headers = stage.get("/api/dashboards/maalstrom-goals")
    assert status == 200
    assert "SELECT" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert [each["title"] for each in json.loads(stage.get("/api/dashboards")[1])] == [
        "Overview",
        "Goals",
        "Campaigns",
        "Pipeline",
    ]
    lines = stage.get("/api/dashboards/maalstrom-goals/data?query=DROP+TABLE+goals&rawSql=x")[1].splitlines()
    assert len(lines) == 2 + sum(1 for panel in json.loads(text)["panels"] if panel["targets"])


@pytest.mark.parametrize(
    ("path", "headers", "status", "says"),
    [
        ("/api/dashboards/none", {}, 404, "there is no dashboard none; there are maalstrom-overview, "),
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


def test_a_browser_that_another_site_sends_gets_no_figures(stage: Stage) -> None:
    async def strangers() -> tuple[list[str], str]:
        async def attack(_: web.Request) -> web.Response:
            return web.Response(text="<p>hello</p>", content_type="text/html")

        site = web.Application()
        site.add_routes([web.get("/", attack)])
        runner = web.AppRunner(site)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        elsewhere = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        seen = []
        for path in ("/metrics", "/ready", "/api/dashboards", "/d/maalstrom-goals"):
            await stage.tab.go(elsewhere)
            await stage.tab.until("document.body.textContent === 'hello'")
            await stage.tab.run(f"location.href = {json.dumps(stage.address + path)}; 1")
            await stage.tab.until(f"location.pathname === {json.dumps(path)} && document.body.textContent.trim()")
            seen.append(await stage.tab.run("document.body.textContent.trim().slice(0, 30)"))
        await runner.cleanup()
        await stage.tab.go(stage.address.replace("127.0.0.1", REBOUND) + "/metrics")
        await stage.tab.until(f"location.hostname === '{REBOUND}' && document.body.textContent.trim()")
        return seen, await stage.tab.run("document.body.textContent")

    (*refused, shown), rebound = stage.runner.run(strangers())
    assert refused == ["this page answers only itself,"] * 3
    assert shown != refused[0]
    assert "MAALSTROM_WEB_HOSTS" in rebound


def test_files_come_once(stage: Stage) -> None:
    status, text, headers = stage.get("/static/main.js")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "import" in text
    again = stage.get("/static/main.js", **{"If-None-Match": headers["ETag"]})
    assert again[:2] == (304, "")


def test_series_that_only_were_0_are_told_together(stage: Stage) -> None:
    panel = "[...document.querySelectorAll('section')].find((s) => s.textContent.startsWith('Clocks set'))"
    stage.open("/d/maalstrom-pipeline", f"{DRAWN} && {panel}.querySelector('.legend')")
    entries = f"[...{panel}.querySelector('.legend').children].map((e) => e.textContent)"
    assert stage.script(entries) == ["At 0: clocks set, events of (other)"]
    assert stage.script(f"{panel}.querySelectorAll('.legend button').length") == 0


def test_what_is_chosen_is_read_whole_on_a_phone(stage: Stage) -> None:
    stage.open("/d/maalstrom-campaigns", width=400, height=860)
    room = """[...document.querySelectorAll('#times select')].map((one) => {
      const [text, style] = [document.createElement('span'), getComputedStyle(one)];
      Object.assign(text.style, { font: style.font, position: 'absolute' });
      text.textContent = one.selectedOptions[0].textContent;
      document.body.append(text);
      const [needed, arrow] = [text.getBoundingClientRect().width, 20];
      text.remove();
      return one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow - needed;
    })"""
    assert min(stage.script(room)) >= 0
    placed = "[...document.querySelectorAll('#times :is(select, button)')].map((e) => e.getBoundingClientRect().bottom)"
    assert len({round(bottom) for bottom in stage.script(placed)}) == 1
