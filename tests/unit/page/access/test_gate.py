"""The gate before the page, asked over real connections: who gets which path, and what guessing costs."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from streams import config
from streams.page.access import gate
from streams.page.access.attempts import BY_PAIR
from streams.page.access.passwords import hashed
from streams.page.access.viewers import sight
from streams.telemetry.server import WebServer, listen
from streams.telemetry.web_guard import AllowedHosts

PASSWORD = "three words or more"
COST = 10
LINES = {name: f"{name}:{hashed(PASSWORD, COST)}:{role}" for name, role in (("anna", "leader"), ("ola", "operator"))}
KEY = {"token_key": "a secret of the tests"}
FREE = ("/metrics", "/health", "/ready", "/static/page.css")
GUARDED = ("/", "/d/maalstrom-goals", "/api/dashboards", "/api/dashboards/maalstrom-goals", "/api/viewer")


class _Page:
    """A page whose dashboards say their names."""

    def routes(self) -> list[web.RouteDef]:
        """As the real one's."""
        paths = ("/", "/d/{uid}", "/static/{name:.+}", "/api/dashboards/{uid}")
        return [web.get("/api/dashboards", self._list), *(web.get(path, self._answer) for path in paths)]

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async def _list(self, request: web.Request) -> web.Response:
        seen = filter(sight(request), ("maalstrom-overview", "maalstrom-goals", "maalstrom-pipeline"))
        return web.json_response([*seen])

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass
class Visit:
    """A browser's visit."""

    session: aiohttp.ClientSession
    base: str
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text, or where it leads."""
        options: dict[str, Any] = {"headers": self.headers | headers, "allow_redirects": False}
        async with self.session.get(self.base + path, **options) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def log_in(self, name: str, password: str, to: str = "/", **changed: str) -> aiohttp.ClientResponse:
        """Open the form, fill it in, send it."""
        async with self.session.get(f"{self.base}/login", params={"to": to}, headers=self.headers) as form:
            (token,) = re.findall(r'name="form" value="([^"]+)"', await form.text())
        data = {"form": token, "name": name, "password": password} | changed
        path = f"{self.base}/login"
        return await self.session.post(path, params={"to": to}, data=data, headers=self.headers, allow_redirects=False)


@asynccontextmanager
async def visiting(bind: str = "127.0.0.1", **settings: Any) -> AsyncIterator[Visit]:
    """A server with those settings, and a browser."""
    chosen = config.Settings.model_validate({"WEB_BIND": bind} | KEY | settings)
    listening = listen("127.0.0.1", 0)
    keeper = gate.keeper(chosen)
    page = gate.Gate(_Page(), keeper)
    hosts = AllowedHosts(bind, ["shop.example"])
    server = WebServer(listening, CollectorRegistry(), list, lambda: None, page, hosts)
    await server.on_start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            yield Visit(session, f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        await server.on_stop()


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text("\n".join(LINES.values()))
    return path


def test_on_loopback_whoever_is_here_sees_all() -> None:
    async def visit() -> None:
        async with visiting() as here:
            assert [(await here.get(path))[0] for path in (*FREE, *GUARDED)] == [200] * 9
            assert (await here.get("/login"))[0] == 404

    asyncio.run(visit())


def test_elsewhere_the_page_is_closed_until_it_is_said_who_may_look_and_metrics_are_not() -> None:
    async def visit() -> None:
        async with visiting("0.0.0.0") as here:
            assert [(await here.get(path))[0] for path in FREE] == [200] * 4
            answers = [await here.get(path) for path in GUARDED]
            assert {status for status, _ in answers} == {403}
            assert "Set MAALSTROM_PAGE_USERS" in answers[0][1]

    asyncio.run(visit())


def test_a_user_logs_in_sees_what_is_theirs_and_logs_out(users: Path) -> None:
    async def visit() -> None:
        async with visiting("0.0.0.0", page_users=users) as here:
            assert await here.get("/d/maalstrom-goals?from=now-1d&to=now") == (
                303,
                "/login?to=/d/maalstrom-goals?from%3Dnow-1d%26to%3Dnow",
            )
            assert (await here.get("/api/dashboards"))[0] == 401
            answer = await here.log_in("anna", PASSWORD, "/d/maalstrom-goals?from=now-1d")
            assert (answer.status, answer.headers["Location"]) == (303, "/d/maalstrom-goals?from=now-1d")
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Secure" not in cookie
            assert await here.get("/api/dashboards") == (200, '["maalstrom-overview", "maalstrom-goals"]')
            assert (await here.get("/d/maalstrom-pipeline"))[0] == 403
            assert (await here.get("/api/dashboards/maalstrom-pipeline"))[0] == 403
            assert "leader" in (await here.get("/api/viewer"))[1]
            before = here.session.cookie_jar.filter_cookies(here.session._build_url(here.base))["session"].value
            await here.session.post(f"{here.base}/logout", allow_redirects=False)
            assert (await here.get("/api/dashboards"))[0] == 401
            assert (await here.get("/api/dashboards", Cookie=f"session={before}"))[0] == 401
            await here.log_in("ola", PASSWORD)
            assert "pipeline" in (await here.get("/api/dashboards"))[1]
            users.write_text(LINES["anna"])
            assert (await here.get("/api/dashboards"))[0] == 401

    asyncio.run(visit())


def test_what_is_wrong_is_told_in_one_way_and_guessing_ends(users: Path) -> None:
    async def visit() -> None:
        async with visiting(page_users=users) as here:
            wrong, unknown = await here.log_in("anna", "guess"), await here.log_in("nobody", "guess")
            texts = [re.sub(r'value="\w+"', "", await answer.text()) for answer in (wrong, unknown)]
            assert (wrong.status, unknown.status) == (401, 401)
            assert texts[0] == texts[1]
            assert "Set-Cookie" not in wrong.headers or "session=" not in wrong.headers["Set-Cookie"]
            for _ in range(BY_PAIR - 1):
                assert (await here.log_in("anna", "guess")).status == 401
            refused = await here.log_in("anna", PASSWORD)
            assert (refused.status, int(refused.headers["Retry-After"]) > 60) == (429, True)
            assert (await here.log_in("ola", PASSWORD)).status == 303

    asyncio.run(visit())


def test_many_guesses_at_once_are_many(users: Path) -> None:
    async def visit() -> None:
        async with visiting(page_users=users) as here:
            await here.log_in("nobody", "guess")
            answers = await asyncio.gather(*(here.log_in("anna", "guess") for _ in range(3 * BY_PAIR)))
            assert sum(answer.status == 401 for answer in answers) <= BY_PAIR

    asyncio.run(visit())


def test_forms_of_others_are_refused(users: Path) -> None:
    async def visit() -> None:
        async with visiting(page_users=users) as here:
            assert (await here.log_in("anna", PASSWORD, form="0" * 64)).status == 403
            no_cookie = await here.session.post(f"{here.base}/login", data={"name": "anna", "password": PASSWORD})
            assert no_cookie.status == 403
            for site in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
                for path in ("/login", "/logout"):
                    strange = await here.session.post(here.base + path, data={"name": "anna"}, headers=site)
                    assert strange.status == 403, (site, path)
            big = await here.session.post(f"{here.base}/login", data={"name": "a" * 5000})
            assert big.status == 413
            assert (await here.session.post(f"{here.base}/login", json={"name": "anna"})).status == 415
            for kind in ("charset=utf-7777", "charset=utf-8"):
                form = {"Content-Type": f"application/x-www-form-urlencoded; {kind}"}
                garbage = await here.session.post(f"{here.base}/login", data=b"name=\xff", headers=form)
                assert (garbage.status, await garbage.text()) == (400, "the form cannot be read\n")

    asyncio.run(visit())


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "x", "//[", "http://["]
)
def test_after_a_log_in_nobody_is_led_elsewhere(users: Path, to: str) -> None:
    async def visit() -> None:
        async with visiting(page_users=users) as here:
            answer = await here.log_in("anna", PASSWORD, to)
            assert (answer.status, answer.headers["Location"]) == (303, "/")

    asyncio.run(visit())


def test_passwords_cross_no_network_in_plain_text(users: Path) -> None:
    async def visit() -> None:
        async with visiting("0.0.0.0", page_users=users, page_url="https://shop.example") as here:
            here.headers["Host"] = "worker"
            assert (await here.log_in("anna", PASSWORD)).status == 403
            here.headers["Host"] = "shop.example"
            async with here.session.get(f"{here.base}/login", headers=here.headers) as form:
                (cookie,) = form.headers.getall("Set-Cookie")
                assert cookie.startswith("__Host-form=")
                assert "Secure" in cookie
                (token,) = re.findall(r'name="form" value="([^"]+)"', await form.text())
            # No cookie jar keeps what is Secure and came over http: it is sent by hand.
            sent = {"Host": "shop.example", "Cookie": cookie.split(";")[0]}
            data = {"form": token, "name": "anna", "password": PASSWORD}
            answer = await here.session.post(f"{here.base}/login", data=data, headers=sent, allow_redirects=False)
            assert answer.status == 303
            session = next(each for each in answer.headers.getall("Set-Cookie") if each.startswith("__Host-session="))
            assert "Secure" in session
            assert "Path=/" in session
            assert "Domain" not in session

    asyncio.run(visit())


def test_a_name_that_there_is_takes_as_long_as_one_that_there_is_not(users: Path) -> None:
    """Medians of several. Without a hash for a name that there is not the ratio is some ten."""

    async def spent(here: Visit, name: str) -> float:
        begun = time.perf_counter()
        assert (await here.log_in(name, "guess")).status in (401, 429)
        return time.perf_counter() - begun

    async def visit() -> float:
        async with visiting(page_users=users) as here:
            await spent(here, "warm")
            known = [await spent(here, "anna") for _ in range(BY_PAIR)]
            return statistics.median(known) / statistics.median([await spent(here, "nobody") for _ in range(BY_PAIR)])

    assert 1 / 3 < asyncio.run(visit()) < 3


def test_whom_the_proxy_names_is_believed_of_the_proxy_alone() -> None:
    async def visit() -> None:
        async with visiting("0.0.0.0", page_proxy="127.0.0.0/8, 2001:db8::1", page_operators="ola") as here:
            assert (await here.get("/"))[0] == 401
            assert await here.get("/api/dashboards", **{"X-Forwarded-User": "anna"}) == (
                200,
                '["maalstrom-overview", "maalstrom-goals"]',
            )
            assert "pipeline" in (await here.get("/api/dashboards", **{"X-Forwarded-User": "ola"}))[1]
            assert (await here.get("/", **{"X-Forwarded-User": "a\tb"}))[0] == 401
        async with visiting("0.0.0.0", page_proxy="192.0.2.1") as here:
            assert (await here.get("/", **{"X-Forwarded-User": "ola"}))[0] == 403
            assert (await here.get("/metrics"))[0] == 200

    asyncio.run(visit())


def test_behind_a_proxy_that_only_does_tls_limits_are_of_whom_it_names(users: Path) -> None:
    async def visit() -> None:
        async with visiting(page_users=users, page_proxy="127.0.0.1") as here:
            here.headers["X-Forwarded-For"] = "203.0.113.9, 198.51.100.1"
            for _ in range(BY_PAIR):
                assert (await here.log_in("anna", "guess")).status == 401
            assert (await here.log_in("anna", PASSWORD)).status == 429
            here.headers["X-Forwarded-For"] = "203.0.113.9, 198.51.100.2"
            assert (await here.log_in("anna", PASSWORD)).status == 303

    asyncio.run(visit())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"page_users": Path("/nowhere/users")}, "MAALSTROM_PAGE_USERS: cannot read /nowhere/users"),
        ({"page_proxy": "proxy.example"}, "MAALSTROM_PAGE_PROXY: .* write addresses or networks"),
    ],
)
def test_what_cannot_be_is_refused_at_start(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(config.ConfigError, match=said):
        gate.keeper(config.Settings.model_validate(KEY | settings))
