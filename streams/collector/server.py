"""The collector as a process: it listens until it is told to stop, and answers first what it has begun."""

import asyncio
import logging
import logging.config
import signal
import socket

import structlog
import uvloop
from aiohttp import web

from streams import config
from streams.collector import files
from streams.collector.application import application
from streams.collector.collector import Collector, configured
from streams.collector.files.reload import reload
from streams.collector.recorder import PATIENCE
from streams.collector.settings import CollectorSettings
from streams.telemetry import logs
from streams.telemetry.server import listen

SILENCE = 20.0  # s until a connection is closed that asks nothing, or does not come to the end of its headers
_BUFFER = 32 << 10  # bytes of a body that are read ahead
_LINGER = 2.0  # s for the rest of a body that is refused, so that its sender hears why
_silent = logging.getLogger("streams.collector.aiohttp")  # it would say who asked
_silent.propagate = False
_silent.addHandler(logging.NullHandler())
log = structlog.get_logger(__name__)


def run() -> None:
    """Run the configured collector until SIGINT or SIGTERM. Raises ConfigError, OSError."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until somebody listens: it would end the process
    chosen = config.read(CollectorSettings)
    logging.config.dictConfig(logs.CONFIG)
    for line in config.unknown_variables():
        log.warning(line)
    listening = listen(chosen.collect_bind, chosen.collect_port, "COLLECT")
    uvloop.run(serve(chosen, listening))


async def serve(chosen: CollectorSettings, listening: socket.socket) -> None:
    """Answer on that socket until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    collector = configured(chosen)
    runner = await started(collector, listening)
    again = asyncio.create_task(reload(collector, lambda before: files.read(config.read(CollectorSettings), before)))
    log.info("the collector answers", bind=chosen.collect_bind, port=chosen.collect_port, topic=chosen.collect_topic)
    await stopped.wait()
    again.cancel()
    await runner.cleanup()


async def started(collector: Collector, listening: socket.socket) -> web.AppRunner:
    """What answers on that socket until it is cleaned up."""
    runner = web.AppRunner(
        application(collector),
        access_log=None,
        logger=_silent,
        keepalive_timeout=SILENCE,
        shutdown_timeout=PATIENCE,
        auto_decompress=False,
        read_bufsize=_BUFFER,
        lingering_time=_LINGER,
    )
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner
