"""`GET /pixel.gif`: touches of what runs no script, such as a newsletter that is opened."""

from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.parse import unquote_plus

from aiohttp import web

from streams.collector.answers import RefusedError
from streams.collector.collector import Collector
from streams.collector.recorder import NotTakenError, Outgoing
from streams.collector.visits import touch_calls
from streams.core.door.canonical import Touch
from streams.core.door.context import Reading
from streams.core.door.fields import urls
from streams.core.door.reader import NO_HEADERS, read
from streams.telemetry import collector_metrics as metrics

GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one transparent point

_PARAMETERS = frozenset({"k", "e", "a", *touch_calls.UTM.values()})
_NO_KEY = "k has to be a write key of MAALSTROM_WRITE_KEYS"
_NO_TOUCH = "e has to be the name of a touch event, such as Email Opened"
_NOT_TAKEN = "Kafka does not take it; it is not counted"


def routes(collector: Collector) -> Iterable[web.AbstractRouteDef]:
    """/pixel.gif."""

    def admit(text: str) -> None:
        key = collector.files.keys.get(text)
        (collector.limits.of(key.name) if key else collector.limits.keyless).take(1)
        if key is None:
            raise RefusedError(401, _NO_KEY)

    page = collector.of_files(lambda files: PixelPage(files.reading, admit, collector.recorder.record, collector.now))

    async def picture(request: web.Request) -> web.Response:
        return await page().picture(request)

    return [web.get("/pixel.gif", picture)]


class PixelPage:
    """Answers with the picture, whatever is asked, and with the status that tells the truth.

    `reading` says what a touch is. `admit` raises RefusedError for a write key that may not be used now; `record`
    returns once Kafka has acknowledged it, and raises NotTakenError. `now()` in ms.
    """

    def __init__(
        self,
        reading: Reading,
        admit: Callable[[str], None],
        record: Callable[[Sequence[Outgoing]], Awaitable[None]],
        now: Callable[[], int],
    ) -> None:
        self._reading, self._admit, self._record, self._now = reading, admit, record, now

    async def picture(self, request: web.Request) -> web.Response:
        """Count a touch, where it is one, and show the picture."""
        headers = {"Cache-Control": "no-store", "Content-Type": "image/gif"}
        try:
            if request.method != "HEAD":
                await self._take(request)
        except RefusedError as refused:
            metrics.EVENTS.labels("pixel", "not_taken" if refused.status == 503 else "rejected").inc()
            return web.Response(status=refused.status, body=GIF, headers={**headers, "X-Refused": str(refused)})
        return web.Response(body=GIF, headers=headers)

    async def _take(self, request: web.Request) -> None:
        """Record what a request tells of. Raises RefusedError."""
        query = urls.parameters(request.raw_path.partition("?")[2], _PARAMETERS)
        key, event, who = (unquote_plus(query.get(name, "")) for name in ("k", "e", "a"))
        self._admit(key)
        call = self._touch(touch_calls.of_pixel(event, who, query, self._now()))
        try:
            await self._record([call])
        except NotTakenError:
            raise RefusedError(503, _NOT_TAKEN) from None
        metrics.EVENTS.labels("pixel", "taken").inc()

    def _touch(self, call: Outgoing) -> Outgoing:
        """The call with its routing key. Raises RefusedError where the worker would not take it for a touch."""
        (item,) = read(call.value, NO_HEADERS, self._reading)
        touches = [event for event in item.events if isinstance(event, Touch)]
        if not touches:
            raise RefusedError(400, _NO_TOUCH)
        return call._replace(key=touches[0].message.routing_key.encode())
