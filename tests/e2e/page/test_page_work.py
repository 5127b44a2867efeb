"""What people do with the page: compare, filter, take figures along, print, choose days."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.pages import page
from tests.e2e.stage import DASHBOARDS, DRAWN, HOSTILE, Stage

# Keeps what a button saves, rather than letting the browser do it.
KEEP = "window.saved = []; URL.createObjectURL = (blob) => (saved.push(blob), 'blob:none'); 1"
PANEL = "[...document.querySelectorAll('section')].find((s) => s.textContent.startsWith({}))"


def panel(title: str) -> str:
    return PANEL.format(json.dumps(title))


def saved(stage: Stage, title: str) -> list[list[str]]:
    stage.script(KEEP)
    stage.script(f"{panel(title)}.querySelector('.save').click()")
    text = stage.script("saved[0].text()")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_first_screen_answers_the_six_questions(stage: Stage) -> None:
    stage.open("/d/maalstrom-overview")
    bottoms = stage.script(
        "Object.fromEntries([...document.querySelectorAll('main section')].map((s) =>"
        " [s.querySelector('h2').textContent, s.getBoundingClientRect().top]))"
    )
    assert {"Did it pay, in the time shown: NOK", "Value, by channel: 1 500 orders, NOK"} <= {*bottoms}
    for question in ("Did it pay, in", "Did it pay, by channel", "How far are we", "What is broken", "What to look at"):
        assert next(top for title, top in bottoms.items() if title.startswith(question)) < 720
    assert next(top for title, top in bottoms.items() if title.startswith("What changed")) < 720
    pay = dict(stage.cells("Did it pay, in the time shown", ".stat", ".name, .figure"))
    (cost,) = stage.query(
        f"SELECT toFloat64(sum(cost)) AS n FROM cost_days WHERE day >= toDate('{first_day(14)}') AND day <= today() + 1"
    )
    assert pay["Cost"] == f"{cost['n']:.0f}"
    assert "%" in pay["Return"]


def first_day(days: int) -> str:
    return f"{datetime.now(ZoneInfo('Europe/Oslo')) - timedelta(days=days):%Y-%m-%d}"


def test_figures_are_saved_as_they_are_and_no_cell_is_a_formula(stage: Stage) -> None:
    stage.open("/d/maalstrom-campaigns?from=now-60d&to=now")
    (events,) = stage.query("SELECT sum(events) AS n FROM engagement_counts FINAL")
    head, *rows = saved(stage, "Engagement, by network")
    assert head[0] == "Time"
    assert sum(float(cell) for row in rows for cell in row[1:] if cell) == events["n"]
    head, *rows = saved(stage, "Campaigns and networks")
    assert "id" not in head
    assert HOSTILE in " ".join(cell for row in rows for cell in row)
    script = """import('/static/data/csv.js').then(({ csv }) => csv({ type: 'table' }, [{ frame: {
      meta: [{ name: '=a', type: 'String' }],
      data: { '=a': ['=1+1', '+1', '-1', '@x', '\\tx', '\\rx', 'a,"b', 'ok', null] } } }]))"""
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(stage.script(script), newline=""))]
    assert cells == ["'=a", "'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", 'a,"b', "ok", ""]


def test_the_period_before_stands_beside_and_stays_in_the_address(stage: Stage) -> None:
    stage.open("/d/maalstrom-campaigns?from=now-10d&to=now-3d")
    assert stage.script("document.querySelectorAll('.change').length") == 0
    stage.script("document.querySelector('[aria-label^=Compare]').click()")
    stage.until("location.search.includes('compare=1') && document.querySelector('.change')")
    until = datetime.now(UTC) - timedelta(days=3)
    sums = [
        stage.query(
            "SELECT sum(conversions) AS n FROM goal_attribution_now WHERE model = 'last_click' AND goal = 'orders'"
            f" AND window_start > '{until - timedelta(days=7 * n):%F %T}'"
            f" AND window_start <= '{until - timedelta(days=7 * n - 7):%F %T}'"
        )[0]["n"]
        for n in (1, 2)
    ]
    shown = dict(stage.cells("In the time shown", ".stat", ".name, .figure"))["Conversions"]
    change = re.search(r"([+-]?\d+) %$", shown)
    assert change
    assert int(change[1]) == pytest.approx(100 * (float(sums[0]) - float(sums[1])) / float(sums[1]), abs=1)
    stage.script("document.querySelector('nav a').click()")
    stage.until("document.title.startsWith('Overview') && location.search.includes('compare=1')")


def test_shares_are_compared_in_points_and_rows_by_what_they_are_about(stage: Stage) -> None:
    stage.open(
        "/d/maalstrom-overview?from=now-10d&to=now-3d&compare=1", f"{DRAWN} && document.querySelector('.change')"
    )
    stage.until(f"{panel('Did it pay, in')}.querySelector('.change')")
    read = (
        "Object.fromEntries([...{}.querySelectorAll('.stat')].map((s) => [s.querySelector('.name').textContent, {}]))"
    )
    told = stage.script(read.format(panel("Did it pay, in"), "s.querySelector('.change')?.textContent"))
    assert re.fullmatch(r"[+−]?\d+ points", told["Return"])
    assert re.fullmatch(r"[+−]?\d+\xa0%", told["Cost"])
    rows = stage.script(
        f"[...{panel('Did it pay, by channel')}.querySelectorAll('tbody tr')].map((r) =>"
        " [r.querySelector('td').textContent, r.querySelectorAll('.change').length])"
    )
    assert {"social", "newspaper"} <= {name for name, compared in rows if compared >= 3}, rows


def test_a_channel_and_a_campaign_are_a_click_away(stage: Stage) -> None:
    stage.open("/d/maalstrom-overview?from=now-60d&to=now")
    stage.until(f"{panel('Did it pay, by channel')}.querySelector('td a')")
    address = stage.script(f"{panel('Did it pay, by channel')}.querySelector('td a').getAttribute('href')")
    assert address.startswith("/d/maalstrom-campaigns?var-channel=")
    assert "from=now-60d" in address
    assert "Not attributed" not in stage.script("[...document.querySelectorAll('td a')].map((a) => a.textContent)")
    stage.open("/d/maalstrom-campaigns?from=now-60d&to=now&var-channel=social")
    means = {row[1] for row in stage.cells("Campaigns and networks")}
    assert means == {"social"}
    address = stage.script(f"{panel('Campaigns and networks')}.querySelector('td a').getAttribute('href')")
    assert re.search(r"var-campaign=(autumn|makers)\b", address)


def test_a_channel_has_one_colour_everywhere_and_what_is_nobodys_is_grey(stage: Stage) -> None:
    stage.open("/d/maalstrom-overview?from=now-60d&to=now")
    read = """Object.fromEntries([...document.querySelectorAll('.legend button')].map((b) =>
      [b.textContent, b.querySelector('.marker').style.background]))"""
    first = stage.script(read)
    assert first["Not attributed"] == "var(--grey)"
    assert list(first.values()).count("var(--grey)") == 1
    stage.open("/d/maalstrom-campaigns?from=now-7d&to=now")
    bars = dict(
        stage.script(
            f"[...{panel('Conversions, by channel')}.querySelectorAll('.bars li')].map((li) =>"
            " [li.querySelector('.name').textContent, li.querySelector('.bar').style.background])"
        )
    )
    engaged = f"{panel('Engagement, by network')}.querySelectorAll('.legend .marker')"
    colours = stage.script(f"[...{engaged}].map((m) => m.style.background)")
    assert len(colours) == len(set(colours)) >= 6
    both = set(bars) & set(first)
    assert {name: bars[name] for name in both} == {name: first[name] for name in both}
    assert len(both) >= 4


def test_what_happened_is_on_the_time_axis(stage: Stage) -> None:
    stage.open("/d/maalstrom-overview?from=now-60d&to=now")
    stage.until("document.querySelector('.plot')?.ariaLabel.includes('Marks: ')")
    label = stage.script("document.querySelector('.plot').ariaLabel")
    assert "Autumn on Facebook starts" in label
    assert re.search(r"\d{4}-\d\d-\d\d 00:00 Autumn on Facebook starts", label)


def test_days_are_those_of_the_catalogues_time_zone(stage: Stage) -> None:
    stage.open("/d/maalstrom-campaigns?from=now-30d&to=now")
    times = [row[0] for row in saved(stage, "Conversions, by campaign")[1:]]
    local = [datetime.fromisoformat(time).astimezone(ZoneInfo("Europe/Oslo")) for time in times]
    assert {at.strftime("%H:%M") for at in local} == {"00:00"}
    assert len({at.date() for at in local}) == len(local)


def test_days_are_chosen_from_those_that_are_shown(stage: Stage) -> None:
    stage.open("/d/maalstrom-goals?from=now-10d&to=now")
    choose = (
        "const s = document.querySelector('#times select'); s.value = 'custom'; s.dispatchEvent(new Event('change'));"
    )
    stage.script(f"(() => {{ {choose} }})()")
    assert stage.script("document.querySelector('#times input').value") == first_day(10)
    stage.script("document.querySelector('#times button').click()")
    stage.until("/from=\\d+&to=\\d+/.test(location.search)")
    start, end = (int(ms) for ms in re.findall(r"=(\d+)", stage.script("location.search")))
    zone = ZoneInfo("Europe/Oslo")
    assert f"{datetime.fromtimestamp(start / 1000, zone):%F %T}" == f"{first_day(10)} 00:00:00"
    assert f"{datetime.fromtimestamp(end / 1000, zone):%F %T}" == f"{first_day(0)} 23:59:59"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_nothing_is_cut_off_on_a_sheet_of_a4(stage: Stage, name: str) -> None:
    """Every panel, table and chart lies inside the sheet's width, no figure breaks in two, and no canvas is larger than
    its place."""
    stage.runner.run(stage.tab.theme("dark"))
    stage.open(f"/d/maalstrom-{name}")
    cut = stage.script(
        """(() => { dispatchEvent(new Event('beforeprint'));
        const out = [...document.querySelectorAll('main section, main td, main .figure, main .bars li')]
          .filter((e) => e.getBoundingClientRect().right > 701).map((e) => e.textContent.slice(0, 40));
        const wide = [...document.querySelectorAll('canvas')].filter((c) => {
          const [inner, outer] = [c.getBoundingClientRect(), c.closest('.plot').getBoundingClientRect()];
          return inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
        }).length;
        const theme = document.documentElement.dataset.theme;
        const gone = [...document.querySelectorAll('.track .bar')]
          .filter((e) => e.style.width !== '0%' && !e.getClientRects().length).length;
        const broken = [...document.querySelectorAll('main td.right')]
          .filter((e) => e.getClientRects().length && e.firstChild?.nodeType === 3)
          .filter((e) => {
            const inside = document.createRange();
            inside.selectNodeContents(e);
            return inside.getClientRects().length > 1;
          })
          .map((e) => e.textContent);
        dispatchEvent(new Event('afterprint'));
        return [out, broken, wide, gone, theme, document.documentElement.dataset.theme]; })()"""
    )
    assert cut == [[], [], 0, 0, "light", "dark"]
    assert len(stage.runner.run(stage.tab.printed())) > 10_000
    stage.runner.run(stage.tab.theme("light"))


def test_an_empty_database_says_what_to_do(stage: Stage, migrated: str) -> None:
    async def visit() -> tuple[str, list[str]]:
        async with page(migrated) as address:
            await stage.tab.go(f"{address}/d/maalstrom-overview")
            await stage.tab.until(f"location.origin === '{address}' && {DRAWN}")
            banner = await stage.tab.run("banner.textContent")
            return banner, await stage.tab.run("[...document.querySelectorAll('.error')].map((e) => e.textContent)")

    banner, errors = stage.runner.run(visit())
    assert "send them to the topics events, engagement and checkout" in banner
    assert errors == []
