"""Faust's application, with a web port that answers early and a stop that ends."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable

import faust
import structlog
from aiokafka.errors import OffsetOutOfRangeError
from faust.app.base import BootStrategy

from streams import config
from streams.sources.kafka import Consumer
from streams.telemetry.readiness import Crashes
from streams.telemetry.server import WebServer

LAST_RESORT = 20.0  # s
log = structlog.get_logger(__name__)


class _Boot(BootStrategy):  # type: ignore[misc]
    enable_web = False  # `faust worker` would open Faust's own web server, whatever the settings say


class Application(faust.App):  # type: ignore[misc]
    """Faust's app with a web port that answers while tables are still recovering, and a stop that ends."""

    BootStrategy = _Boot
    web_port_server: WebServer
    crashes: Crashes
    on_out_of_range: Callable[[OffsetOutOfRangeError], Awaitable[None]]

    async def on_start(self) -> None:
        """Open the web port first of all. Raises ConfigError where the environment has put in another transport."""
        if not isinstance(self.consumer, Consumer):
            raise config.ConfigError("a Faust variable sets the consumer's broker URL; unset it and set BROKER_URL")
        self.consumer.on_out_of_range = self.on_out_of_range
        await self.add_runtime_dependency(self.web_port_server)
        await super().on_start()

    async def on_stop(self) -> None:
        """Stop, at the latest after LAST_RESORT: a broker that is down must not hold the process."""
        last_resort = threading.Timer(LAST_RESORT, _give_up)
        last_resort.daemon = True
        last_resort.start()
        await super().on_stop()


class Program(faust.Worker):  # type: ignore[misc]
    """Faust's worker process, without the second that it waits before it closes its event loop."""

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)


def _give_up() -> None:
    """Every crash point is safe, this one too."""
    log.error("the broker does not let go; ending at once: the next start goes on from the journal")
    os._exit(1)
