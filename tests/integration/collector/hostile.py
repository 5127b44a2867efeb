"""Requests with mistakes and tricks, sent as they are; what was answered."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from random import Random

from streams.collector.api.calls import BATCH, IMPORT, PATHS
from tests.integration.collector.conftest import BROWSER, ORIGIN
from tests.support.door.mutations import mutated

AT_ONCE = 16
_BOMB = gzip.compress(b" " * (64 << 20))
_PATHS = (*PATHS, "/webhooks/shopify", "/webhooks/stripe", "/webhooks/woocommerce", "/health", "/metrics?name[]=%00",
          "/", "//", "/v1/../v1/track", "/v1/track/", "/v1/%74rack", "/v1/track?writeKey=" + BROWSER, "*",
          "http://evil.example/v1/track", "/" + "a" * 9000, "/v1/\xff", "/ready?%", "/go/x", "/pixel.gif")  # fmt: skip
_BATCHES = [path for path, kind in PATHS.items() if kind in (BATCH, IMPORT)]
_SINGLES = [path for path in PATHS if path not in _BATCHES]
_METHODS = ("GET", "PUT", "OPTIONS", "HEAD", "DELETE", "TRACE", "CONNECT", "post", "P\xd8ST", "PRI")
_TYPES = ("text/plain", "text/plain; charset=utf-16", "application/x-www-form-urlencoded", "multipart/form-data",
          "application/json; charset=\"", "", "application/json;;=", "x" * 5000, "image/gif", "*/*")  # fmt: skip
_HEADERS = (
    "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 1e3",
    "Transfer-Encoding: chunked", "Transfer-Encoding: identity, chunked", "Content-Encoding: gzip",
    "Content-Encoding: deflate", "Content-Encoding: gzip, gzip", "Expect: 100-continue", "Expect: nonsense",
    "Connection: upgrade\r\nUpgrade: websocket", "Upgrade: h2c", "Host: evil.example", "X: " + "y" * 9000,
    "Authorization: Basic", "Authorization: Basic ////", "Authorization: Basic " + "A" * 7000, "Authorization: \xff",
    "Origin: null", "Origin: " + ORIGIN, "Access-Control-Request-Headers: x\ty", "Cookie: " + "a=b; " * 900,
    "Stripe-Signature: t=9999999999,v1=,v1=\xe6", "X-Shopify-Hmac-SHA256: \xf8\xf8", "Bad Header: x", ": x", "x",
    "X-Shopify-Topic: \xff", "Range: bytes=0-1", "Content-Type: application/json\r\nContent-Type: text/plain",
)  # fmt: skip


def requests(seed: int) -> Iterator[bytes]:
    """Requests of a browser's key with some mistakes each, without end; the same for the same seed."""
    random = Random(seed)
    messages = mutated("segment", seed)
    while True:
        body = _body(messages, random)
        lines = [_first_line(body, random), "Host: 127.0.0.1"]
        if random.random() < 0.8:
            lines.append("Authorization: Basic " + base64.b64encode(f"{BROWSER}:".encode()).decode())
        if random.random() < 0.9:
            kind = "application/json" if random.random() < 0.8 else random.choice(_TYPES)
            lines.append(f"Content-Type: {kind}")
        if random.random() < 0.2:
            body = _BOMB if random.random() < 0.02 else gzip.compress(body, 1)
            lines.append("Content-Encoding: gzip")
            if random.random() < 0.3:
                body = body[: random.randrange(len(body))]
        lines += random.choices(_HEADERS, k=random.choice((0, 0, 0, 1, 2)))
        if random.random() < 0.97:
            lines.append(f"Content-Length: {len(body)}")
        whole = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
        yield _damaged(whole, random) if random.random() < 0.05 else whole


def _first_line(body: bytes, random: Random) -> str:
    method = "POST" if random.random() < 0.95 else random.choice(_METHODS)
    fitting = _BATCHES if body.startswith(b'{"batch"') else _SINGLES
    path = random.choice(random.choice((fitting, fitting, fitting, list(PATHS), _PATHS)))
    version = "HTTP/1.1" if random.random() < 0.97 else random.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/9", ""))
    return f"{method} {path} {version}"


def _body(messages: Iterator[bytes], random: Random) -> bytes:
    message = next(messages)
    if random.random() < 0.6:
        return message
    items = [message, *islice(messages, random.randrange(8))]
    ends = json.dumps({"sentAt": random.choice((1793696400, None, "x", -1))}).encode()[1:]
    return b'{"batch":[' + b",".join(items) + b"]," + ends


def _damaged(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw))
    return random.choice((raw[:at] + bytes([random.randrange(256)]) + raw[at + 1 :], raw[:at] + b"\r\n" + raw[at:]))


async def answered(port: int, sent: Iterator[bytes]) -> Counter[int]:
    """How often each status was answered; 0 = the connection was closed without one, or left after a while. Raises
    AssertionError with a request that brought a fault of ours to light."""
    statuses: Counter[int] = Counter()

    async def client() -> None:
        for request in sent:
            status = await _status(port, request)
            statuses[status] += 1
            assert status < 500, f"{status}: {request[:3000]!r}"

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return statuses


async def _status(port: int, request: bytes) -> int:
    """One that its server waits for in vain is left after a short while, as those do who only want to hold it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(5 if _is_whole(request) else 0.2):
            line = await reader.readline()
    except (TimeoutError, OSError):
        return 0
    finally:
        writer.transport.abort()
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _is_whole(request: bytes) -> bool:
    head, _, body = request.partition(b"\r\n\r\n")
    return head.lower().count(b"content-length: %d" % len(body)) == 1 and b"hunked" not in head
