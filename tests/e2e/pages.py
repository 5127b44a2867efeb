"""The page on a database, served on a free port by this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from streams import metrics
from streams.page import dashboards
from streams.page.history import History
from streams.page.reader import Reader
from streams.page.server import Page


@asynccontextmanager
async def page(dsn: str) -> AsyncIterator[str]:
    """Serve every dashboard from that database; yields the address, `http://127.0.0.1:port`."""
    broken: list[dashboards.DashboardError] = []
    found = dashboards.read_all(broken=broken.append)
    assert found
    assert not broken
    shown = Page(found, Reader(dsn), History(metrics.REGISTRY), loopback=True)
    site = web.Application()
    site.add_routes(shown.routes())
    await shown.start()
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await shown.stop()
