"""`GET /pixel.gif`, asked over HTTP: always a picture, and a touch where it says one."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from streams.collector.answers import RefusedError
from streams.collector.recorder import NotTakenError, Outgoing
from streams.collector.visits.pixel import PixelPage
from streams.core.door.canonical import Touch, Words
from streams.core.door.context import Reading, TouchRule
from streams.core.door.reader import NO_HEADERS, read

NOW = 1_793_606_400_007
READING = Reading(counted={"order completed": "Order Completed"}, touch={"leaflet read": TouchRule("view", "leaflet")})


class Answer(NamedTuple):
    """What came back, and what was recorded."""

    status: int
    body: bytes
    headers: dict[str, str]
    recorded: list[Outgoing]


def ask(query: str, method: str = "GET", down: bool = False) -> Answer:
    """Ask a collector's pixel over HTTP."""
    recorded: list[Outgoing] = []

    def admit(key: str) -> None:
        if key != "k1":
            raise RefusedError(401, "this is no key")

    async def record(calls: Sequence[Outgoing]) -> None:
        recorded.extend(calls)
        if down:
            raise NotTakenError("it is down")

    async def asked() -> Answer:
        site = web.Application()
        site.add_routes([web.get("/pixel.gif", PixelPage(READING, admit, record, lambda: NOW).picture)])
        async with TestServer(site) as server, ClientSession() as session:
            url = URL(f"http://{server.host}:{server.port}/pixel.gif?{query}", encoded=True)
            async with session.request(method, url) as got:
                return Answer(got.status, await got.read(), dict(got.headers), recorded)

    return asyncio.run(asked())


def touch(answer: Answer) -> Touch:
    """What the worker takes for what was recorded."""
    (call,) = answer.recorded
    (item,) = read(call.value, NO_HEADERS, READING)
    (event,) = item.events
    assert isinstance(event, Touch)
    assert call.key == event.message.routing_key.encode()
    return event


def is_picture(answer: Answer) -> bool:
    """Whether it is one point, which no cache may keep."""
    size = struct.unpack("<HH", answer.body[6:10])
    fresh = answer.headers["Cache-Control"] == "no-store"
    return answer.body[:6] == b"GIF89a" and answer.body[-1:] == b";" and size == (1, 1) and fresh


@pytest.mark.parametrize(
    ("query", "action", "words", "anonymous"),
    [
        ("k=k1&e=Email%20Opened&a=lea&utm_campaign=H%C3%B8st+2026", "view", Words("", "høst 2026", network="email"),
         "lea"),
        ("k=k1&e=email_opened&A=l%2Bea+x&utm_id=7&utm_campaign=&utm_campaign=b&UTM_SOURCE=brev", "view",
         Words("7", "b", network="email"), "l+ea x"),
        ("k=k1&e=Leaflet+Read&utm_campaign=100%2525", "view", Words("", "100%25", network="leaflet"), ""),
        ("k=k1&e=Promotion+Viewed&a=guest&utm_source=fb&utm_campaign=a", "view", Words("", "a", network="facebook"),
         ""),
    ],
)  # fmt: skip
def test_a_touch_is_recorded(query: str, action: str, words: Words, anonymous: str) -> None:
    answer = ask(query)
    found = touch(answer)
    assert (answer.status, is_picture(answer)) == (200, True)
    assert found.message.time == NOW
    assert (found.action, found.words, found.message.anonymous_id) == (action, words, anonymous)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("e=Email+Opened", 401),
        ("k=k2&e=Email+Opened", 401),
        ("k=k1", 400),
        ("k=k1&e=", 400),
        ("k=k1&e=Order+Completed", 400),
        ("k=k1&e=Order+Refunded&a=lea", 400),
        ("k=k1&e=Segment+Consent+Preference+Updated", 400),
        ("k=k1&e=Social+Interaction", 400),
        ("k=k1&e=Leaflet+Torn", 400),
        ("k=k1&e=%ff%00", 400),
        ("", 401),
        ("&&==&k", 401),
    ],
)
def test_what_counts_nothing_is_a_picture_too(query: str, status: int) -> None:
    answer = ask(query)
    assert (answer.status, is_picture(answer), answer.recorded) == (status, True, [])
    assert answer.headers["X-Refused"]


def test_what_kafka_did_not_take_is_no_success() -> None:
    answer = ask("k=k1&e=Email+Opened", down=True)
    assert (answer.status, is_picture(answer)) == (503, True)


def test_who_only_asks_for_the_head_is_not_counted() -> None:
    answer = ask("k=k1&e=Email+Opened", "HEAD")
    assert (answer.status, answer.recorded) == (200, [])
