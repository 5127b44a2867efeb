"""What is around every route: cross-origin rules, answers in JSON to what is refused, figures; nobody is named."""

import re
import time

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.hdrs import METH_ANY
from aiohttp.typedefs import Handler, Middleware

from streams.collector.answers import RefusedError
from streams.collector.recorder import NotTakenError
from streams.telemetry import collector_metrics as metrics

RETRY = 3  # s after which a request may come again that Kafka did not take
_API = re.compile(r"/(v1|beacon/v1)/.+")
_HEADERS = re.compile(r"[A-Za-z0-9, _-]{0,500}")
log = structlog.get_logger(__name__)


def counted() -> Middleware:
    """Count requests and how long they take, and turn what is raised into answers."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        answer = await _answered(request, handler)
        metrics.requests(_route(request), answer.status).inc()
        metrics.SECONDS.observe(time.perf_counter() - begun)
        return answer

    return count


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusedError as refused:
        return refused.answer()
    except NotTakenError as error:
        return RefusedError(503, f"{error}; send it again", RETRY).answer()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _plain(error)
    except ConnectionError:
        raise
    except Exception as error:
        # Its text, and what it was called with, may tell of people.
        log.error("a request failed", route=_route(request), error=type(error).__name__, place=_place(error))
        return RefusedError(500, "this is a fault of the collector; send it again later").answer()


def _plain(error: web.HTTPException) -> web.Response:
    answer = RefusedError(error.status, error.reason.lower()).answer()
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "other" if resource is None or "{elsewhere}" in resource.canonical else resource.canonical


def cross_origin(origins: frozenset[str]) -> Middleware:
    """Let pages of these origins, in lower case, call the API; `*` among them lets any."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _API.fullmatch(request.path):
            return await handler(request)
        origin = request.headers.get("Origin", "")
        may = bool(origin) and (origin.casefold() in origins or "*" in origins)
        if request.method == "OPTIONS":
            return _preflight(request, origin) if may else RefusedError(403, "this origin may not send events").answer()
        found = await handler(request)
        if may:
            _allow(found, origin)
        return found

    return answer


def _preflight(request: web.Request, origin: str) -> web.Response:
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    answer = web.Response(status=204)
    _allow(answer, origin)
    answer.headers["Access-Control-Allow-Methods"] = "POST"
    answer.headers["Access-Control-Max-Age"] = "600"
    if wanted and _HEADERS.fullmatch(wanted):
        answer.headers["Access-Control-Allow-Headers"] = wanted
    return answer


def _allow(answer: web.StreamResponse, origin: str) -> None:
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.headers["Access-Control-Expose-Headers"] = "Retry-After"
    answer.headers["Vary"] = "Origin"


async def expected(request: web.Request) -> web.StreamResponse | None:
    """Let a sender go on that waits to be told so; one that expects something else is refused."""
    if request.version < HttpVersion11:
        return None
    if request.headers.get("Expect", "").lower() != "100-continue":
        return RefusedError(417, "only 100-continue may be expected").answer()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # of the answer, nothing is written yet
    return None


async def elsewhere(request: web.Request) -> web.StreamResponse:
    """Say what is wrong with a path or a method that nobody answers."""
    known: set[str] = set()
    for resource in request.app.router.resources():
        known |= (await resource.resolve(request))[1]
    allowed = known - {METH_ANY}
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
    raise web.HTTPNotFound
