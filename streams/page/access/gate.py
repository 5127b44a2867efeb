"""The gate before the page: which way to tell who looks, and that every path of the page goes through it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from streams import config
from streams.page.access.ended import SharedEnds
from streams.page.access.login import Login, PublicAddress
from streams.page.access.proxies import Proxies, Vouched
from streams.page.access.sessions import Sessions
from streams.page.access.users import UsersError, UsersFile
from streams.page.access.viewers import VIEWER, Viewer
from streams.page.static_files import HEADERS
from streams.sinks.clickhouse.client import connect
from streams.telemetry.web_guard import loopback

_FOR_ALL = "/static/"  # scripts and styles, which are public, and the form's
CLOSED = (
    "the page is closed: this port is not on loopback, and nothing says who may look. Set MAALSTROM_PAGE_USERS to a "
    "file of users (maalstrom page-user makes a line of it), or MAALSTROM_PAGE_PROXY to the address of a proxy that "
    "says who looks. /metrics, /health and /ready answer all the same\n"
)


class Keeper(Protocol):
    """Says who looks."""

    def routes(self) -> Iterable[web.RouteDef]: ...

    def viewer(self, request: web.Request) -> Viewer: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Anybody:
    """Whoever is on this machine sees all."""

    def routes(self) -> list[web.RouteDef]:
        """None of its own."""
        return []

    def viewer(self, _: web.Request) -> Viewer:
        """A viewer without a name."""
        return Viewer()

    async def start(self) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""


class Nobody(Anybody):
    """The page is closed."""

    def viewer(self, _: web.Request) -> Viewer:
        """Raises HTTPForbidden with what to do."""
        raise web.HTTPForbidden(text=CLOSED)


class Shown(Protocol):
    """A page."""

    def routes(self) -> Iterable[web.RouteDef]: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Gate:
    """A page whose paths answer only to whom the keeper lets in."""

    def __init__(self, page: Shown, keeper: Keeper) -> None:
        self._page, self._keeper = page, keeper

    def routes(self) -> list[web.RouteDef]:
        """The page's, behind the gate, and the keeper's."""
        guarded = [
            each if each.path.startswith(_FOR_ALL) else web.route(each.method, each.path, self._kept(each.handler))
            for each in self._page.routes()
        ]
        return [*guarded, web.get("/api/viewer", self._kept(self._viewer)), *self._keeper.routes()]

    async def start(self) -> None:
        """Start the page."""
        await self._keeper.start()
        await self._page.start()

    async def stop(self) -> None:
        """Stop the page."""
        await self._page.stop()
        await self._keeper.stop()

    def _kept(self, handler: Handler) -> Handler:
        async def kept(request: web.Request) -> web.StreamResponse:
            request[VIEWER] = viewer = self._keeper.viewer(request)
            if not viewer.sees(request.match_info.get("uid", "")) and "uid" in request.match_info:
                raise web.HTTPForbidden(text=f"this dashboard is for operators; {viewer.name} is a {viewer.role}\n")
            return await handler(request)

        return kept

    async def _viewer(self, request: web.Request) -> web.Response:
        """Who looks, and whether they can log out here."""
        viewer, ends = request[VIEWER], bool(list(self._keeper.routes()))
        said = {"name": viewer.name, "role": viewer.role, "ends": ends}
        return web.json_response(said, headers={**HEADERS, "Cache-Control": "no-store"})


def keeper(chosen: config.Settings, dsn: str = "") -> Keeper:
    """Who says who looks, as the environment has it; log-outs are shared through that database, where several can be
    at it. Raises ConfigError."""
    try:
        proxies = Proxies.parse(chosen.page_proxy)
        if chosen.page_users:
            sessions = Sessions(config.token_key(chosen.token_key))
            ends = SharedEnds(sessions, connect(dsn)) if dsn and not dsn.startswith("chdb:") else None
            return Login(UsersFile(chosen.page_users), sessions, proxies, PublicAddress(chosen.page_url), ends)
    except UsersError as error:
        raise config.ConfigError(str(error)) from None
    except ValueError as error:
        raise config.ConfigError(f"MAALSTROM_PAGE_PROXY: {error}; write addresses or networks with commas") from None
    if proxies.networks:
        operators = frozenset(name.strip() for name in chosen.page_operators.split(",") if name.strip())
        return Vouched(proxies, chosen.page_proxy_header, operators)
    return Anybody() if loopback(chosen.web_bind.strip("[]")) else Nobody()
