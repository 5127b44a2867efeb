"""Who may ask the web port, by real requests to a real server."""

import asyncio
import socket

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from streams.config import Settings
from streams.telemetry.server import WebServer, listen
from streams.telemetry.web_guard import AllowedHosts, hosts_of

PATHS = ("/metrics", "/health", "/ready", "/", "/d/x", "/api/dashboards", "/static/main.js", "/nowhere")
CROSS = {"Sec-Fetch-Site": "cross-site"}
LINK = {**CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class _Page:
    """What is shown to people, as far as it matters here."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get(path, self._answer) for path in PATHS[3:7]]

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(text="figures")

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def _status(port: int, path: str, lines: list[str]) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([f"GET {path} HTTP/1.{int(bool(lines))}", *lines, "Connection: close", "", ""]).encode())
    answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split()[1]), answer


def answers(bind: str, requests: list[tuple[str, list[str]]], named: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    """The status and text for each path with those lines of headers; without any, of HTTP/1.0."""

    async def whole() -> list[tuple[int, str]]:
        listening = listen("127.0.0.1", 0)
        server = WebServer(listening, CollectorRegistry(), list, lambda: None, _Page(), AllowedHosts(bind, named))
        await server.on_start()
        try:
            return [await _status(listening.getsockname()[1], *request) for request in requests]
        finally:
            await server.on_stop()

    return asyncio.run(whole())


def statuses(bind: str, headers: dict[str, str], path: str = "/metrics", named: tuple[str, ...] = ()) -> int:
    return answers(bind, [(path, [f"{name}: {value}" for name, value in headers.items()])], named)[0][0]


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:6066"])
def test_a_name_that_a_site_lets_point_here_is_refused_on_every_path(bind: str, host: str) -> None:
    found = answers(bind, [(path, [f"Host: {host}"]) for path in PATHS])
    assert [status for status, _ in found] == [403] * len(PATHS)
    assert "MAALSTROM_WEB_HOSTS" in found[0][1]


@pytest.mark.parametrize("host", ["[", "]", "[::1", "a b", "a/b", "::1", "", "127.0.0.1:x", "ex\u00e4mple"])
@pytest.mark.parametrize("path", ["/metrics", "/d/x", "/nowhere"])
def test_a_host_that_is_none_is_a_bad_request(host: str, path: str) -> None:
    (status, _), (twice, _) = answers(
        "127.0.0.1", [(path, [f"Host: {host}"]), (path, ["Host: localhost", "Host: localhost"])]
    )
    assert (status, twice) == (400, 400)


@pytest.mark.parametrize("host", ["[::::]", "[1.2.3.4]", "[f:]:6066"])
def test_brackets_hold_an_address(host: str) -> None:
    assert statuses("0.0.0.0", {"Host": host}, "/ready") == 400


@pytest.mark.parametrize("host", ["127.0.0.1:6066", "localhost", "LOCALHOST.", "[::1]:6066", "127.1.2.3:80"])
def test_names_of_this_machine_are_taken(host: str) -> None:
    found = answers("127.0.0.1", [(path, [f"Host: {host}"]) for path in PATHS])
    assert [status for status, _ in found] == [200] * (len(PATHS) - 1) + [404]
    assert all("nosniff" in text for _, text in found[:-1])


def test_on_a_loopback_address_nothing_else_is() -> None:
    assert statuses("127.0.0.1", {"Host": "10.0.0.7:6066"}) == 403
    assert statuses("::1", {"Host": "worker:6066"}) == 403


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.7:6066",
        "[fd00::7]:6066",
        "worker:6066",
        "maalstrom.shop.svc:6066",
        "w.shop.svc.cluster.local",
        "localhost",
    ],
)
def test_elsewhere_probes_and_prometheus_get_through(host: str) -> None:
    assert statuses("0.0.0.0", {"Host": host}) == 200
    assert statuses("::", {"Host": host}, "/ready") == 200


def test_names_may_be_given() -> None:
    named = ("Figures.shop.example",)
    assert statuses("0.0.0.0", {"Host": "figures.shop.example:443"}, named=named) == 200
    assert statuses("127.0.0.1", {"Host": "figures.shop.example"}, named=named) == 200
    assert statuses("maalstrom.lan", {"Host": "maalstrom.lan:6066"}) == 200
    assert statuses("0.0.0.0", {"Host": f"{socket.gethostname()}:6066"}) == 200


def test_a_check_of_http_1_0_without_a_host_is_answered() -> None:
    assert answers("127.0.0.1", [("/health", [])])[0][0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        CROSS,
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://localhost:3000"},
        {**CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_another_site_gets_nothing_on_any_path(headers: dict[str, str]) -> None:
    lines = ["Host: localhost:6066", *(f"{name}: {value}" for name, value in headers.items())]
    assert [status for status, _ in answers("127.0.0.1", [(path, lines) for path in PATHS])] == [403] * len(PATHS)


def test_a_link_opens_a_page_and_no_figures() -> None:
    headers = {"Host": "localhost:6066", **LINK}
    assert [statuses("127.0.0.1", headers, path) for path in ("/", "/d/x", "/metrics", "/api/dashboards")] == [
        *(200, 200),
        *(403, 403),
    ]


def test_the_page_itself_gets_all() -> None:
    headers = {"Host": "localhost:6066", "Origin": "http://localhost:6066", "Sec-Fetch-Site": "same-origin"}
    assert {statuses("127.0.0.1", headers, path) for path in PATHS[:-1]} == {200}


def test_settings_name_the_hosts_by_which_the_page_is_opened() -> None:
    hosts = hosts_of(
        Settings(web_hosts="one.example, two.example three.example", page_url="https://figures.example:8443/")
    )
    asked = ("one.example", "two.example", "three.example", "figures.example", "localhost")
    assert all(hosts.admit(name) for name in asked)
    assert not any(hosts_of(Settings()).admit(name) for name in asked[:-1])
