"""`maalstrom page`: the dashboards of any database, without a worker."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

import click

from streams import config
from streams.cli.console import Console
from streams.cli.options import database, dsn_option

if TYPE_CHECKING:
    from streams.page.access.gate import Gate
    from streams.page.dashboards import Dashboard
    from streams.telemetry.web_guard import AllowedHosts

out = Console()
_GRACE_SECONDS = 1.0  # for answers that are under way


@click.command("page")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: WEB_PORT, else 6066; 0 = any free port.")
@dsn_option
def command(port: int | None, dsn: str | None) -> None:
    """Show the dashboards of a database in a browser; it only reads, and needs neither Kafka nor a worker.

    After a replay: maalstrom page. Of a server: maalstrom page --clickhouse clickhouse://user:password@host:8123/maalstrom
    """
    from streams.telemetry.server import listen
    from streams.telemetry.web_guard import hosts_of

    chosen = config.load()
    with database(dsn) as client:
        client.query("SELECT 1")
    listening = listen(chosen.web_bind, chosen.web_port if port is None else port)
    asyncio.run(_serve(_page(chosen, dsn or chosen.clickhouse), listening, hosts_of(chosen)))
    out.print("Stopped.")


def how_to_see(dsn: str | None) -> str:
    """The command that shows the figures just written; '' where they are gone with the process."""
    if dsn is None:
        return "maalstrom page"
    if dsn.startswith("chdb://memory"):
        return ""
    return f"maalstrom page --clickhouse {'DSN' if '@' in dsn else dsn}"  # never a password


def _page(chosen: config.Settings, dsn: str) -> Gate:
    """Kept as a worker's page is: on another address than loopback only for users, or for whom a proxy names."""
    from streams.page.access import gate
    from streams.page.dashboards import read_all
    from streams.page.reader import Reader
    from streams.page.server import Page

    found = {uid: each for uid, each in read_all().items() if not _of_metrics(each)}
    return gate.Gate(Page(found, Reader(dsn)), gate.keeper(chosen, dsn))


def _of_metrics(dashboard: Dashboard) -> bool:
    """Whether it asks a worker's metrics more than the database: without a worker it has nothing to say."""
    targets = [target for panel in dashboard.panels.values() for target in panel.targets]
    return 2 * sum(target.prometheus for target in targets) > len(targets)


async def _serve(page: Gate, listening: socket.socket, hosts: AllowedHosts) -> None:
    """Answer until the process is asked to end."""
    from aiohttp import web

    from streams.telemetry.web_guard import guard

    site = web.Application(middlewares=[guard(hosts)])
    site.add_routes(page.routes())
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, ended.set)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=_GRACE_SECONDS, handler_cancellation=True)
    await page.start()
    await runner.setup()
    await web.SockSite(runner, listening).start()
    host, port, *_ = listening.getsockname()
    shown = f"[{host}]" if ":" in host else host
    out.print(f"The dashboards are at http://{shown}:{port}/ – Ctrl-C ends it.", soft_wrap=True)
    await ended.wait()
    await runner.cleanup()
    await page.stop()
