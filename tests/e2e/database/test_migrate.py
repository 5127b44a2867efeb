"""`maalstrom migrate`: on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import embedded, maalstrom, ok

NAMES = [migration.name for migration in migrations.known()]


@pytest.fixture(params=["embedded", "http"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The DSN of a database that does not exist."""
    if request.param == "http":
        yield f"{request.getfixturevalue('clickhouse_server')}/migrate_e2e"
    else:
        yield embedded(tmp_path / "clickhouse")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(dsn: str, tmp_path: Path) -> None:
    said = "".join(f"would apply {name}\n" for name in NAMES)
    assert ok(maalstrom("migrate", "--dry-run", "--clickhouse", dsn)).out == said
    assert list(tmp_path.iterdir()) == []
    with connect(dsn) as client:
        assert [migration.name for migration in migrations.pending(client)] == NAMES
    applied = ok(maalstrom("migrate", env={"MAALSTROM_CLICKHOUSE": dsn}))
    assert applied.out == said.replace("would apply", "applied")
    with connect(dsn) as client:
        tables = client.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
    assert TABLES.keys() <= {row["name"] for row in tables}
    again = ok(maalstrom("migrate", "--clickhouse", dsn))
    assert again.out == "nothing to do: the database is up to date\n"
