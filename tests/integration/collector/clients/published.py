"""SDKs that other people publish, as they are: installed once into a cache outside the tree, run as they are meant.

What they are told to do is the same for all: a visit from a campaign on Facebook, a log-in, a product, an order.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.conftest import CI
from tests.e2e.browser import PATIENCE, Tab
from tests.integration.collector.clients.story import CAMPAIGN

SDKS = Path(__file__).parent / "sdks"
SERVERS = ("segment_node.cjs", "rudder_node.cjs", "segment_python.py", "rudder_python.py")
BROWSERS = ("segment_browser.html", "rudder_browser.html")
_LISTS = (SDKS / "package.json", SDKS / "requirements.txt")
ONLINE = "Object.defineProperty(Navigator.prototype, 'onLine', { get: () => true })"
_MINUTES = 300  # s, for both registries
_NPM = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev")
_PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")


def name_of(script: str) -> str:
    """What an SDK calls itself in its ids: `segment-node` of `segment_node.cjs`."""
    return Path(script).stem.replace("_", "-")


def installed() -> Path:
    """The folder with the SDKs: `node_modules` and `python`. Skips the test where neither a cache nor a registry has
    them, but not in CI."""
    marks = hashlib.sha256(b"".join(path.read_bytes() for path in _LISTS)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maalstrom-tests"
    folder = cache / f"sdks-{marks}-python{sys.version_info.major}.{sys.version_info.minor}"
    with _alone(cache):
        if not (folder / "done").exists():
            _install(folder)
    return folder


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One process at a time installs; the others wait for it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(SDKS / "package.json", folder)
    try:
        for command in (_NPM, (*_PIP, "--target", "python", "-r", str(SDKS / "requirements.txt"))):
            subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_MINUTES)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()[-300:]
        assert not CI, f"the published SDKs could not be installed: {said}"
        pytest.skip(f"no registry here has the published SDKs, and no cache either: {said}")
    (folder / "done").touch()


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[str]:
    """The address of a shop whose pages have the SDKs."""
    site = web.Application()
    site.add_routes([web.static("/node_modules", folder / "node_modules"), web.static("/", SDKS)])
    async with TestServer(site) as server:
        yield str(server.make_url("")).rstrip("/")


def command(script: Path) -> list[str]:
    """What runs a shop's server."""
    program = ["node"] if script.suffix == ".cjs" else [sys.executable, "-W", "ignore"]
    return [*program, str(script)]


def environment(folder: Path, collector: str, key: str) -> dict[str, str]:
    """What a shop's server finds in its environment."""
    return {
        **os.environ, "COLLECTOR": collector, "WRITE_KEY": key, "CAMPAIGN": CAMPAIGN,
        "NODE_PATH": str(folder / "node_modules"), "PYTHONPATH": str(folder / "python"),
    }  # fmt: skip


async def run(folder: Path, script: str, collector: str, key: str) -> None:
    """Run a shop's server with its SDK, to its end."""
    process = await asyncio.create_subprocess_exec(
        *command(SDKS / script), env=environment(folder, collector, key),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode()


async def browse(tab: Tab, page: str, shop: str, collector: str, key: str) -> None:
    """Open a shop's page with its SDK, as who comes from Facebook does."""
    # A machine that has only itself is "offline" to a browser, and an SDK would wait.
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source=ONLINE)
    utm = "utm_campaign=H%C3%B8st+2026&utm_source=facebook&utm_medium=social"
    await tab.go(f"{shop}/{page}?{utm}#collector={collector}&key={key}")
    await tab.until("window.told")
