"""Whether the workers of one group are one deployment: one database, one catalogue, the same sources and settings."""

from __future__ import annotations

from collections.abc import Callable
from socket import gethostname

from streams.core.ledger.settings import LedgerSettings
from streams.jobs.topic_watch import TopicWatch
from streams.kafka.clients import Address, BrokerError
from streams.kafka.members import client_id, strangers
from streams.sinks import in_use
from streams.sinks.clickhouse import catalogue as written
from streams.sinks.clickhouse.client import DatabaseError, connect

EVERY = 15.0  # s between looks
_WAY_OUT = (
    "give all workers of one MAALSTROM_APP_ID the same {what}, or a deployment of its own another MAALSTROM_APP_ID"
)


def address(dsn: str) -> str:
    """Which database a DSN means, without user and password; an embedded one is this machine's."""
    client = connect(dsn)
    return f"{client.place}/{client.database}" if not _is_embedded(dsn) else f"{gethostname()}:{client.place}"


def name_in_group(dsn: str) -> str:
    """What a worker that writes there calls itself in its group."""
    return client_id(address(dsn))


def _is_embedded(dsn: str) -> bool:
    return dsn.startswith("chdb:")


class Deployment:
    """Looks at the database, and at the group where the broker tells of it (`bootstrap` is not None); `rules`
    are what this worker goes by and has written there, None before."""

    def __init__(
        self, bootstrap: Address | None, group: str, dsn: str, rules: Callable[[], LedgerSettings | None]
    ) -> None:
        self._bootstrap, self._group, self._rules = bootstrap, group, rules
        self._address, self._client = address(dsn), connect(dsn)
        self._alone = _is_embedded(dsn)  # such a database belongs to one process

    def look(self) -> list[str]:
        """What is wrong and how to mend it, a line each; nothing where nobody can tell."""
        hosts = self._strangers()
        lines = [self._elsewhere(hosts)] if hosts else []
        return lines if self._alone else lines + self._otherwise()

    def _strangers(self) -> list[str]:
        """Hosts of workers with another database. A broker that does not answer, or may not be asked, is another's to
        tell."""
        try:
            return strangers(self._bootstrap, self._group, client_id(self._address)) if self._bootstrap else []
        except BrokerError:
            return []

    def _elsewhere(self, hosts: list[str]) -> str:
        way_out = _WAY_OUT.format(what="MAALSTROM_CLICKHOUSE, spelt alike")
        return (
            f"other workers of group {self._group} (at {', '.join(hosts)}) write to another ClickHouse than "
            f"{self._address}, so each database has a part of the figures; {way_out}"
        )

    def _otherwise(self) -> list[str]:
        rules = self._rules()
        if rules is None:
            return []
        try:
            others = in_use.differing(self._client, rules)
            others[in_use.CATALOGUE] += written.differing(self._client, rules.catalogue)
        except DatabaseError:
            return []  # whether it answers is another's to tell
        return [self._unlike(file, names) for file, names in others.items() if names]

    def _unlike(self, file: str, names: list[str]) -> str:
        way_out = _WAY_OUT.format(what=in_use.variables_to_set(file, names))
        return (
            f"the database {self._address} has {in_use.OTHER[file]} than this worker ({', '.join(names)}): a worker "
            f"was started with that since; {way_out}, and start again those that have the old one"
        )


def watching(deployment: Deployment) -> TopicWatch:
    """Looks every so often whether it is one."""
    return TopicWatch(deployment.look, "deployment", EVERY)
