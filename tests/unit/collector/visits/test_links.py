"""`GET /go/<code>`, asked over HTTP: leads to its address alone, counts people, and keeps an id only where it may."""

from __future__ import annotations

import asyncio
import json
import re
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from streams.collector.recorder import Outgoing
from streams.collector.visits.links import LinkPages
from streams.core.catalogue.model import ShortLink
from streams.core.door.canonical import Touch, Words
from streams.core.door.context import Reading
from streams.core.door.reader import NO_HEADERS, read

TO = "https://shop.example/autumn?a=b#c"
WITH_UTM = "https://shop.example/autumn?a=b&utm_campaign=autumn&utm_source=poster&utm_medium=scan#c"
LINKS = [ShortLink("poster", TO, "autumn", "poster", "scan"), ShortLink("paper", TO, "autumn", "newspaper", "visit")]
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"
ID = "0e3f7a52-6c1d-4b8e-9a70-5d2c4f1b8e63"
NOW = 1_793_606_400_007
COOKIE = f"ajs_anonymous_id={ID}"


class Answer(NamedTuple):
    """What came back: the status, where it leads, the cookie that is set, and what was counted."""

    status: int
    location: str | None
    cookie: str
    counted: list[Outgoing]
    cache: str | None


def ask(
    path: str = "/go/poster", method: str = "GET", cookie: bool = False, domain: str = "shop.example", **headers: str
) -> Answer:
    """Ask a collector's links over HTTP, as they are sent."""
    counted: list[Outgoing] = []

    async def asked() -> Answer:
        site = web.Application()
        pages = LinkPages(LINKS, counted.append, domain if cookie else None, lambda: NOW)
        site.add_routes([web.get("/go/{code}", pages.go)])
        async with TestServer(site) as server, ClientSession() as session:
            url = URL(f"http://{server.host}:{server.port}{path}", encoded=True)
            sent = {"User-Agent": PHONE, **{name.replace("_", "-"): value for name, value in headers.items()}}
            async with session.request(method, url, headers=sent, allow_redirects=False) as got:
                found = got.headers
                set_ = found.get("Set-Cookie", "")
                return Answer(got.status, found.get("Location"), set_, counted, found.get("Cache-Control"))

    return asyncio.run(asked())


def touch(call: Outgoing) -> Touch:
    """What the worker takes a call for."""
    (item,) = read(call.value, NO_HEADERS, Reading(counted={}))
    (event,) = item.events
    assert isinstance(event, Touch)
    assert call.key == event.message.routing_key.encode()
    return event


@pytest.mark.parametrize(("code", "action", "network"), [("poster", "scan", "poster"), ("paper", "visit", "newspaper")])
def test_who_follows_a_link_is_sent_on_and_counted(code: str, action: str, network: str) -> None:
    answer = ask(f"/go/{code}")
    assert (answer.status, answer.cache, answer.cookie) == (302, "no-store", "")
    assert answer.location == WITH_UTM.replace("poster", network).replace("scan", action)
    (found,) = map(touch, answer.counted)
    assert (found.action, found.words) == (action, Words("autumn", network=network))
    assert found.message.token == ""
    assert (found.message.own_id, found.message.time) == (True, NOW)


@pytest.mark.parametrize(
    "path",
    [
        "/go/nobody", "/go/POSTER", "/go/", "/go", "/go/poster/", "/go/poster/..//evil.example", "/go//evil.example",
        "/go/https://evil.example", "/go/%2F%2Fevil.example", "/go/poster%2F..%2F..%2F%2Fevil.example",
        "/go/%0d%0aLocation:%20https://evil.example", "/go/poster%00", "/go/poster%20", "/go/\\\\evil.example",
        "//evil.example/go/poster", "/go/@evil.example", "/go/..", "/go/poster;https://evil.example",
    ],
)  # fmt: skip
def test_what_is_no_link_leads_nowhere(path: str) -> None:
    answer = ask(path)
    assert (answer.status, answer.location, answer.cookie, answer.counted) == (404, None, "", [])


