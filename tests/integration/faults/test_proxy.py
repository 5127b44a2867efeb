"""The proxy's faults, as a ClickHouse client meets them."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from tests.integration.support.proxy import Mode, Proxy


@pytest.fixture
def direct(clickhouse_server: str) -> Iterator[Client]:
    with connect(f"{clickhouse_server}/proxied") as client:
        client.create_database()
        client.command("CREATE OR REPLACE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
        yield client


@pytest.fixture
def through(proxy: Proxy, direct: Client) -> Iterator[Client]:
    with connect(f"clickhouse://127.0.0.1:{proxy.port}/proxied") as client:
        assert client.query("SELECT 1 AS x") == [{"x": 1}]
        yield client


def rows(client: Client) -> int:
    (row,) = client.query("SELECT count() AS n FROM t")
    return int(row["n"])


def insert(proxy: Proxy, value: int, timeout: float = 20) -> int:
    """One plain request, which no client repeats; returns the status."""
    url = f"http://127.0.0.1:{proxy.port}/?database=proxied"
    with urllib.request.urlopen(url, f"INSERT INTO t VALUES ({value})".encode(), timeout=timeout) as answer:
        return int(answer.status)


def test_passing_is_transparent(proxy: Proxy, through: Client) -> None:
    assert insert(proxy, 1) == 200
    through.command("INSERT INTO t SELECT number FROM numbers(100000)")
    assert rows(through) == 100_001
    assert len(through.query("SELECT x FROM t")) == 100_001
    assert proxy.faults == 0


def test_a_cut_after_the_body_leaves_the_rows_and_no_answer(proxy: Proxy, through: Client, direct: Client) -> None:
    proxy.set("cut")
    with pytest.raises(OSError, match=r"Remote end closed|reset"):
        insert(proxy, 1)
    assert rows(direct) == 1, "it was carried out all the same"
    proxy.set("pass")
    assert rows(through) == 1


@pytest.mark.parametrize("mode", ["refuse", "500"])
def test_refusing_and_failing_change_nothing_and_end_with_the_fault(
    proxy: Proxy, through: Client, direct: Client, mode: Mode
) -> None:
    proxy.set(mode)
    with pytest.raises(OSError, match="refused" if mode == "refuse" else "500"):
        insert(proxy, 1)
    with pytest.raises(DatabaseError):
        through.command("INSERT INTO t VALUES (2)")
    assert rows(direct) == 0
    proxy.set("pass")
    through.command("INSERT INTO t VALUES (3)")
    assert rows(direct) == 1


def test_a_large_body_is_answered_with_500_to_its_end(proxy: Proxy, through: Client) -> None:
    proxy.set("500")
    request = urllib.request.Request(f"http://127.0.0.1:{proxy.port}/", data=b"x" * 20_000_000)
    with pytest.raises(OSError, match="500"):
        urllib.request.urlopen(request, timeout=20)
    assert proxy.faults >= 1


def test_hanging_answers_nobody_and_passes_nothing_on(proxy: Proxy, through: Client, direct: Client) -> None:
    proxy.set("hang")
    with pytest.raises(TimeoutError):
        insert(proxy, 1, timeout=0.5)
    assert rows(direct) == 0
    proxy.set("pass")
    assert insert(proxy, 2) == 200
    assert rows(direct) == 1
