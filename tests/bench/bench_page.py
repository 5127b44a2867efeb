"""How fast the page is in a headless Chromium, on a database as large as the demo's.

    python -m tests.bench.bench_page [--events 100000] [--runs 10]

A simulated month is replayed and served by `maalstrom clickhouse`, as in the demo; the page is served by this process.
For each dashboard, from an empty cache: the time until the first paint and until the first figure, after the address
was entered; then the time until every panel has been asked for, drawn and painted anew. All on one machine.
"""

import argparse
import asyncio
import statistics
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams import simulate
from streams.demo.demo import EVENTS
from tests.conftest import serving
from tests.e2e.browser import Tab, browser
from tests.e2e.commands import Month, embedded, maalstrom, ok
from tests.e2e.pages import page

DASHBOARDS = ("overview", "goals", "campaigns", "pipeline")
# When the first figure has been painted: after the frame in which it came into the page.
WATCH = """new MutationObserver((_, watching) => {
  if (!document.querySelector('.figure, .bars li, main td, .plot canvas')) return;
  watching.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.firstFigure = performance.now())));
}).observe(document, { childList: true, subtree: true });"""
REFRESH = """new Promise((done) => {
  const began = performance.now();
  new MutationObserver((_, watching) => {
    watching.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  }).observe(updated, { attributes: true });
  document.querySelector('[aria-label="Refresh now"]').click();
})"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def database(folder: Path, events: int) -> Path:
    start = (datetime.now(UTC) - timedelta(days=32)).date()
    simulate.write(folder, simulate.Scenario(events=events, start=start))
    ok(maalstrom("replay", *Month(folder).arguments, "--clickhouse", embedded(folder / "clickhouse")))
    return folder / "clickhouse"


async def open_anew(tab: Tab, address: str) -> tuple[float, float]:
    """Milliseconds until the first paint, and until the first figure."""
    await tab.call("Network.clearBrowserCache")
    await tab.go("about:blank")
    await tab.go(address)
    await tab.until(f"{PAINT} && window.firstFigure && updated.dateTime")
    return await tab.run(PAINT), await tab.run("window.firstFigure")


async def measure(dsn: str, runs: int) -> None:
    async with page(dsn) as address, browser() as tab:
        await tab.size(1440, 900)
        await tab.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        print(
            f"{'':12}{'panels':>8}{'first paint':>14}{'first figure':>14}{'refreshed':>14}{'slowest':>10}   ms, medians"
        )
        for name in DASHBOARDS:
            opened = [await open_anew(tab, f"{address}/d/maalstrom-{name}?refresh=") for _ in range(runs)]
            refreshed = [await tab.run(REFRESH) for _ in range(runs)]
            paint, figure = (statistics.median(times) for times in zip(*opened, strict=True))
            panels = await tab.run("document.querySelectorAll('main section').length")
            median = statistics.median(refreshed)
            print(f"{name:12}{panels:8}{paint:14.0f}{figure:14.0f}{median:14.0f}{max(refreshed):10.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--runs", type=int, default=10)
    chosen = parser.parse_args()
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="maalstrom-page-")))
        served = parts.enter_context(serving(database(folder, chosen.events)))
        asyncio.run(measure(f"clickhouse://{served}/maalstrom", chosen.runs))


if __name__ == "__main__":
    main()
