"""Bodies of requests, read within bounds: of each, of all at once, of time, and of what gzip unpacks to."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from streams.collector.answers import RefusedError

SECONDS = 10.0  # in which a body has to come
MOST_HELD = 64 << 20  # bytes of all bodies at once
_JSON = frozenset({"application/json", "text/plain", "text/json", "application/octet-stream"})
_FORM = "application/x-www-form-urlencoded"  # what RudderStack's SDK for Node.js says of JSON that it has packed
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
_GZIP = 16 + zlib.MAX_WBITS


class Bodies:
    """Reads bodies. `held` are the bytes of those that are worked on."""

    def __init__(self) -> None:
        self.held = 0

    @asynccontextmanager
    async def read(self, request: web.Request, most: int, packed: bool = True) -> AsyncIterator[bytes]:
        """The body, held until the end of the block. Raises RefusedError; `packed` says whether it may be gzipped."""
        body = _Body(most, _unpacker(request, packed))
        if (request.content_length or 0) > most:
            raise body.too_large()
        try:
            await self._into(body, request)
            yield body.whole()
        finally:
            self.held -= body.size

    async def _into(self, body: "_Body", request: web.Request) -> None:
        try:
            if request.content.is_eof():  # a small one has come with its headers
                self._add(body, request.content.read_nowait())
                return
            async with asyncio.timeout(SECONDS):
                async for chunk in request.content.iter_any():
                    self._add(body, chunk)
        except TimeoutError:
            raise RefusedError(408, f"the body did not come within {SECONDS:g} s") from None
        except (web.RequestPayloadError, ConnectionError, EOFError):
            raise RefusedError(400, "the body broke off, or is not what its headers say") from None

    def _add(self, body: "_Body", chunk: bytes) -> None:
        self.held += body.add(chunk)
        if self.held > MOST_HELD:
            raise RefusedError(503, "too much is under way; send it again", 1)


class _Body:
    """A body as it comes, at most so many bytes, unpacked or not."""

    def __init__(self, most: int, unpacker: "zlib._Decompress | None") -> None:
        self._most, self._unpacker = most, unpacker
        self._plain, self._came = bytearray(), 0

    @property
    def size(self) -> int:
        return len(self._plain)

    def too_large(self) -> RefusedError:
        return RefusedError(413, f"more than {self._most} bytes; send less at once")

    def add(self, chunk: bytes) -> int:
        """Add what came; returns how many bytes more it takes. Raises RefusedError."""
        before = len(self._plain)
        self._came += len(chunk)
        if self._came <= self._most:
            if self._unpacker is None:
                self._plain += chunk
            else:
                self._unpack(chunk)
        if len(self._plain) > self._most or self._came > self._most:
            del self._plain[before:]
            raise self.too_large()
        return len(self._plain) - before

    def _unpack(self, chunk: bytes) -> None:
        try:
            while chunk and len(self._plain) <= self._most:
                assert self._unpacker is not None
                if self._unpacker.eof:  # another member
                    self._unpacker = zlib.decompressobj(_GZIP)
                self._plain += self._unpacker.decompress(chunk, self._most + 1 - len(self._plain))
                chunk = self._unpacker.unconsumed_tail or self._unpacker.unused_data
        except zlib.error:
            raise RefusedError(400, "the body is not gzip, as its Content-Encoding says") from None

    def whole(self) -> bytes:
        if self._unpacker is not None and not self._unpacker.eof:
            raise RefusedError(400, "the gzip of the body breaks off")
        return bytes(self._plain)


def _unpacker(request: web.Request, packed: bool) -> "zlib._Decompress | None":
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return None
    if packed and encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(_GZIP)
    raise RefusedError(415, "the Content-Encoding is not known; send " + ("gzip, or none" if packed else "none"))


def expect_json(request: web.Request) -> None:
    """JSON as SDKs call it, and `text/plain`, as beacons do. Raises RefusedError."""
    kind, packed = request.content_type, "Content-Encoding" in request.headers
    is_json = kind in _JSON or kind.endswith("+json") or (packed and kind == _FORM)
    if "Content-Type" in request.headers and not is_json:
        raise RefusedError(415, "the Content-Type is not JSON; send application/json")
    if (request.charset or "utf-8").lower() not in _UTF_8:
        raise RefusedError(415, "the charset is not UTF-8; send UTF-8")
