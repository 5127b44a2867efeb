"""`GET /go/<code>`: a link of the catalogue, answered at once with its address and nothing else, and counted."""

from collections.abc import Callable, Iterable

from aiohttp import web

from streams.collector.answers import RefusedError
from streams.collector.collector import Collector
from streams.collector.files import Files
from streams.collector.recorder import Outgoing
from streams.collector.visits import cookie, landing, touch_calls
from streams.collector.visits.visitors import is_person, refuses_to_be_known
from streams.core.catalogue.model import ShortLink
from streams.telemetry import collector_metrics as metrics

_FRESH = {"Cache-Control": "no-store"}


def routes(collector: Collector) -> Iterable[web.AbstractRouteDef]:
    """/go/<code> for the links of the catalogue."""

    def made(files: Files) -> LinkPages:
        domain = collector.settings.collect_cookie_domain if files.sources.cookie else None
        return LinkPages(files.catalogue.links, lambda call: _offer(collector, call), domain, collector.now)

    pages = collector.of_files(made)

    async def go(request: web.Request) -> web.Response:
        return await pages().go(request)

    return [web.get("/go/{code}", go)]


def _offer(collector: Collector, call: Outgoing) -> None:
    """Record a touch while nobody waits. Where too many come in a second, or wait for Kafka, it is lost and counted."""
    try:
        collector.limits.keyless.take(1)
        given = collector.recorder.offer([call])
    except RefusedError:
        given = False
    metrics.EVENTS.labels("go", "taken" if given else "not_taken").inc()


class LinkPages:
    """Answers for the links of a catalogue.

    `offer` takes a touch and never waits: where too many come, or Kafka is down and too much waits already, the touch
    is lost, and who follows the link is sent on all the same. An id is kept on `domain`: '' is the host that was
    asked, None keeps none. `now()` in ms.
    """

    def __init__(
        self, links: Iterable[ShortLink], offer: Callable[[Outgoing], None], domain: str | None, now: Callable[[], int]
    ) -> None:
        self._links = {link.code: link for link in links}
        self._offer, self._domain, self._now = offer, domain, now

    async def go(self, request: web.Request) -> web.Response:
        """Send on to where the link leads."""
        link = self._links.get(request.match_info["code"])
        if link is None:
            return web.Response(status=404, text="there is no such link\n", headers=_FRESH)
        known = self._domain is not None and not refuses_to_be_known(request)
        to = landing.plain(link) if known else landing.with_utm(link)
        answer = web.Response(status=302, headers={**_FRESH, "Location": to})
        if is_person(request):
            who = self._id(request, answer) if known else ""
            self._offer(touch_calls.of_link(link, who, self._now()))
        return answer

    def _id(self, request: web.Request, answer: web.Response) -> str:
        """The id of who follows a link, which their browser keeps for a year from now on."""
        found = cookie.known_id(request) or cookie.new_id()
        cookie.keep(answer, found, self._domain or "")
        return found
