"""Reload: the collector's files are read again when somebody asks for it with SIGHUP, and no request notices."""

import asyncio
import signal
from collections.abc import Callable

import structlog

from streams.collector.collector import Collector
from streams.collector.files import Files
from streams.config import ConfigError

log = structlog.get_logger(__name__)


async def reload(collector: Collector, read: Callable[[Files], Files]) -> None:
    """Wait for SIGHUP again and again, until cancelled; `read` is given what was read before."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        await once(collector, read)


async def once(collector: Collector, read: Callable[[Files], Files]) -> None:
    """Read the files again, and go by them; where one cannot be used, those that were read before stay."""
    try:
        found = await asyncio.to_thread(read, collector.files)
    except ConfigError as error:
        log.error(f"not read again, and what was read before stays: {error}")
        return
    collector.use(found)
    log.info("the files were read again", links=len(found.catalogue.links), keys=len(found.keys))
