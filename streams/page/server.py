"""The page's routes. A browser names a dashboard, a time range and values of variables, and never sends a query."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from streams.page.access.viewers import sight
from streams.page.answers import Answers, PanelRequest
from streams.page.dashboards import Dashboard
from streams.page.history import MetricsHistory
from streams.page.reader import Known, Reader
from streams.page.static_files import HEADERS, StaticFiles
from streams.page.times import RangeError, time_range
from streams.texts import choice

_WIDEST = 8000  # px
MOST_ANSWERS = 32  # dashboards that are being answered at once
_PREFIX = "var-"  # as in Grafana's addresses


class Page:
    """Shows dashboards: of a worker, whose `history` is kept, or of a database alone."""

    def __init__(
        self, dashboards: Mapping[str, Dashboard], reader: Reader, history: MetricsHistory | None = None
    ) -> None:
        self._dashboards, self._reader, self._history = dashboards, reader, history
        self._answering = 0
        self._known = Known(reader)
        self._answers = Answers(reader, history, self._known)
        self._files = StaticFiles()
        self._sampling: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        """What the web server is to answer."""
        return [
            web.get("/", self._shell),
            web.get("/d/{uid}", self._shell),
            web.get("/static/{name:.+}", self._static),
            web.get("/api/dashboards", self._list),
            web.get("/api/dashboards/{uid}", self._shown),
            web.get("/api/dashboards/{uid}/data", self._data),
        ]

    async def start(self) -> None:
        """Begin to keep the process's metrics."""
        if self._history:
            self._sampling = asyncio.create_task(self._history.run())

    async def stop(self) -> None:
        """Let running queries end, and let go of the database."""
        if self._sampling:
            self._sampling.cancel()
        await asyncio.to_thread(self._reader.close)

    async def _shell(self, request: web.Request) -> web.Response:
        return self._files.answer(request, "index.html")

    async def _static(self, request: web.Request) -> web.Response:
        return self._files.answer(request, request.match_info["name"])

    async def _list(self, request: web.Request) -> web.Response:
        """The dashboards that this reader may see, in their language, each with its `others` in other languages."""
        wanted = choice.asked(request.query.get("lang", ""), request.headers.get("Accept-Language", ""))
        seen = filter(sight(request), self._dashboards)
        return _json(choice.listed({uid: self._dashboards[uid].title for uid in seen}, wanted))

    async def _shown(self, request: web.Request) -> web.Response:
        return _json(self._dashboard(request).shown)

    async def _data(self, request: web.Request) -> web.StreamResponse:
        """A line of JSON for the variables, then one for each panel as soon as it is there."""
        dashboard = self._dashboard(request)
        asked = _asked(request, dashboard, (await self._known.facts()).zone)
        with self._one_more():
            return await self._streamed(request, self._answers.lines(dashboard, asked))

    async def _streamed(self, request: web.Request, lines: AsyncIterator[bytes]) -> web.StreamResponse:
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = {**HEADERS, "Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
        answer = web.StreamResponse(headers=headers | ({"Content-Encoding": "gzip"} if packed else {}))
        packer = zlib.compressobj(1, wbits=31)
        # A browser that has gone on to another page wants no answer.
        with suppress(ConnectionResetError):
            await answer.prepare(request)
            async for line in lines:
                line += b"\n"
                # Flushed, so that a panel need not wait for the next one.
                await answer.write(packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH) if packed else line)
            await answer.write_eof(packer.flush() if packed else b"")
        return answer

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        """Raises HTTPServiceUnavailable at once where too many wait already."""
        if self._answering >= MOST_ANSWERS:
            raise web.HTTPServiceUnavailable(
                text="too many ask at once; try again in a few seconds\n", headers={"Retry-After": "5"}
            )
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1

    def _dashboard(self, request: web.Request) -> Dashboard:
        uid = request.match_info["uid"]
        if uid not in self._dashboards:
            raise web.HTTPNotFound(text=f"there is no dashboard {uid}; there are {', '.join(self._dashboards)}\n")
        return self._dashboards[uid]


def _asked(request: web.Request, dashboard: Dashboard, zone: str) -> PanelRequest:
    """Days are of the zone. Raises HTTPBadRequest for a range or a width that cannot be."""
    query = request.query
    try:
        span = time_range(
            query.get("from", dashboard.start), query.get("to", dashboard.end), datetime.now(ZoneInfo(zone))
        )
        width = int(query.get("width", "1200"))
    except RangeError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from None
    except ValueError:
        raise web.HTTPBadRequest(text="width is a number of pixels\n") from None
    values = {name.removeprefix(_PREFIX): query.getall(name) for name in query if name.startswith(_PREFIX)}
    return PanelRequest(span, max(1, min(width, _WIDEST)), values)


def _json(content: Any) -> web.Response:
    answer = web.json_response(content, headers={**HEADERS, "Cache-Control": "no-cache"})
    answer.enable_compression()
    return answer
