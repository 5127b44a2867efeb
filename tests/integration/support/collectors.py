"""Collectors under test: a `maalstrom collect` of its own process, asked over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.integration.support.processes import Worker


class CollectorProcess(Worker):
    """A `maalstrom collect` and its port."""

    def __init__(self, log: Path, port: int, env: Mapping[str, str]) -> None:
        super().__init__(log, port, {**env, "COLLECT_PORT": str(port)})
        self.command = [sys.executable, "-m", "streams", "collect"]

    def wait_alive(self, timeout: float = 60) -> None:
        """Wait until it answers."""
        self.until(lambda: self.get("/health")[0] == 200, timeout)
