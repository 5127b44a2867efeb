"""What the page says, and keeps, when ClickHouse does not answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from deploy.kafka.broker import free_ports
from tests.e2e.pages import page
from tests.e2e.stage import DRAWN, READ, Stage
from tests.integration.support.proxy import Proxy

FAILED = """[...document.querySelectorAll('main section')]
  .map((s) => ['h2', '.body'].map((part) => s.querySelector(part).textContent.split(',')[0]))
  .filter(([, said]) => /figures|ClickHouse|refused/.test(said)).sort()"""


def test_without_clickhouse_panels_say_what_to_do_and_metrics_are_there(stage: Stage) -> None:
    (port,) = free_ports(1)

    async def visit() -> tuple[list[Any], str, list[str]]:
        async with page(f"clickhouse://127.0.0.1:{port}/maalstrom") as address:
            await stage.tab.go(f"{address}/d/maalstrom-goals")
            await stage.tab.until(f"location.port === '{address[-5:].lstrip(':')}' && {DRAWN}")
            goals = await stage.tab.run("[banner.textContent, document.querySelector('main').textContent]")
            goals.append(await stage.tab.run("document.querySelectorAll('.error').length"))
            await stage.tab.go(f"{address}/d/maalstrom-pipeline")
            await stage.tab.until(f"document.title.startsWith('Pipeline') && {DRAWN}")
            goals += [await stage.tab.run("banner.textContent"), await stage.tab.run(FAILED)]
            waiting = await stage.tab.run(f"({READ})('Offset gaps', '.stat', '.figure')[0][0]")
            return goals, waiting, list(stage.tab.complaints)

    goals, gaps, complaints = stage.runner.run(visit())
    banner, figures, errors, beside, failed = goals
    assert banner.startswith("The database does not answer; the figures come back by themselves when it does.")
    assert "(Connection refused); check the address and that it is running" in banner
    assert errors == 0, "it is told once"
    assert (beside, failed) == (banner, [["Data until", "No figures."], ["Drops of conversions", "No figures."]])
    assert "No figures." in figures
    assert "$" not in figures
    assert gaps.endswith("0")
    assert complaints == []


def test_a_clickhouse_that_goes_away_leaves_the_last_figures_and_one_banner(stage: Stage) -> None:
    (port,) = free_ports(1)

    async def visit(proxy: Proxy) -> list[list[Any]]:
        async with page(f"clickhouse://127.0.0.1:{port}/maalstrom") as address:
            await stage.tab.go(f"{address}/d/maalstrom-overview-nb?refresh=5s")
            await stage.tab.until(f"location.port === '{urlsplit(address).port}' && {DRAWN}")
            figures = f"({READ})('Lønte det seg, i', '.stat', '.figure')"
            seen = f"[{figures}, document.querySelectorAll('#variables [data-name]').length, banner.textContent]"
            before = await stage.tab.run(seen)
            proxy.set("refuse")
            await stage.tab.until("/svarer ikke/.test(banner.textContent)")
            away = await stage.tab.run(seen)
            errors = await stage.tab.run("document.querySelectorAll('main .error').length")
            proxy.set("pass")
            await stage.tab.until("banner.hidden")
            return [before, away, await stage.tab.run(seen), [errors]]

    with Proxy(urlsplit(stage.dsn).port or 0, port) as proxy:
        before, away, after, (errors,) = stage.runner.run(visit(proxy))
    assert before[0]
    assert before[1] >= 3
    assert away[:2] == before[:2] == after[:2]
    assert away[2].startswith("Databasen svarer ikke; tallene kommer tilbake av seg selv når den gjør det.")
    assert away[2].endswith(" vises.")
    assert errors == 0
