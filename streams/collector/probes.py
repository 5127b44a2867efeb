"""Whether the collector lives, whether it is ready, and its figures."""

from collections.abc import Iterable

from aiohttp import web

from streams.collector.collector import Collector
from streams.telemetry import collector_metrics as metrics
from streams.telemetry.readiness import Readiness


def routes(collector: Collector) -> Iterable[web.AbstractRouteDef]:
    """/health, /ready and /metrics, as the worker has them."""
    readiness = Readiness(collector.recorder.problems)

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        problems = readiness.problems()
        lines = ["not ready", *problems] if problems else ["ready"]
        return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if problems else 200)

    async def figures(request: web.Request) -> web.Response:
        records, size = collector.recorder.waiting
        metrics.WAITING_RECORDS.set(records)
        metrics.WAITING_BYTES.set(size)
        metrics.READY.set(not readiness.problems())
        body, kind = metrics.written(request.query.getall("name[]", []))
        return web.Response(body=body, headers={"Content-Type": kind})

    return [web.get("/health", health), web.get("/ready", ready), web.get("/metrics", figures)]
