"""Numbered, literal, forward-only migrations of the database (`schemas/clickhouse/*.sql`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from streams.sinks.clickhouse.client import Client, DatabaseError


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name without `.sql`, such as `0001_migrations`, and its statements in order."""

    name: str
    statements: tuple[str, ...]


@cache
def known() -> tuple[Migration, ...]:
    """Every migration of this version, in order."""
    files = sorted((file for file in _folder().iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(file.name.removesuffix(".sql"), _statements(file.read_text("utf-8"))) for file in files)


def pending(client: Client) -> list[Migration]:
    """The migrations that the database has not had, in order; every one when it does not exist yet.

    Raises DatabaseError when it has had some that this version does not know.
    """
    applied = _applied(client)
    if newer := sorted(applied - {migration.name for migration in known()}):
        raise DatabaseError(
            f"ClickHouse at {client.place}: the database {client.database} is of a later version of maalstrom "
            f"(it has had {newer[-1]}); run that version or a later one. Nothing was written"
        )
    return [migration for migration in known() if migration.name not in applied]


def _applied(client: Client) -> set[str]:
    try:
        return {row["name"] for row in client.query("SELECT name FROM migrations FINAL")}
    except DatabaseError as error:
        if not error.not_migrated:
            raise
        return set()


def apply(client: Client) -> list[Migration]:
    """Create the database where needed and bring it up to date; returns what was applied.

    Each statement may run again, so an interrupted migration, or two processes that migrate at once, do no harm.
    """
    _check_cluster(client)
    todo = pending(client)
    if todo:
        client.create_database()
    for migration in todo:
        for statement in migration.statements:
            client.command(client.everywhere(statement))
        client.command("INSERT INTO migrations (name) SELECT {name:String}", {"name": migration.name})
    return todo


def _check_cluster(client: Client) -> None:
    """Raises DatabaseError where the cluster of the DSN is none, or has its rows on several shards."""
    if client.cluster is not None and (shards := client.shards()) != 1:
        raise DatabaseError(
            f"ClickHouse at {client.place}: cluster={client.cluster} in the DSN has {shards} shards, and must have "
            "one, of any number of replicas (system.clusters says which clusters there are)"
        )


def _folder() -> Traversable:
    """`schemas` lies inside the package in an installed wheel and beside it in a checkout."""
    package = resources.files("streams")
    inside = package / "schemas" / "clickhouse"
    return inside if inside.is_dir() else package / ".." / "schemas" / "clickhouse"


def _statements(text: str) -> tuple[str, ...]:
    return tuple(statement.strip() for statement in text.split(";\n") if statement.strip())
