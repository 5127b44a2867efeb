"""The demo's list of members: one in five of the simulated town, so that it is to be seen whom campaigns reach."""

from streams.core.identity.tokens import Tokens
from streams.sinks import audiences
from streams.sinks.clickhouse.client import connect

NAME = "Members"
ONE_IN = 5


def enlist(dsn: str, key: bytes, people: int) -> None:
    """Put them, of so many people, on the list in that migrated database, whose users are hashed with the key."""
    members = [f"user-{number:07d}" for number in range(0, people, ONE_IN)]
    with connect(dsn) as client:
        audiences.write(client, NAME, Tokens(key).hashes(members).tolist(), whole=True)
