"""A headless Chromium, driven over its own protocol: no driver to install, and nothing between it and a test."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from tests.conftest import CI

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
REBOUND = "rebound.example"  # a name that its owner lets point here
PATIENCE = 30.0  # s until something that must come has come
# Not a byte leaves the machine: no updates, no accounts, no look-ups of names.
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def program() -> str:
    """The browser's path. Skips the test where there is none, but not in CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        assert not CI, "CI has no Chromium: .ci/run installs it"
        pytest.skip("there is no Chromium here; install the package chromium to run this")
    return found


class Tab:
    """One page. `complaints` are errors, warnings and refused requests, as the browser's console has them."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._session = ""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.counts: dict[str, int] = defaultdict(int)

    async def call(self, method: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol, and its result."""
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": parameters, **session})
        return await asyncio.wait_for(future, PATIENCE)

    async def listen(self) -> None:
        """Take what the browser says, until it ends."""
        async for message in self._socket:
            told = json.loads(message.data)
            if future := self._waiting.pop(told.get("id", 0), None):
                if not future.done():
                    future.set_exception(AssertionError(told["error"])) if "error" in told else future.set_result(
                        told.get("result")
                    )
            else:
                self._hear(told.get("method", ""), told.get("params", {}))

    def _hear(self, method: str, told: dict[str, Any]) -> None:
        self.counts[method] += 1
        if method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(part.get("value")) for part in told["args"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    async def attach(self) -> None:
        """Open a page and listen to it."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        self._session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")

    async def size(self, width: int, height: int, *, scale: float = 1, mobile: bool = False) -> None:
        """The window, in CSS px."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )

    async def theme(self, name: str) -> None:
        """What the system prefers: light or dark."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def go(self, address: str) -> None:
        """Open an address."""
        await self.call("Page.navigate", url=address)

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression, a promise's included."""
        answer = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if details := answer.get("exceptionDetails"):
            raise AssertionError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(AssertionError):  # between two pages there is nothing to ask
                    if await self.run(f"Boolean({condition})"):
                        return
                await asyncio.sleep(0.02)

    async def press(self, key: str) -> None:
        """A key on the keyboard, by its name."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35}
        text = {"Enter": "\r"}.get(key)
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **more
            )

    async def picture(self, path: Path) -> None:
        """A screenshot of the window as a PNG."""
        shot = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    async def printed(self) -> bytes:
        """The page on paper, as a PDF."""
        answer = await self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def browser() -> AsyncIterator[Tab]:
    """A page of a browser that ends with the block."""
    with TemporaryDirectory(prefix="maalstrom-chromium-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program(),
            *_ARGUMENTS,
            f"--user-data-dir={profile}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with aiohttp.ClientSession() as session:
                socket = await session.ws_connect(await _address(process), max_msg_size=0)
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                await tab.attach()
                yield tab
                listening.cancel()
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while line := await process.stderr.readline():
            if found := re.search(rb"DevTools listening on (ws://\S+)", line):
                return found[1].decode()
    raise AssertionError("Chromium ended before it listened")
