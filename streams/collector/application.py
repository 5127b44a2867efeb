"""The collector's HTTP application: its routes put together, and what is around each of them."""

from collections.abc import Callable, Iterable

from aiohttp import web

from streams.collector import probes, webhooks
from streams.collector.api import calls
from streams.collector.around import counted, cross_origin, elsewhere, expected
from streams.collector.collector import Collector
from streams.collector.visits import links, pixel

Routes = Callable[[Collector], Iterable[web.AbstractRouteDef]]
#: Each is `routes(collector)` of a module: what is answered, and where.
ROUTES: tuple[Routes, ...] = (calls.routes, webhooks.routes, links.routes, pixel.routes, probes.routes)


def application(collector: Collector) -> web.Application:
    """The application of a collector, which begins and ends with it."""
    # The outermost first: what is refused is seen by pages of other origins, too.
    app = web.Application(middlewares=[cross_origin(collector.settings.origins), counted()])
    for routes in ROUTES:
        for route in routes(collector):
            assert isinstance(route, web.RouteDef)
            kept = {**route.kwargs, "expect_handler": expected}
            web.RouteDef(route.method, route.path, route.handler, kept).register(app.router)
    app.router.add_route("*", "/{elsewhere:.*}", elsewhere, expect_handler=expected)
    app.on_startup.append(lambda _: collector.recorder.start())
    app.on_cleanup.append(lambda _: collector.recorder.stop())
    return app
