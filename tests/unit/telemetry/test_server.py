"""The web port: what it answers, and what is said where it cannot be had."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from streams.telemetry.server import WebServer, listen
from streams.telemetry.web_guard import AllowedHosts
from tests.e2e.commands import TOKEN_KEY, maalstrom


class _Page:
    """A page that says whether it was started."""

    text = "not started"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/for-people", self._answer)]

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(text=self.text)

    async def start(self) -> None:
        self.text = "started"

    async def stop(self) -> None:
        self.text = "stopped"


async def _answers(server: WebServer, address: str) -> dict[str, tuple[int, str]]:
    await server.on_start()
    try:
        async with aiohttp.ClientSession() as session:
            paths = ("/metrics", "/metrics?name[]=other", "/health", "/ready", "/for-people")
            answers = [await session.get(f"http://{address}{path}") for path in paths]
            return {path: (a.status, await a.text()) for path, a in zip(paths, answers, strict=True)}
    finally:
        await server.on_stop()


@pytest.mark.parametrize(
    ("problems", "ready"),
    [
        ([], (200, "ready\n")),
        (["clickhouse: no answer", "ledgers: lost"], (503, "not ready\nclickhouse: no answer\nledgers: lost\n")),
    ],
)
def test_metrics_are_measured_when_they_are_asked_for(problems: list[str], ready: tuple[int, str]) -> None:
    registry = CollectorRegistry()
    asked, _ = (Gauge(name, "Times.", registry=registry) for name in ("asked", "other"))
    listening = listen("127.0.0.1", 0)
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    page = _Page()
    answers = asyncio.run(
        _answers(WebServer(listening, registry, lambda: problems, asked.inc, page, AllowedHosts("127.0.0.1")), address)
    )
    assert "asked 1.0" in answers["/metrics"][1]
    assert "asked" not in answers["/metrics?name[]=other"][1]
    assert "other 0.0" in answers["/metrics?name[]=other"][1]
    assert answers["/health"] == (200, "alive\n")
    assert answers["/ready"] == ready
    assert (answers["/for-people"], page.text) == ((200, "started"), "stopped")


@pytest.mark.parametrize(("host", "why"), [("192.0.2.1", "cannot assign requested address"), ("no host", "not known")])
def test_an_address_that_is_not_ours_is_named(host: str, why: str) -> None:
    with pytest.raises(OSError, match=f"^cannot listen on {host}:20001: .*{why}; set WEB_PORT "):
        listen(host, 20001)


def test_a_taken_port_ends_the_worker_with_one_line(tmp_path: Path) -> None:
    goal = '[[goal]]\nid = "g"\nname = "G"\nevent = "E"\nunit = "u"\nvalue = 1\n'
    (tmp_path / "catalogue.toml").write_text(f'base_currency = "NOK"\n{goal}')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = maalstrom("worker", cwd=tmp_path, env={"MAALSTROM_TOKEN_KEY": TOKEN_KEY, "WEB_PORT": port})
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"Error: cannot listen on 127.0.0.1:{port}: address already in use; "
        "set WEB_PORT to a free port, WEB_BIND to an address of this machine\n"
    )
