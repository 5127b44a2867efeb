"""The fingerprint of the token key in a database: a database's users are all hashed with one key.

It is a keyed hash (see core/identity/tokens.py), so it tells nobody the key. Who fills an empty database puts it there;
whoever comes with another key is refused, because one person would be two.
"""

from __future__ import annotations

import numpy as np

from streams.core.identity.tokens import Tokens
from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse.client import Client, DatabaseError

SETTING = "token_key"
_USERS = ("user", "users", "token")  # columns of hashes


class OtherKeyError(ValueError):
    """Users there are hashed with another key; the text says what to do."""


def claim(client: Client, key: bytes) -> None:
    """Put the key's fingerprint into a migrated database that has no users yet. Raises OtherKeyError where it has those
    of another key, and DatabaseError."""
    known = _known(client)
    if known is None or (known != _text(key) and not _has_users(client)):
        newest = client.query("SELECT max(version) AS newest FROM settings")[0]["newest"]
        removed, version = np.zeros(1, np.uint8), np.array([newest + 1], np.uint64)
        client.insert("settings", {"id": [SETTING], "value": [_text(key)], "removed": removed, "version": version})
    check(client, key)


def check(client: Client, key: bytes) -> None:
    """Raises OtherKeyError where the database has the fingerprint of another key, and DatabaseError."""
    known = _known(client)
    if known not in (None, _text(key)):
        raise OtherKeyError(
            f"users in the database {client.place} are hashed with another MAALSTROM_TOKEN_KEY; set the one that it "
            "was filled with (`replay` keeps one that it made up in a file token-key), or use another database "
            "(MAALSTROM_CLICKHOUSE, --clickhouse)"
        )


def _text(key: bytes) -> str:
    return f"{Tokens(key).fingerprint:016x}"


def _known(client: Client) -> str | None:
    try:
        rows = client.query("SELECT value FROM settings FINAL WHERE id = {id:String}", {"id": SETTING})
    except DatabaseError as error:
        if not error.not_migrated:
            raise
        rows = []
    return rows[0]["value"] if rows else None


def _has_users(client: Client) -> bool:
    tables = [name for name, table in TABLES.items() if table.engine != "Null" and set(_USERS) & table.columns.keys()]
    return any(client.query(f"SELECT 1 FROM {table} LIMIT 1") for table in tables)
