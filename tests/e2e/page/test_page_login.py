"""Logging in and out of the page in a real browser."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from streams import config
from streams.page.access import gate
from streams.page.access.passwords import hashed
from tests.e2e.browser import Tab, browser
from tests.e2e.commands import TOKEN_KEY
from tests.e2e.pages import page

PASSWORD = "three words or more"
SHOWN = "document.querySelector('main section') && !viewer.hidden"


def _keeper(users: Path, role: str) -> gate.Keeper:
    """A page's keeper that lets in Anna, in that role."""
    users.write_text(f"anna:{hashed(PASSWORD, 10)}:{role}\n")
    return gate.keeper(config.Settings(token_key=TOKEN_KEY, page_users=users))


async def _log_in(tab: Tab, password: str) -> None:
    await tab.until("document.querySelector('#password') && document.readyState == 'complete'")
    filled = f"document.querySelector('#name').value = 'anna'; password.value = {json.dumps(password)}; 1"
    await tab.run(filled)
    await tab.run("password.focus()")
    await tab.press("Enter")


def test_a_leader_logs_in_sees_the_goals_alone_and_logs_out(migrated: str, tmp_path: Path) -> None:
    keeper = _keeper(tmp_path / "users", "leader")

    async def visit() -> None:
        async with browser() as tab, page(migrated, keeper) as address:
            await tab.go(f"{address}/d/maalstrom-goals?from=now-7d&to=now")
            await _log_in(tab, "a wrong guess")
            await tab.until("document.body.textContent.includes('Name or password is wrong')")
            await _log_in(tab, PASSWORD)
            await tab.until(SHOWN)
            assert await tab.run("location.pathname + location.search") == "/d/maalstrom-goals?from=now-7d&to=now"
            assert await tab.run("viewer.querySelector('span').textContent") == "anna"
            titles = await tab.run("[...document.querySelectorAll('#dashboards a')].map((a) => a.textContent)")
            assert "Goals" in titles
            assert "Pipeline" not in titles
            assert await tab.run("document.cookie") == "", "no script sees the session"
            figures = "fetch('/api/dashboards/maalstrom-pipeline').then((answer) => answer.status)"
            assert await tab.run(figures) == 403
            await tab.run("viewer.querySelector('button').click()")
            await tab.until("location.pathname == '/login'")
            assert await tab.run("fetch('/api/dashboards').then((answer) => answer.status)") == 401
            assert [each for each in tab.complaints if "Content Security" in each] == []
            await tab.picture(tmp_path / "login.png")

    asyncio.run(visit())


def test_a_page_that_is_open_when_the_session_ends_asks_to_log_in(migrated: str, tmp_path: Path) -> None:
    users = tmp_path / "users"
    keeper = _keeper(users, "operator")

    async def visit() -> None:
        async with browser() as tab, page(migrated, keeper) as address:
            await tab.go(f"{address}/")
            await _log_in(tab, PASSWORD)
            await tab.until(SHOWN)
            users.write_text("")
            await tab.run("document.querySelector('#dashboards a:nth-child(2)').click()")
            await tab.until("location.pathname == '/login'")

    asyncio.run(visit())
