"""Reading what came in a later version of the tables: a report does not migrate."""

from collections.abc import Mapping
from typing import Any

from streams.sinks.clickhouse.client import Client, DatabaseError

_UNKNOWN_COLUMN = 47


def later(client: Client, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows of a SELECT; none where the database is of before there was that table, view or column."""
    try:
        return client.query(sql, parameters)
    except DatabaseError as error:
        if error.not_migrated or error.code == _UNKNOWN_COLUMN:
            return []
        raise
