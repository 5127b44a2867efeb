"""The members of a consumer group: whether there are any, and whether all write to one database, which each says in its
client id."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from kafka import KafkaAdminClient
from kafka.errors import RetriableError

from streams.kafka.clients import Address, BrokerError, connect
from streams.kafka.topics.lag import COORDINATOR_S

_BEGINS = "maalstrom-"


def client_id(database: str) -> str:
    """What a worker that writes to `database` (host, port and name) calls itself in its group."""
    return _BEGINS + blake2b(database.encode(), digest_size=8).hexdigest()


def none_running(admin: KafkaAdminClient, group: str) -> None:
    """Raises BrokerError where a worker of that group runs."""
    if members := _members(admin, group):
        running = "a worker is" if len(members) == 1 else f"{len(members)} workers are"
        raise BrokerError(
            f"in group {group} {running} running; stop all of them first (one that was killed is missed after some "
            "seconds)"
        )


def strangers(bootstrap: Address, group: str, own: str) -> list[str]:
    """The hosts of the group's members that write to another database than the one with that `own` client id.

    Raises BrokerError where the broker cannot be asked.
    """
    ours = [member for member in _asked(bootstrap, group) if member["client_id"].startswith(_BEGINS)]
    return _hosts(member for member in ours if member["client_id"] != own)


def members(bootstrap: Address, group: str, own: str | None = None) -> list[str]:
    """The hosts of the group's members, of those with the client id `own` where one is given. Raises BrokerError."""
    return _hosts(member for member in _asked(bootstrap, group) if own in (None, member["client_id"]))


def _asked(bootstrap: Address, group: str) -> Sequence[Mapping[str, str]]:
    with connect(KafkaAdminClient, bootstrap) as admin:
        return _members(admin, group)


def _members(admin: KafkaAdminClient, group: str) -> Sequence[Mapping[str, str]]:
    deadline = time.monotonic() + COORDINATOR_S
    while True:
        try:
            return admin.describe_groups([group]).get(group, {}).get("members") or ()
        except RetriableError:  # a broker that is new makes its topic of groups when it is first asked
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _hosts(found: Iterable[Mapping[str, str]]) -> list[str]:
    return sorted({member["client_host"].lstrip("/") for member in found})
