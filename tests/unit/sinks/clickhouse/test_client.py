"""What a DSN may look like, and that no message gives its password away."""

import logging
from pathlib import Path

import pytest

from streams.sinks.clickhouse.client import DatabaseError, connect


@pytest.mark.parametrize(
    ("dsn", "place", "database"),
    [
        ("chdb://memory", "memory", "maalstrom"),
        ("chdb:///var/lib/maal%20strom", "/var/lib/maal strom", "maalstrom"),
        ("clickhouse://localhost", "localhost:8123", "maalstrom"),
        ("clickhouse://localhost?secure=1", "localhost:8443", "maalstrom"),
        ("clickhouse://user:p%40ss@db.example:18123/other?secure=0", "db.example:18123", "other"),
        ("clickhouse://[::1]:8123/maalstrom", "[::1]:8123", "maalstrom"),
        ("clickhouse://u:p@one,two:9000/maalstrom?secure=1", "one:8443,two:9000", "maalstrom"),
    ],
)
def test_a_dsn_says_where_and_which_database(dsn: str, place: str, database: str) -> None:
    client = connect(dsn)
    assert (client.place, client.database) == (place, database)


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("", "starts with chdb:// or clickhouse://"),
        ("http://u:hush@localhost:8123", "starts with chdb:// or clickhouse://"),
        ("chdb://folder", "three slashes"),
        ("chdb:///", "three slashes"),
        ("chdb:///folder?secure=1", "three slashes"),
        ("chdb:///no#1", "# of the folder is written %3F, %23"),
        ("clickhouse:///maalstrom", "names no host"),
        ("clickhouse://u:hush@localhost:99999", "port"),
        ("clickhouse://u:hu/sh@localhost:8123", "write %2F, %3F and %23"),
        ("clickhouse://u:hu?sh@localhost:8123", "write %2F, %3F and %23"),
        ("clickhouse://u:12#sh@localhost:8123", "write %2F, %3F and %23"),
        ("clickhouse://u:12?hush@localhost:8123", "write %2F, %3F and %23"),
        ("clickhouse://u:12/sh@localhost:8123", "write %2F, %3F and %23"),
        ("clickhouse://u:hush@localhost:8123/maalstrom#x", "write %2F, %3F and %23"),
        ("clickhouse://u:hush@[::1", "not a DSN"),
        ("clickhouse://u:hush@localhost/a/b", "plain name"),
        ("clickhouse://u:hush@localhost/x`; DROP", "plain name"),
        ("clickhouse://u:hush@localhost/x?compress=1", "unknown option compress"),
        ("clickhouse://u:hush@localhost/x?secure=maybe", "neither 0 nor 1"),
        ("clickhouse://u:hush@one,/x", "names no host"),
        ("clickhouse://u:hush@one,two:high/x", "port"),
        ("clickhouse://u:hush@localhost/x?ca=/dev/null", "ca= without secure=1: nothing would be encrypted"),
        ("clickhouse://u:hush@localhost/x?secure=1&ca=/no/ca", "ca=/no/ca in the DSN is no file"),
        ("clickhouse://u:hush@localhost/x?secure=1&cert=/etc/passwd", "one of cert= and key="),
        ("clickhouse://u:hush@localhost/x?cluster=a'b", "must name a cluster"),
    ],
)
def test_another_dsn_is_refused(dsn: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        connect(dsn)
    assert "hu" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_no_answer_names_the_address_and_not_the_password(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(
        DatabaseError, match=r"ClickHouse at 127\.0\.0\.1:1: no answer \(Connection refused\)"
    ) as failed:
        connect("clickhouse://user:hush@127.0.0.1:1").query("SELECT 1")
    assert failed.value.code is None
    assert not failed.value.not_migrated
    assert "hush" not in f"{failed.value}{caplog.text}{capfd.readouterr()}"
    assert logging.getLogger("clickhouse_connect").handlers


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match=r"file/folder: cannot be opened"):
        connect(f"chdb://{tmp_path}/file/folder").create_database()


def test_a_file_is_not_told_to_be_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match=r"file: cannot be opened \(no folder, and a database is one\)"):
        connect(f"chdb://{tmp_path}/file").query("SELECT 1")


def test_a_second_folder_in_one_process_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    first, second = connect(f"chdb://{tmp_path}/first"), connect(f"chdb://{tmp_path}/second")
    with first:
        first.create_database()
        with pytest.raises(DatabaseError, match="first open, and can have one; close that first"):
            second.create_database()
    with second:
        second.create_database()
        assert second.query("SELECT 1 AS one") == [{"one": 1}]
    with first:
        assert first.query("SELECT currentDatabase() AS name") == [{"name": "maalstrom"}]


def test_reading_a_folder_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="none: there is no database yet") as refused:
        connect(f"chdb://{tmp_path}/none").query("SELECT 1")
    assert refused.value.not_migrated
    assert list(tmp_path.iterdir()) == []
