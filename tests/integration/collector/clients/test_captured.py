"""What published SDKs put on the wire, caught by a tiny server: the door reads all of it without a dead letter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.core.door.canonical import Event
from streams.core.door.reader import NO_HEADERS, read
from tests.e2e.browser import PATIENCE, browser
from tests.integration.collector.clients.published import BROWSERS, SERVERS, browse, installed, name_of, run, shop
from tests.integration.collector.clients.story import READING, check

KEY = "caught"


class Caught:
    """A server that answers as Segment's does and keeps what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()

    async def take(self, request: web.Request) -> web.Response:
        """Keep a body, unpacked; let pages of any site ask."""
        allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
        if request.method == "POST":
            self.paths.add(request.path)
            self.bodies.append(await request.read())
        return web.json_response({"success": True}, headers=allowed)

    def events(self) -> list[Event]:
        """What all of it means. Nothing may be a dead letter, and no field left out."""
        items = [item for body in self.bodies for item in read(body, NO_HEADERS, READING)]
        assert [(item.rejected, item.faults) for item in items if item.rejected or item.faults] == []
        return [event for item in items for event in item.events]


@asynccontextmanager
async def catching() -> AsyncIterator[tuple[Caught, str]]:
    """What is caught, and the address of who catches it."""
    caught, site = Caught(), web.Application()
    site.router.add_route("*", "/{path:.*}", caught.take)
    async with TestServer(site) as server:
        yield caught, str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize("script", SERVERS)
def test_the_door_reads_what_an_sdk_of_a_server_sends(script: str) -> None:
    async def told() -> Caught:
        async with catching() as (caught, address):
            await run(installed(), script, address, KEY)
            return caught

    caught = asyncio.run(told())
    assert caught.paths == {"/v1/batch"}
    check(caught.events(), name_of(script))


@pytest.mark.parametrize("page", BROWSERS)
def test_the_door_reads_what_an_sdk_of_a_browser_sends(page: str) -> None:
    async def told() -> Caught:
        async with catching() as (caught, address), shop(installed()) as pages, browser() as tab:
            await browse(tab, page, pages, address, KEY)
            async with asyncio.timeout(PATIENCE):
                while len(caught.bodies) < 4:
                    await asyncio.sleep(0.05)
            assert tab.complaints == []
            assert {url.split("/")[2] for url in tab.requests if url.startswith("http")} <= {
                address.removeprefix("http://"), pages.removeprefix("http://"),
            }  # fmt: skip
            return caught

    caught = asyncio.run(told())
    assert {path.split("/")[1] for path in caught.paths} == {"v1"}, caught.paths
    check(caught.events(), name_of(page))
