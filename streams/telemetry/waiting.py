"""The web port of a worker that cannot start yet: it is alive, it is not ready, and it says why."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from streams.telemetry.web_guard import AllowedHosts, guard


def wait(
    listening: socket.socket,
    mended: Callable[[], Awaitable[None]],
    problems: Callable[[], Iterable[str]],
    hosts: AllowedHosts,
) -> None:
    """Answer /health with 200, and all else with 503 and the problems, until `mended` returns. The socket stays open.
    Raises SystemExit where the process is asked to end meanwhile."""
    asyncio.run(_wait(listening, mended, problems, hosts))


async def _wait(
    listening: socket.socket,
    mended: Callable[[], Awaitable[None]],
    problems: Callable[[], Iterable[str]],
    hosts: AllowedHosts,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/health":
            return web.Response(text="alive\n")
        return web.Response(text="".join(f"{line}\n" for line in ("not ready", *problems())), status=503)

    site = web.Application(middlewares=[guard(hosts)])
    site.add_routes([web.get("/{path:.*}", answer)])
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    waiting = asyncio.ensure_future(mended())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, waiting.cancel)
    try:
        await web.SockSite(runner, listening.dup()).start()
        await waiting
    except asyncio.CancelledError:
        raise SystemExit(0) from None
    finally:
        await runner.cleanup()
