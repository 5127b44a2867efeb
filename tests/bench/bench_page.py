"""How fast the page is in a headless Chromium, on a database as large as the demo's.

    python -m tests.bench.bench_page [--events 100000] [--runs 10] [--engagement 100000000]

A simulated month is replayed and served by `maalstrom clickhouse`, as in the demo; the page is served by this process.
For each dashboard, from an empty cache: the time until the first paint and until the first figure, after the address
was entered; then the time until every panel has been asked for, drawn and painted anew. All on one machine.

`--engagement` adds aggregates of so many events: counts for every minute of the month, by all that the month has of
campaign, network and action, from a worker's four partitions; and who was seen, one person for twenty events.
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
from streams.sinks.clickhouse.client import Client, connect
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
DAYS, PARTITIONS, EVENTS_A_PERSON = 30, 4, 20
COUNTS = """INSERT INTO engagement_counts
    SELECT minute, toStartOfHour(minute), 'live', {campaign:String}, {network:String}, {action:String},
        number % {partitions:UInt32} AS partition, {events:UInt64}, 1 AS version
    FROM (
        SELECT number, toDateTime(today() - {days:UInt32}, 'UTC') + 60 * intDiv(number, {partitions:UInt32}) AS minute
        FROM numbers({days:UInt32} * 1440 * {partitions:UInt32})
    )"""
SEEN = """INSERT INTO engagement_seen
    SELECT today() - {days:UInt32} + number % {days:UInt32}, {campaign:String}, {network:String},
        cityHash64(cityHash64(number) % {people:UInt64})
    FROM numbers({events:UInt64})"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def database(folder: Path, events: int) -> Path:
    start = (datetime.now(UTC) - timedelta(days=32)).date()
    simulate.write(folder, simulate.Scenario(events=events, start=start))
    ok(maalstrom("replay", *Month(folder).arguments, "--clickhouse", embedded(folder / "clickhouse")))
    return folder / "clickhouse"


def grow(client: Client, events: int) -> None:
    """Add aggregates of so many events of engagement."""
    actions = client.query("SELECT DISTINCT campaign, network, action FROM engagement_counts")
    each = max(1, events // (DAYS * 1440 * PARTITIONS * len(actions)))
    for action in actions:
        client.command(COUNTS, {**action, "days": DAYS, "partitions": PARTITIONS, "events": each})
    means = client.query("SELECT DISTINCT campaign, network FROM engagement_counts")
    for one in means:
        numbers = {"days": DAYS, "people": events // EVENTS_A_PERSON, "events": events // len(means)}
        client.command(SEEN, {**one, **numbers})
    (rows,) = client.query("SELECT count() AS counts, sum(events) AS events FROM engagement_counts")
    print(f"{rows['counts']} rows of engagement_counts, {rows['events']} events")


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
    parser.add_argument("--engagement", type=int, default=0)
    chosen = parser.parse_args()
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="maalstrom-page-")))
        served = parts.enter_context(serving(database(folder, chosen.events)))
        dsn = f"clickhouse://{served}/maalstrom"
        if chosen.engagement:
            with connect(dsn) as client:
                grow(client, chosen.engagement)
        asyncio.run(measure(dsn, chosen.runs))


if __name__ == "__main__":
    main()
