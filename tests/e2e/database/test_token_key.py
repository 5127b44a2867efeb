"""One database, one token key: who comes with another is told, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.sinks.clickhouse.client import connect
from tests.conftest import serving
from tests.e2e.commands import Done, embedded, maalstrom, ok
from tests.support.messages import NOON, order

CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n'
ONE, TWO = {"MAALSTROM_TOKEN_KEY": "the first key of all"}, {"MAALSTROM_TOKEN_KEY": "the second key of all"}


def replay(folder: Path, dsn: str, env: dict[str, str] | None = None) -> Done:
    folder.mkdir(exist_ok=True)
    (folder / "catalogue.toml").write_text(CATALOGUE)
    (folder / "checkout.ndjson").write_bytes(order("o1", NOON, "1", user="u"))
    files = ("--checkout", "checkout.ndjson", "--catalogue", "catalogue.toml")
    return maalstrom("replay", *files, "--clickhouse", dsn, cwd=folder, env=env)


def users(dsn: str) -> list[int]:
    with connect(dsn) as client:
        return [row["user"] for row in client.query("SELECT user FROM conversions FINAL")]


def refused(done: Done) -> None:
    assert done.status == 1
    assert "hashed with another MAALSTROM_TOKEN_KEY; set the one that it was filled with" in done.err
    assert done.err.startswith("Error: users in the database")
    assert done.err.count("\n") == 1
    assert "left" not in done.out


@pytest.mark.parametrize("command", ["replay", "erase", "erase --verify"])
def test_another_key_is_refused_in_one_line(command: str, tmp_path: Path) -> None:
    dsn = embedded(tmp_path / "db" / "clickhouse")
    ok(replay(tmp_path / "one", dsn, ONE))
    before = users(dsn)
    name, *options = command.split()
    if name == "replay":
        refused(replay(tmp_path / "two", dsn, TWO))
        refused(replay(tmp_path / "three", dsn))  # with a key that is made up
        ok(replay(tmp_path / "four", dsn, ONE))
    else:
        refused(maalstrom("erase", "u", *options, "--clickhouse", dsn, env=TWO))
    assert users(dsn) == before


def test_a_key_that_was_made_up_goes_on_where_it_is_kept(tmp_path: Path) -> None:
    with serving(tmp_path / "clickhouse") as address:
        dsn = f"clickhouse://{address}/maalstrom"
        ok(replay(tmp_path / "one", dsn))
        first = users(dsn)
        ok(replay(tmp_path / "one", dsn))
        assert users(dsn) == first
        elsewhere = replay(tmp_path / "two", dsn)
        refused(elsewhere)
        assert "`replay` keeps one that it made up in a file token-key" in elsewhere.err
        kept = (tmp_path / "one" / "maalstrom-data" / "token-key").read_text()
        ok(replay(tmp_path / "two", dsn, {"MAALSTROM_TOKEN_KEY": kept}))
        assert users(dsn) == first
