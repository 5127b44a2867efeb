"""Shops' servers with published SDKs that sell for as long as a test wants, and what each SDK says of its events."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from tests.integration.collector.clients.published import command, environment, installed
from tests.integration.support.processes import Process

HERE = Path(__file__).parent
PATIENT = ("segment-python", "rudder-python", "segment-node", "rudder-node")
# Gives up after a second and a half, unless it is told to try more often.
IMPATIENT = "rudder-node-impatient"


class Sold(NamedTuple):
    """What an SDK called delivered, and what it gave up: `page-` or `track-`, and who it was."""

    delivered: frozenset[str]
    failed: frozenset[str]


class Shop(Process):
    """A server with an SDK. Its visitors come from the campaign `autumn`, from a source named as the shop."""

    def __init__(self, name: str, collector: str, key: str, folder: Path) -> None:
        script = HERE / ("shop.cjs" if "node" in name else "shop.py")
        env = {**environment(installed(), collector, key), "SHOP": name}
        super().__init__(command(script), folder / f"{name}.log", env)
        self.name = name

    def opened(self, timeout: float = 60) -> None:
        """Wait until it begins to sell."""
        deadline = time.monotonic() + timeout
        while "open" not in self.said():
            assert self.running, self.tail()
            assert time.monotonic() < deadline, self.tail()
            time.sleep(0.05)

    def close(self) -> None:
        """Let nobody in any more; what was sold is still told."""
        os.kill(self.pid, signal.SIGTERM)

    def sold(self, timeout: float) -> Sold:
        """What the SDK has to say, once it has ended."""
        assert self.wait(timeout) == 0, self.tail()
        told = json.loads(self.said().splitlines()[-1])
        return Sold(frozenset(told["delivered"]), frozenset(told["failed"]))
