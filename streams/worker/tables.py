"""The tables that a worker writes to: made, and the catalogue written, before anything else is."""

import asyncio
from collections.abc import Callable

import structlog

from streams.core.ledger.settings import LedgerSettings
from streams.sinks import in_use
from streams.sinks.clickhouse import catalogue, fingerprint, migrations
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.telemetry import metrics
from streams.worker.watch.sink_watch import SinkWatch

AGAIN = 1.0  # s between attempts

log = structlog.get_logger(__name__)


class Tables:
    """Migrates the database and writes the catalogue once for each set of rules."""

    def __init__(self, client: Client, rules: LedgerSettings, smallest_group: int, watch: SinkWatch) -> None:
        self._client, self._rules, self._smallest_group, self._watch = client, rules, smallest_group, watch
        self.ready, self._lock = False, asyncio.Lock()

    def use(self, rules: LedgerSettings) -> None:
        """Write the catalogue of those rules the next time that the tables are prepared."""
        self._rules, self.ready = rules, False

    async def prepare(self, given_up: Callable[[], bool]) -> None:
        """Make the tables ready, however long it takes ClickHouse to answer, unless `given_up`. Raises OtherKeyError
        where the database was written with another key."""
        async with self._lock:
            while not self.ready and not given_up():
                rules = self._rules
                try:
                    await asyncio.to_thread(self._migrate, rules)
                    self.ready, self._watch.problem = rules is self._rules, ""
                except fingerprint.OtherKeyError:
                    raise
                except DatabaseError as error:
                    metrics.SINK_FAILURES.inc()
                    self._watch.problem = str(error)
                    log.warning("ClickHouse is not ready, trying again", error=str(error))
                    await asyncio.sleep(AGAIN)

    def _migrate(self, rules: LedgerSettings) -> None:
        migrations.apply(self._client)
        fingerprint.claim(self._client, rules.token_key)
        others = in_use.differing(self._client, rules)
        others[in_use.CATALOGUE] += catalogue.replaced(self._client, rules.catalogue)
        for file, names in others.items():
            _tell(file, names)
        catalogue.write_catalogue(self._client, rules.catalogue)
        in_use.write(self._client, rules)
        catalogue.write_settings(self._client, self._smallest_group)


def _tell(file: str, names: list[str]) -> None:
    """Tell that the database had something else by those names, as a worker that goes by other ones has written it."""
    if names:
        same = in_use.variables_to_set(file, names)
        log.warning(
            f"the database had {in_use.OTHER[file]} than this worker ({', '.join(names)}): what this one has is "
            "written in its place. A worker of this MAALSTROM_APP_ID that goes by the other is not ready from now on: "
            f"give all of them the same {same}, and start again those that have the old one"
        )
