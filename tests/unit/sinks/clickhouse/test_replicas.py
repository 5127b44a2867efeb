"""Migrations for a cluster: each statement names it, and the engine here understands all of them."""

import re
from collections.abc import Iterator

import pytest

from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, connect
from streams.sinks.clickhouse.dsn import shown
from streams.sinks.clickhouse.replicas import SETTINGS, on_cluster

STATEMENTS = {
    f"{migration.name} {number}": statement
    for migration in migrations.known()
    for number, statement in enumerate(migration.statements)
}
MADE = re.compile(r"^(CREATE|ALTER|DROP|TRUNCATE|RENAME|EXCHANGE)\b", re.MULTILINE)


@pytest.fixture(scope="module")
def engine() -> Iterator[Client]:
    """An engine without tables, once: what it is asked needs none."""
    with connect("chdb://memory") as client:
        client.create_database()
        yield client


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_migration_is_for_every_replica(name: str, engine: Client) -> None:
    statement = STATEMENTS[name]
    clustered = on_cluster(statement, "main")
    assert clustered.count(" ON CLUSTER `main`") == len(MADE.findall(statement)) <= 1
    engines = re.findall(r"^ENGINE = (\w+)", clustered, re.MULTILINE)
    assert all(engine.startswith("Replicated") or engine == "Null" for engine in engines)
    assert engine.query(f"EXPLAIN AST {clustered}"), "the engine parses it"


def test_a_table_has_a_place_of_its_own_in_the_keeper() -> None:
    made = on_cluster("CREATE TABLE IF NOT EXISTS t\n(a UInt8)\nENGINE = ReplacingMergeTree(a, b)\nORDER BY a", "c")
    assert made == (
        "CREATE TABLE IF NOT EXISTS t ON CLUSTER `c`\n(a UInt8)\nENGINE = ReplicatedReplacingMergeTree("
        "'/clickhouse/tables/{uuid}/{shard}', '{replica}', a, b)\nORDER BY a"
    )
    assert "ReplicatedAggregatingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')" in on_cluster(
        "CREATE TABLE t\n(a UInt8)\nENGINE = AggregatingMergeTree\nORDER BY a", "c"
    )


def test_only_a_cluster_is_written_to_as_one() -> None:
    statement = STATEMENTS["0002_goal_attribution 0"]
    assert connect("clickhouse://one,two/x").everywhere(statement) == statement
    assert connect("clickhouse://one,two/x?cluster=main").everywhere(statement) == on_cluster(statement, "main")


def test_the_engine_knows_the_settings(engine: Client) -> None:
    known = {row["name"] for row in engine.query("SELECT name FROM system.settings")}
    assert SETTINGS.keys() <= known


@pytest.mark.parametrize(
    ("dsn", "text"),
    [
        ("chdb://memory", "chdb://memory"),
        ("chdb:///a%20b", "chdb:///a b"),
        ("clickhouse://u:hush@one,two:1/x?secure=1&cluster=c", "clickhouse://u@one:8443,two:1/x?secure=1&cluster=c"),
        ("clickhouse://one", "clickhouse://one:8123/maalstrom"),
    ],
)
def test_a_dsn_is_shown_without_its_password(dsn: str, text: str) -> None:
    assert shown(dsn) == text