@pytest.mark.parametrize(
    "path",
    [
        "/go/poster?to=https://evil.example", "/go/poster?url=//evil.example&next=https://evil.example",
        "/go/poster?https://evil.example", "/go/poster#@evil.example", "/go/%70oster?utm_campaign=evil",
        "/go/../go/poster", "/./go/poster",
    ],
)  # fmt: skip
def test_whatever_is_asked_beside_the_code_a_link_leads_to_its_own_address(path: str) -> None:
    assert ask(path, Host="evil.example", X_Forwarded_Host="evil.example").location in (WITH_UTM, None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Purpose": "prefetch"}, {"Sec_Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"},
        {"X_Moz": "prefetch"}, {"X_Purpose": "preview"}, {"Purpose": "Preview"},
        {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User_Agent": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
        {"User_Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"User_Agent": "WhatsApp/2.23.18.79 A"}, {"User_Agent": "Twitterbot/1.0"},
        {"User_Agent": "TelegramBot (like TwitterBot)"}, {"User_Agent": "bingbot/2.0"}, {"User_Agent": "curl/8.5.0"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("cookie", [False, True])
def test_programs_and_what_is_fetched_ahead_are_sent_on_and_not_counted(headers: dict[str, str], cookie: bool) -> None:
    answer = ask(cookie=cookie, **headers)
    assert (answer.status, answer.location) == (302, TO if cookie else WITH_UTM)
    assert (answer.cookie, answer.counted) == ("", [])


def test_who_only_asks_for_the_head_is_not_counted() -> None:
    assert ask(method="HEAD", cookie=True) == (302, TO, "", [], "no-store")


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 [FBAN/FBIOS;FBAV/437.0]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) Mobile/20D47 [Pinterest/iOS]",
        "",
    ],
)
def test_people_in_apps_and_on_any_telephone_are_counted(agent: str) -> None:
    assert len(ask(User_Agent=agent).counted) == 1


def test_an_id_is_kept_where_the_sources_say_so_and_the_address_stays_bare() -> None:
    answer = ask(cookie=True)
    assert (answer.status, answer.location, answer.cache) == (302, TO, "no-store")
    (found,) = map(touch, answer.counted)
    name, _, rest = answer.cookie.partition("=")
    value, *attributes = rest.split("; ")
    assert (name, value) == ("ajs_anonymous_id", found.message.anonymous_id)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", value)
    assert {*attributes} == {"Domain=shop.example", "Path=/", "Secure", "SameSite=Lax", "Max-Age=31536000"}


@pytest.mark.parametrize("cookie", [COOKIE, f"a=b; ajs_anonymous_id=%22{ID}%22", f'ajs_anonymous_id="{ID}"'])
def test_who_is_known_already_is_the_same(cookie: str) -> None:
    answer = ask(cookie=True, Cookie=cookie)
    assert touch(answer.counted[0]).message.anonymous_id == ID
    assert answer.cookie.startswith(f"ajs_anonymous_id={ID};")


@pytest.mark.parametrize(
    "cookie", ["x", ID[:-1], f"{ID}0", "00000000-0000-0000-0000-000000000000", "", "ida@shop.example", f"{ID}\u0661"]
)
def test_an_id_that_is_no_uuid_is_ignored(cookie: str) -> None:
    found = touch(ask(cookie=True, Cookie=f"ajs_anonymous_id={cookie}").counted[0]).message.anonymous_id
    assert len(found) == 36
    assert found not in (cookie, ID)


def test_who_refuses_to_be_known_is_counted_and_stays_nobody() -> None:
    answer = ask(cookie=True, Sec_GPC="1", Cookie=COOKIE)
    assert (answer.location, answer.cookie) == (WITH_UTM, "")
    assert touch(answer.counted[0]).message.token == ""


def test_without_leave_an_id_is_neither_kept_nor_read() -> None:
    answer = ask(Cookie=COOKIE)
    assert answer.cookie == ""
    assert touch(answer.counted[0]).message.token == ""


def test_a_cookie_without_a_domain_is_of_the_host_that_was_asked() -> None:
    assert "Domain" not in ask(cookie=True, domain="").cookie


def test_nothing_of_who_asked_is_kept() -> None:
    (call,) = ask(Referer="https://secret.example/", X_Forwarded_For="192.0.2.1").counted
    told = json.loads(call.value)
    assert told.keys() == {"type", "event", "messageId", "timestamp", "receivedAt", "context", "properties"}
    assert told["context"] == {"campaign": {"id": "autumn"}}
    assert told["properties"] == {"action": "scan", "network": "poster", "link": "poster"}


def test_every_scan_is_one() -> None:
    assert len({touch(ask().counted[0]).message.message_id for _ in range(3)}) == 3
