"""Reload: the catalogue and the sources are read again when somebody asks for it with SIGHUP."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog

from streams.config import ConfigError
from streams.core.ledger.settings import LedgerSettings

log = structlog.get_logger(__name__)


class Reload:
    """Reads rules with `read` and gives them to `use`; what was read last stays where they cannot be read."""

    def __init__(
        self,
        rules: LedgerSettings,
        read: Callable[[], LedgerSettings],
        use: Callable[[LedgerSettings], Awaitable[None]],
    ) -> None:
        self._rules, self._read, self._use = rules, read, use
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Wait for SIGHUP again and again, until cancelled."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.once()

    async def once(self) -> None:
        """Read the files again, and go by them."""
        try:
            rules = await asyncio.to_thread(self._read)
        except ConfigError as error:
            log.error(f"not read again, and what was read before stays: {error}")
            return
        if rules.topics != self._rules.topics:
            log.error("not read again: the sources name other topics than before; start the worker again for these")
            return
        await self._use(rules)
        self._rules = rules
        log.info("the catalogue and the sources were read again", goals=len(rules.catalogue.goals))
