"""The page on a database, served on a free port by this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.page import dashboards
from streams.page.access.gate import Anybody, Gate, Keeper
from streams.page.history import MetricsHistory
from streams.page.reader import Reader
from streams.page.server import Page
from streams.telemetry import metrics
from streams.telemetry.server import WebServer, listen
from streams.telemetry.web_guard import AllowedHosts


@asynccontextmanager
async def page(dsn: str, keeper: Keeper | None = None, *, watched: bool = True) -> AsyncIterator[str]:
    """Serve every dashboard from that database, to whom the keeper lets in, as a worker does or (not `watched`) as
    `maalstrom page`; yields the address, `http://127.0.0.1:port`."""
    broken: list[dashboards.DashboardError] = []
    found = dashboards.read_all(broken=broken.append)
    assert found
    assert not broken
    shown = Gate(Page(found, Reader(dsn), MetricsHistory(metrics.REGISTRY) if watched else None), keeper or Anybody())
    listening = listen("127.0.0.1", 0)
    server = WebServer(listening, metrics.REGISTRY, list, lambda: None, shown, AllowedHosts("127.0.0.1"))
    await server.on_start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await server.on_stop()
