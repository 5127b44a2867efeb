"""Migrated databases for tests that want one of their own: the first goes through all migrations, each other is made as
that one ended, in a third of the time."""

import re
from graphlib import TopologicalSorter

from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client

_OBJECTS = "SELECT name, create_table_query AS made FROM system.tables WHERE database = currentDatabase()"
_PLACE = "the_database"
_statements: list[str] = []


def migrate(client: Client) -> None:
    """Make the client's database, which there is not yet, as `migrations.apply` does."""
    if not _statements:
        migrations.apply(client)
        _statements.extend(statements(client, _PLACE))
        return
    client.create_database()
    for statement in _statements:
        client.command(statement.replace(f"{_PLACE}.", f"{client.database}."))
    for migration in migrations.known():
        client.command("INSERT INTO migrations (name) SELECT {name:String}", {"name": migration.name})


def statements(client: Client, name: str) -> list[str]:
    """What makes its tables and views in a database of that name, each after those that it reads."""
    own = re.compile(rf"\b{client.database}\.(\w+)")
    made = {row["name"]: row["made"] for row in client.query(_OBJECTS)}
    order = TopologicalSorter({each: {*own.findall(text)} - {each} for each, text in made.items()})
    return [own.sub(rf"{name}.\1", made[each]) for each in order.static_order()]
