"""The migrated database is what `core.rows` declares, and migrating again is harmless."""

import re

import pytest

from streams.core.rows.tables import TABLES, Table
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from tests.support.databases import migrate, statements


def in_database(client: Client, table: Table) -> Table:
    columns = client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
        " ORDER BY position",
        {"table": table.name},
    )
    found = client.query(
        "SELECT sorting_key, partition_key, engine_full FROM system.tables"
        " WHERE database = currentDatabase() AND name = {table:String}",
        {"table": table.name},
    )[0]
    return Table(
        name=table.name,
        columns={column["name"]: column["type"] for column in columns},
        key=tuple(filter(None, found["sorting_key"].split(", "))),
        engine=re.split(" PARTITION BY| ORDER BY", found["engine_full"])[0].strip("`"),
        partition=found["partition_key"],
    )


def test_the_migrated_database_is_the_declared_one(client: Client) -> None:
    for table in TABLES.values():
        assert in_database(client, table) == table
        assert list(in_database(client, table).columns) == list(table.columns)


def test_there_is_no_table_that_is_not_declared(client: Client) -> None:
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'"
    )
    assert {table["name"] for table in tables} == set(TABLES)


def test_the_database_is_atomic(client: Client) -> None:
    engine = client.query("SELECT engine FROM system.databases WHERE name = currentDatabase()")
    assert engine == [{"engine": "Atomic"}]


def test_pending_until_applied(blank: Client) -> None:
    everything = list(migrations.known())
    numbers = [migration.name[:4] for migration in everything]
    assert numbers == sorted(set(numbers))
    assert migrations.pending(blank) == everything
    assert migrations.apply(blank) == everything
    assert migrations.pending(blank) == []
    assert migrations.apply(blank) == []


def test_other_tests_are_given_what_migrations_make(emptied: Client, clickhouse_server: str) -> None:
    for name in ("first", "second"):
        with connect(f"{clickhouse_server}/{name}") as client:
            migrate(client)
            assert migrations.pending(client) == []
            assert statements(client, "any") == statements(emptied, "any")


def test_an_interrupted_migration_is_taken_up_again(client: Client) -> None:
    last = migrations.known()[-1]
    client.command("TRUNCATE TABLE migrations")
    for migration in migrations.known()[:-1]:
        client.command("INSERT INTO migrations (name) SELECT {name:String}", {"name": migration.name})
    client.command("DROP VIEW engagement_sketches_now")
    assert migrations.apply(client) == [last]
    assert client.query("SELECT day FROM engagement_sketches_now") == []


def test_a_database_of_a_later_version_is_refused(blank: Client) -> None:
    migrations.apply(blank)
    blank.command("INSERT INTO migrations (name) VALUES ('9999_later')")
    for act in (migrations.apply, migrations.pending):
        with pytest.raises(DatabaseError, match=r"of a later version of maalstrom \(it has had 9999_later\); run that"):
            act(blank)


def test_views_of_an_empty_database_are_empty(client: Client) -> None:
    # The embedded server's interface sends no states of aggregates.
    views = client.query(
        "SELECT table, arrayStringConcat(groupArrayIf(name, type NOT LIKE 'AggregateFunction%'), ', ') AS columns"
        " FROM system.columns WHERE (database, table) IN"
        " (SELECT database, name FROM system.tables WHERE database = currentDatabase() AND engine = 'View')"
        " GROUP BY table"
    )
    assert {"goal_progress", "campaign_return", "campaign_lift", "restatements"} <= {view["table"] for view in views}
    for view in views:
        assert client.query(f"SELECT {view['columns']} FROM {view['table']}") == []
