"""Whatever bytes are sent to links and the pixel: no error of ours, no redirect elsewhere, no line of a header."""

from __future__ import annotations

import asyncio
import random
import re

from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.collector.recorder import Outgoing
from streams.collector.visits.links import LinkPages
from streams.collector.visits.pixel import PixelPage
from streams.core.catalogue.model import ShortLink
from streams.core.door.context import Reading

GOOD = (
    b"GET /go/poster HTTP/1.1\r\nHost: a\r\nCookie: ajs_anonymous_id=0e3f7a52-6c1d-4b8e-9a70-5d2c4f1b8e63\r\n\r\n",
    b"GET /pixel.gif?k=k&e=Email+Opened&a=lea&utm_campaign=autumn&utm_source=a HTTP/1.1\r\nHost: a\r\n\r\n",
)
PIECES = (
    b"\xff", b"\x00", b"\r\n", b"%0d%0a", b"%00", b"%ff", b"%", b"\xed\xa0\x80", b"\xe2\x80\xae", b"//", b"\\", b"@",
    b"..", b"%2e%2e%2f", b"?", b"#", b"&", b"=", b";", b'"', b"https://evil.example", b"a" * 2000, b"HTTP/0.9", b"GET ",
    b"Location: https://evil.example\r\n", b"Sec-GPC: 1\r\n", b"User-Agent: \xff\xfe\r\n", b"X-Moz: \xff\r\n",
    b"Cookie: ajs_anonymous_id=\xff; a\r\n", b"Cookie: =;;=\r\n",
)  # fmt: skip
ODD = (
    b"GET /pixel.gif?k=k&e=Email+Opened&a=\xff&utm_campaign=\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /pixel.gif?k=k&e=Email+Opened&a=%ED%A0%80&utm_campaign=%ED%A0%80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /pixel.gif?k=\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /go/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /go/poster HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\r\nCookie: ajs_anonymous_id=\xff\r\n\r\n",
)
TO = b"Location: https://shop.example/?utm_campaign=autumn&utm_source=poster&utm_medium=scan"


def mutated(rng: random.Random) -> bytes:
    """A good request with some pieces put in."""
    request = bytearray(rng.choice(GOOD))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(4, len(request))
        request[at : at + rng.choice((0, 0, 1, 5))] = rng.choice(PIECES)
    return bytes(request) + b"\r\n\r\n"


async def answers(requests: list[bytes]) -> list[bytes]:
    """The headers of the first answer to each."""
    recorded: list[Outgoing] = []

    async def record(calls: object) -> None:
        recorded.append(calls)  # type: ignore[arg-type]

    pages = LinkPages(
        [ShortLink("poster", "https://shop.example/", "autumn", "poster", "scan")], recorded.append, None, lambda: 0
    )
    pixel = PixelPage(Reading(counted={}), print, record, lambda: 0)
    site = web.Application()
    site.add_routes([web.get("/go/{code}", pages.go), web.get("/pixel.gif", pixel.picture)])
    found = []
    async with TestServer(site) as server:
        for request in requests:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(request)
            found.append((await asyncio.wait_for(reader.read(1 << 16), 30)).partition(b"\r\n\r\n")[0])
            writer.close()
    return found


def test_odd_bytes_and_mutations_do_no_harm() -> None:
    rng = random.Random(15)
    requests = [*ODD, *(mutated(rng) for _ in range(600))]
    heads = asyncio.run(answers(requests))
    assert {head.split()[1] for head in heads} >= {b"200", b"302", b"400", b"404"}
    for request, head in zip(requests, heads, strict=True):
        assert head.split()[1][:1] != b"5", (request, head)
        assert re.findall(rb"(?i)^location:.*$", head.replace(b"\r", b""), re.MULTILINE) in ([], [TO]), request
        assert b"evil.example" not in head
