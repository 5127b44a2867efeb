"""The worker's web port: metrics, health and the page, on the loopback interface unless told otherwise."""

import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from streams.telemetry.web_guard import AllowedHosts, guard

_GRACE_SECONDS = 1.0  # for answers that are under way when the worker stops


def listen(host: str, port: int, variables: str = "WEB") -> socket.socket:
    """A socket for the port that those variables set. Raises OSError, with what to do, where it is taken or the host
    not ours."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0].lower()
        raise OSError(
            f"cannot listen on {host}:{port}: {why}; set {variables}_PORT to a free port, "
            f"{variables}_BIND to an address of this machine"
        ) from None


class SubApplication(Protocol):
    """What is shown to people on the same port."""

    def routes(self) -> Iterable[web.AbstractRouteDef]: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class WebServer(Service):  # type: ignore[misc]
    """Serves /metrics, /health (alive), /ready (200 where there are no `problems()`, else 503 and a line for each) and
    the page. `measure()` is called before each look at the metrics."""

    def __init__(
        self,
        listening: socket.socket,
        registry: CollectorRegistry,
        problems: Callable[[], Sequence[str]],
        measure: Callable[[], None],
        page: SubApplication,
        hosts: AllowedHosts,
    ) -> None:
        super().__init__()
        self._socket, self._registry, self._problems, self._measure = listening, registry, problems, measure
        self._page, self._hosts = page, hosts
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Answer."""
        site = web.Application(middlewares=[guard(self._hosts)])
        site.add_routes(
            [web.get("/metrics", self._metrics), web.get("/health", self._health), web.get("/ready", self._ready)]
        )
        site.add_routes(self._page.routes())
        await self._page.start()
        # Whoever has gone waits for nothing: what was begun for them is cancelled.
        self._runner = web.AppRunner(site, access_log=None, shutdown_timeout=_GRACE_SECONDS, handler_cancellation=True)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
            await self._page.stop()

    async def _metrics(self, request: web.Request) -> web.Response:
        """All metrics, or those named as `?name[]=`, as Prometheus's clients have it."""
        self._measure()
        names = request.query.getall("name[]", [])
        asked = self._registry.restricted_registry(names) if names else self._registry
        return web.Response(body=generate_latest(asked), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        problems = self._problems()
        lines = ["not ready", *problems] if problems else ["ready"]
        return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if problems else 200)
