"""ClickHouse's HTTP interface in front of the embedded engine: one process owns the folder, any number are its clients.

For one machine: a ClickHouse server takes its place by changing one DSN. Each request is a session of its own, so `SET`
and temporary tables do not outlive it. Whoever may query may also read files as this process does: choose a password
where other people have accounts on the machine.
"""

from __future__ import annotations

import asyncio
import hmac
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from streams.embedded import exchange
from streams.embedded.engine import Engine, EngineError

_THREADS = 8
_LARGEST_BODY = 2**30
_GRACE_SECONDS = 5.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    path: str | Path,
    host: str = "127.0.0.1",
    port: int = 8123,
    user: str = "default",
    password: str = "",
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the folder until SIGINT or SIGTERM; `announce` gets the address once it answers. Port 0 is any free one.

    Raises EngineError when the folder cannot be opened, OSError when the port is taken, and ValueError for a host that
    others can reach without a password.
    """
    if host not in _LOOPBACK and not password:
        raise ValueError(f"serving on {host} needs a password: whoever reaches it can read and change everything")
    engine = Engine(path)
    try:
        asyncio.run(_serve(Server(engine, user, password), host, port, announce))
    finally:
        engine.close()


class Server:
    """Answers the requests for one engine. Without a password every user is let in."""

    def __init__(self, engine: Engine, user: str, password: str) -> None:
        self._engine = engine
        self._user = user
        self._password = password
        self._threads = ThreadPoolExecutor(_THREADS, "clickhouse")

    async def ping(self, _: web.Request) -> web.Response:
        """Alive."""
        return web.Response(text="Ok.\n")

    async def answer(self, request: web.Request) -> web.Response:
        """Run one statement."""
        started = time.monotonic()
        try:
            self._admit(request)
            statement = await exchange.statement(request)
            if not statement.text.strip():
                return web.Response(text="Ok.\n")
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, self._engine.run, statement)
        except EngineError as error:
            return exchange.refused(request, error)
        return exchange.answered(request, answer, time.monotonic() - started)

    def _admit(self, request: web.Request) -> None:
        user, password = exchange.credentials(request)
        if self._password:
            right = hmac.compare_digest(f"{user}:{password}".encode(), f"{self._user}:{self._password}".encode())
            if not right:
                raise _denied("wrong user or password")
        elif _from_a_web_page(request):
            raise _denied("without a password no web page may query; serve with a password")


def _denied(why: str) -> EngineError:
    return EngineError(f"Code: 516. DB::Exception: {why}. (AUTHENTICATION_FAILED)")


def _from_a_web_page(request: web.Request) -> bool:
    """A page of any site can send requests to this machine, by this address or by a name that it lets point here."""
    host = urlsplit(f"//{request.host}").hostname
    site = request.headers.get("Sec-Fetch-Site", "none")
    return host not in _LOOPBACK or "Origin" in request.headers or site not in ("none", "same-origin")


async def _serve(server: Server, host: str, port: int, announce: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.router.add_get("/ping", server.ping)
    app.router.add_get("/", server.answer)
    app.router.add_post("/", server.answer)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=_GRACE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        announce(f"http://{host}:{runner.addresses[0][1]}/")
        await stop.wait()
    finally:
        await runner.cleanup()
