"""A log-out at one process that shows the page holds at the others of its database."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from streams import config
from streams.page.access import gate
from streams.page.access.login import Login
from streams.page.access.passwords import hashed
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import TOKEN_KEY

PATIENCE = 60  # s


def test_a_log_out_holds_at_other_workers(clickhouse_server: str, tmp_path: Path) -> None:
    dsn = f"{clickhouse_server}/page_ends"
    with connect(dsn) as client:
        migrations.apply(client)
    users = tmp_path / "users"
    users.write_text(f"anna:{hashed('three words or more', 10)}:leader\n")
    asyncio.run(_log_out(users, dsn))


def _keeper(users: Path, dsn: str) -> Login:
    made = gate.keeper(config.Settings(token_key=TOKEN_KEY, page_users=users), dsn)
    assert isinstance(made, Login)
    return made


def _sees(keeper: Login, cookie: str) -> bool:
    try:
        keeper.viewer(make_mocked_request("GET", "/api/dashboards", headers={"Cookie": f"session={cookie}"}))
    except web.HTTPUnauthorized:
        return False
    return True


async def _log_out(users: Path, dsn: str) -> None:
    one, other = _keeper(users, dsn), _keeper(users, dsn)
    await one.start()
    await other.start()
    anna = one.users.users()["anna"]
    ended, lasting = (one.sessions.begin(anna, time.time()) for _ in range(2))
    assert _sees(other, ended)
    site = web.Application()
    site.add_routes(one.routes())
    async with TestClient(TestServer(site), cookies={"session": ended}) as client:
        assert (await client.post("/logout", allow_redirects=False)).status == 303
    assert not _sees(one, ended)
    deadline = time.monotonic() + PATIENCE
    while _sees(other, ended):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert _sees(other, lasting)
    third = _keeper(users, dsn)
    await third.start()
    while _sees(third, ended):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    for each in (one, other, third):
        await each.stop()
