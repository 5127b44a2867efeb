"""The calls of Segment's HTTP API, as its own and RudderStack's SDKs make them."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from aiohttp import web
from msgspec import Raw

from streams.collector.answers import RefusedError, success
from streams.collector.api.checking import Checked, Checker
from streams.collector.api.stamping import Arrival
from streams.collector.api.write_keys import WriteKey
from streams.collector.bodies import expect_json
from streams.collector.collector import Collector
from streams.collector.recorder import Outgoing
from streams.core.catalogue.parse import duration
from streams.core.door.canonical import Rejected
from streams.core.door.fields.json_fields import Fields, Notes, json_type, message_object
from streams.telemetry import collector_metrics as metrics

MOST_BODY = 512 << 10  # bytes, unpacked
MOST_ITEMS = 10_000
BATCH, IMPORT = "batch", "import"
#: Paths, and the type of the message that comes there.
PATHS = {
    "/v1/track": "track", "/v1/t": "track", "/v1/page": "page", "/v1/p": "page", "/v1/screen": "screen",
    "/v1/s": "screen", "/v1/identify": "identify", "/v1/i": "identify", "/v1/alias": "alias", "/v1/a": "alias",
    "/v1/group": "group", "/v1/g": "group", "/v1/batch": BATCH, "/v1/b": BATCH, "/v1/import": IMPORT,
    "/beacon/v1/batch": BATCH,
}  # fmt: skip
_AT_ONCE = 200  # messages that are checked before others have their turn
_Handler = Callable[[web.Request], Awaitable[web.Response]]


def routes(collector: Collector) -> Iterable[web.AbstractRouteDef]:
    """Every path of the API."""
    calls = Calls(collector)
    return [web.post(path, calls.handler(kind)) for path, kind in PATHS.items()]


class _Request(NamedTuple):
    """What came: the messages' bytes, whose key it is, and how they came."""

    raws: list[bytes]
    key: WriteKey
    sent: Arrival


class Calls:
    """Answers the calls of one collector."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        oldest = duration(collector.settings.retention)
        self._checker = collector.of_files(lambda files: Checker(files.reading, oldest))

    def handler(self, kind: str) -> _Handler:
        """What answers calls of that type, or batches."""

        async def handle(request: web.Request) -> web.Response:
            expect_json(request)
            async with self._collector.bodies.read(request, MOST_BODY) as body:
                checked = await self._checked(self._opened(request, body, kind))
                await self._record(checked, kind)
            return success(checked.faults)

        return handle

    def _opened(self, request: web.Request, body: bytes, kind: str) -> _Request:
        """Whose request it is, and what is in it. Raises RefusedError."""
        user = _basic_user(request)
        if user:
            self._key(user)
        try:
            fields = message_object(body)
        except Rejected as rejected:
            if not user:
                self._collector.limits.keyless.take(1)
            raise RefusedError(400, f"the body is no call: {rejected.error}") from None
        key = self._key(user or _key_in(fields) or request.query.get("writeKey", ""))
        if kind == IMPORT and not key.server:
            raise RefusedError(403, "/v1/import needs a server's write key; a browser's is public")
        single = kind not in (BATCH, IMPORT)
        raws = [body] if single else _items(fields)
        self._collector.limits.of(key.name).take(max(1, len(raws)))
        sent_at = Fields(fields, "", Notes()).raw("sentAt")
        return _Request(raws, key, Arrival(self._collector.now(), sent_at, kind if single else ""))

    def _key(self, key: str) -> WriteKey:
        found = self._collector.files.keys.get(key)
        if found is None:
            self._collector.limits.keyless.take(1)
            raise RefusedError(
                401, "the write key is missing or not known; send it as the user of Basic, or `writeKey`"
            )
        return found

    async def _checked(self, request: _Request) -> Checked:
        """What becomes of the messages. Raises RefusedError where none of them can be used."""
        found, checker = Checked(), self._checker()
        for at in range(0, len(request.raws), _AT_ONCE):
            if at:
                await asyncio.sleep(0)
            checker.check(request.raws[at : at + _AT_ONCE], request.sent, request.key.server, found, at)
        found.faults.sort(key=lambda fault: fault.index)
        return found

    async def _record(self, found: Checked, kind: str) -> None:
        if found.faults:
            metrics.events(kind, "forbidden" if found.status == 403 else "rejected").inc(len(found.faults))
        if found.faults and not found.good:
            raise RefusedError(found.status, found.faults[0].error, faults=found.faults)
        await self._collector.recorder.record([Outgoing(message.key, message.value) for message in found.good])
        metrics.events(kind, "taken").inc(len(found.good))


def _basic_user(request: web.Request) -> str:
    """The user of Basic authentication, '' without it."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(coded.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _key_in(fields: Mapping[str, Raw]) -> str:
    return Fields(fields, "", Notes()).text("writeKey").strip()


def _items(fields: Mapping[str, Raw]) -> list[bytes]:
    """The messages of a batch, raw. Raises RefusedError."""
    raw = bytes(fields.get("batch", b""))
    if json_type(raw) != "array":
        raise RefusedError(400, "`batch` is missing, or no list; send the messages in it")
    found = Fields(fields, "", Notes()).items("batch")
    if len(found) > MOST_ITEMS:
        raise RefusedError(413, f"{len(found)} messages; send at most {MOST_ITEMS} at once")
    return found
