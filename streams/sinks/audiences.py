"""The table `audiences`: who is on which list, as keyed hashes of tokens."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.columns.column import Columns
from streams.core.rows.members import Members, members
from streams.sinks.clickhouse.client import Client

_LISTS = "SELECT audience, groupArray(user) AS users FROM audiences FINAL GROUP BY audience ORDER BY audience"
_STATE = "SELECT toString((max(version), count(), sum(removed))) AS state FROM audiences"
_OF = "SELECT user FROM audiences FINAL WHERE audience = {audience:String}"


class Listed(NamedTuple):
    """What an import did to a list: how many came and went, and how many are on it now."""

    added: int
    removed: int
    total: int


def state(client: Client) -> str:
    """What is another whenever a list has changed. Raises DatabaseError."""
    return str(client.query(_STATE)[0]["state"])


def read(client: Client) -> Members:
    """Who is on the lists. Raises DatabaseError."""
    return members({row["audience"]: row["users"] for row in client.query(_LISTS)})


def write(client: Client, audience: str, hashes: Iterable[int], whole: bool) -> Listed:
    """Put those tokens on the list; where they are the `whole` list, take the others off. Raises DatabaseError."""
    wanted, known = set(hashes), {row["user"] for row in client.query(_OF, {"audience": audience})}
    added, gone = sorted(wanted - known), sorted(known - wanted) if whole else []
    if added or gone:
        _insert(client, audience, added + gone, [0] * len(added) + [1] * len(gone))
    return Listed(len(added), len(gone), len(wanted | known) - len(gone))


def _insert(client: Client, audience: str, users: Sequence[int], removed: Sequence[int]) -> None:
    columns: Columns = {
        "audience": [audience] * len(users),
        "user": np.array(users, np.uint64),
        "removed": np.array(removed, np.int64),
        "version": np.full(len(users), time.time_ns(), np.uint64),
    }
    client.insert("audiences", columns)
