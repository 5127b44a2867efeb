"""ClickHouse's HTTP interface in front of the embedded engine: one process owns the folder, any number are its clients.

For one machine: a ClickHouse server takes its place by changing one DSN. Each request is a session of its own, so `SET`
and temporary tables do not outlive it. Whoever may query can change everything in the folder and, unless sources are
allowed, reach nothing outside: choose a password where other people have accounts on the machine.
"""

from __future__ import annotations

import asyncio
import hmac
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from streams.embedded import http_interface
from streams.embedded.engine import Answer, Engine, EngineError, Statement, too_many
from streams.embedded.held_bytes import HeldBytes
from streams.embedded.queue import AT_ONCE, FullError, Queue
from streams.telemetry.web_guard import host_of

_GRACE_SECONDS = 5.0
_BETWEEN_KILLS = 0.2  # s
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    path: str | Path,
    host: str = "127.0.0.1",
    port: int = 8123,
    user: str = "default",
    password: str = "",
    announce: Callable[[str], None] = print,
    allow_sources: bool = False,
) -> None:
    """Serve the folder until SIGINT or SIGTERM; `announce` gets the address once it answers. Port 0 is any free one.

    Raises EngineError when the folder cannot be opened, OSError when the port is taken, and ValueError for a host that
    others can reach without a password.
    """
    if host not in _LOOPBACK and not password:
        raise ValueError(f"serving on {host} needs a password: whoever reaches it can read and change everything")
    engine = Engine(path, allow_sources)
    try:
        asyncio.run(_serve(Server(engine, user, password), host, port, announce))
    finally:
        engine.close()


class Server:
    """Answers the requests for one engine, of one user."""

    def __init__(self, engine: Engine, user: str, password: str) -> None:
        self._engine = engine
        self._user = user
        self._password = password
        self._threads = ThreadPoolExecutor(AT_ONCE, "clickhouse")
        self._queue, self._held = Queue(), HeldBytes()

    async def ping(self, _: web.Request) -> web.Response:
        """Alive."""
        return web.Response(text="Ok.\n")

    async def answer(self, request: web.Request) -> web.Response:
        """Run one statement."""
        started = time.monotonic()
        try:
            self._admit(request)
            with self._held.share() as take:
                answer = await self._answer(await http_interface.statement(request, take))
            if answer is None:
                return web.Response(text="Ok.\n")
        except FullError as error:
            return http_interface.refused(request, too_many(str(error)))
        except EngineError as error:
            return http_interface.refused(request, error)
        return http_interface.answered(request, answer, time.monotonic() - started)

    async def _answer(self, statement: Statement) -> Answer | None:
        """None where nothing is asked."""
        if not statement.text.strip():
            return None
        async with self._queue.turn(statement.inserts):
            return await self._run(statement)

    async def _run(self, statement: Statement) -> Answer:
        """A read whose client has gone is stopped; its turn ends when it has."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._engine.run, statement)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            while not (statement.inserts or running.done()):
                with suppress(EngineError):
                    await asyncio.to_thread(self._engine.cancel, statement.tag)
                await asyncio.wait([running], timeout=_BETWEEN_KILLS)
            await asyncio.wait([running])
            raise

    def _admit(self, request: web.Request) -> None:
        given = http_interface.credentials(request)
        right = (self._user, self._password)
        if not hmac.compare_digest("\0".join(given).encode(), "\0".join(right).encode()):
            raise _denied("wrong user or password")
        if not self._password and _from_a_web_page(request):
            raise _denied("without a password no web page may query; serve with a password")


def _denied(why: str) -> EngineError:
    return EngineError(f"Code: 516. DB::Exception: {why}. (AUTHENTICATION_FAILED)")


def _from_a_web_page(request: web.Request) -> bool:
    """A page of any site can send requests to this machine, by this address or by a name that it lets point here."""
    host = host_of(request.host)
    site = request.headers.get("Sec-Fetch-Site", "none")
    return host not in _LOOPBACK or "Origin" in request.headers or site not in ("none", "same-origin")


async def _serve(server: Server, host: str, port: int, announce: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = web.Application(client_max_size=http_interface.LARGEST_BODY)
    app.router.add_get("/ping", server.ping)
    app.router.add_get("/", server.answer)
    app.router.add_post("/", server.answer)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, auto_decompress=False, shutdown_timeout=_GRACE_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        announce(f"http://{host}:{runner.addresses[0][1]}/")
        await stop.wait()
    finally:
        await runner.cleanup()
