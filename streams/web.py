"""The worker's web port: metrics and health, on the loopback interface unless told otherwise."""

from collections.abc import Callable

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


class WebServer(Service):  # type: ignore[misc]
    """Serves /metrics, /health (alive) and /ready (200 when `is_ready()`, else 503)."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, is_ready: Callable[[], bool]) -> None:
        super().__init__()
        self._host, self._port, self._registry, self._is_ready = host, port, registry, is_ready
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        site = web.Application()
        site.add_routes(
            [web.get("/metrics", self._metrics), web.get("/health", self._health), web.get("/ready", self._ready)]
        )
        self._runner = web.AppRunner(site, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        ready = self._is_ready()
        return web.Response(text="ready\n" if ready else "not ready\n", status=200 if ready else 503)
