"""Numbered, literal, forward-only migrations of the database (`schemas/clickhouse/*.sql`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from streams.clickhouse import Client, DatabaseError


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
    """The migrations that the database has not had, in order; every one when it does not exist yet."""
    try:
        applied = {row["name"] for row in client.query("SELECT name FROM migrations FINAL")}
    except DatabaseError as error:
        if not error.not_migrated:
            raise
        applied = set()
    return [migration for migration in known() if migration.name not in applied]


def apply(client: Client) -> list[Migration]:
    """Create the database where needed and bring it up to date; returns what was applied.

    Each statement may run again, so an interrupted migration, or two processes that migrate at once, do no harm.
    """
    todo = pending(client)
    if todo:
        client.create_database()
    for migration in todo:
        for statement in migration.statements:
            client.command(statement)
        client.command("INSERT INTO migrations (name) SELECT {name:String}", {"name": migration.name})
    return todo


def _folder() -> Traversable:
    """`schemas` lies inside the package in an installed wheel and beside it in a checkout."""
    package = resources.files("streams")
    inside = package / "schemas" / "clickhouse"
    return inside if inside.is_dir() else package / ".." / "schemas" / "clickhouse"


def _statements(text: str) -> tuple[str, ...]:
    return tuple(statement.strip() for statement in text.split(";\n") if statement.strip())
