"""An insert that is answered with success is in the table; one whose write fails is refused, in every way in."""

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

import clickhouse_connect
import numpy as np
import pyarrow as pa
import pytest

from streams.core.columns.column import Coded, Columns
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from streams.sinks.writer import Sink
from streams.worker.watch.sink_watch import SinkWatch
from tests.conftest import serving
from tests.support.disks.small_disk import fill

AT = 1_790_000_040
ROWS = 40_001
CONSTRAINT, TOO_SLOW, TOO_MANY_PARTS, NO_SPACE, ONLY_READ = 469, 159, 252, 243, 774


def arrow(first: int, count: int, text: str = "") -> bytes:
    table = pa.table({"n": np.arange(first, first + count, dtype=np.uint64), "s": [text] * count})
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    block: bytes = out.getvalue().to_pybytes()
    return block


def tsv(first: int, count: int, text: str = "") -> bytes:
    return "".join(f"{n}\t{text}\n" for n in range(first, first + count)).encode()


class Plain:
    """`INSERT … FORMAT` as a plain request."""

    def __init__(self, address: str, form: str, body: Callable[[int, int, str], bytes]) -> None:
        self.url, self.form, self.body = f"http://{address}/", form, body

    def command(self, sql: str) -> tuple[int, int]:
        return self._post(sql.encode())

    def insert(self, first: int, count: int, text: str = "", **settings: str) -> tuple[int, int]:
        return self._post(self.body(first, count, text), query=f"INSERT INTO t FORMAT {self.form}", **settings)

    def count(self) -> int:
        with urllib.request.urlopen(self.url, b"SELECT count() FROM t") as answer:
            return int(answer.read())

    def _post(self, body: bytes, **parameters: str) -> tuple[int, int]:
        try:
            with urllib.request.urlopen(f"{self.url}?{urlencode(parameters)}", body) as answer:
                return answer.status, 0
        except HTTPError as error:
            with error:
                return error.code, int(error.headers["X-ClickHouse-Exception-Code"])


class Driver:
    """The ordinary client, over HTTP or embedded, with Arrow."""

    def __init__(self, client: clickhouse_connect.driver.Client) -> None:
        self.client = client

    def command(self, sql: str) -> None:
        self.client.command(sql)

    def insert(self, first: int, count: int, text: str = "", **settings: str) -> tuple[int, int]:
        try:
            self.client.raw_insert("t", ["n", "s"], arrow(first, count, text), settings, "ArrowStream")
        except clickhouse_connect.driver.exceptions.DatabaseError as error:
            return 500, error.code
        return 200, 0

    def count(self) -> int:
        return int(self.client.command("SELECT count() FROM t"))


@contextmanager
def way_in(way: str, folder: Path) -> Iterator[Plain | Driver]:
    if way == "chdb":
        client = clickhouse_connect.get_client(interface="chdb", path=str(folder))
        yield Driver(client)
        client.close()
        return
    with serving(folder) as address:
        if way == "client":
            host, port = address.split(":")
            client = clickhouse_connect.get_client(host=host, port=int(port), dedicated_pool=True)
            yield Driver(client)
            client.close()
        else:
            yield Plain(address, *(("ArrowStream", arrow) if way == "arrow" else ("TSV", tsv)))


WAYS = pytest.mark.parametrize("way", ["tsv", "arrow", "client", "chdb"])


@WAYS
def test_a_constraint_refuses_the_insert(tmp_path: Path, way: str) -> None:
    with way_in(way, tmp_path) as to:
        to.command("CREATE TABLE t (n UInt64, s String, CONSTRAINT few CHECK n < 1000) ENGINE = MergeTree ORDER BY n")
        assert to.insert(0, 10) == (200, 0)
        status, code = to.insert(995, 10)
        assert (status >= 400, code) == (True, CONSTRAINT)
        assert to.count() == 10


@WAYS
def test_too_many_parts_refuse_the_insert(tmp_path: Path, way: str) -> None:
    with way_in(way, tmp_path) as to:
        limits = "parts_to_delay_insert = 1, parts_to_throw_insert = 2, max_delay_to_insert = 1"
        to.command(f"CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n SETTINGS {limits}")
        to.command("SYSTEM STOP MERGES t")
        answers = [to.insert(n, 1) for n in range(4)]
        assert answers[0] == (200, 0)
        assert answers[-1][0] >= 400
        assert answers[-1][1] == TOO_MANY_PARTS
        assert to.count() == answers.count((200, 0))


@WAYS
def test_a_limit_of_time_refuses_the_insert(tmp_path: Path, way: str) -> None:
    with way_in(way, tmp_path) as to:
        slow = "s String, late UInt8 MATERIALIZED sleepEachRow(0.05)"
        to.command(f"CREATE TABLE t (n UInt64, {slow}) ENGINE = MergeTree ORDER BY n")
        status, code = to.insert(0, 100, max_execution_time="0.5", function_sleep_max_microseconds_per_block="9000000")
        assert (status >= 400, code) == (True, TOO_SLOW)
        assert to.count() == 0


@WAYS
def test_a_full_disk_refuses_the_insert(small: Path, way: str) -> None:
    with way_in(way, small) as to:
        to.command("CREATE TABLE t (n UInt64, s String CODEC(NONE)) ENGINE = MergeTree ORDER BY n")
        answers = [to.insert(n, 1000, "x" * 1000) for n in range(0, 12_000, 1000)]
        refused = [answer for answer in answers if answer != (200, 0)]
        assert refused
        assert all(status >= 400 and code == NO_SPACE for status, code in refused)
        assert to.count() == 1000 * answers.count((200, 0))


def counts(first: int, count: int) -> Columns:
    one = {name: Coded(np.zeros(count, np.int64), [name]) for name in ("origin", "campaign", "network", "action")}
    minutes = AT + 60 * (first + np.arange(count))
    figures = {"partition": np.zeros(count, np.int64), "events": np.ones(count, np.int64)}
    return {"window_start": minutes, "reported_at": minutes, **one, **figures, "version": np.ones(count, np.int64)}


class Watch(SinkWatch):
    """What makes a worker ready or not, and what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.problem = ""
        self.codes: list[int | None] = []
        self.rows, self.refused = 0, threading.Event()

    def inserted(self, table: str, rows: int, seconds: float) -> None:
        super().inserted(table, rows, seconds)
        self.rows += rows

    def failed(self, table: str, error: DatabaseError) -> None:
        super().failed(table, error)
        self.codes.append(error.code)
        self.refused.set()


@contextmanager
def database(way: str, folder: Path) -> Iterator[Client]:
    if way == "chdb":
        with connect(f"chdb://{folder}") as client:
            yield client
    else:
        with serving(folder) as address, connect(f"clickhouse://{address}") as client:
            yield client


@pytest.mark.parametrize("way", ["http", "chdb"])
def test_a_sink_waits_for_room_says_so_and_writes_all_of_it(
    small: Path, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    """The disk is full of something else: the sink names it, is not ready, and has lost nothing once there is room."""
    ballast, watch = small / "ballast", Watch()
    with database(way, small / "data") as client:
        client.create_database()
        migrations.apply(client)
        fill(ballast)

        async def scenario() -> None:
            writing = asyncio.create_task(Sink(client, watch).write({"engagement_counts": counts(0, ROWS)}))
            assert await asyncio.to_thread(watch.refused.wait, 30)
            assert not writing.done()
            assert watch.problem.startswith("table engagement_counts: ClickHouse at ")
            ballast.unlink()
            await asyncio.wait_for(writing, 60)

        asyncio.run(scenario())
        assert set(watch.codes) == {NO_SPACE}
        assert "insert into engagement_counts failed, next attempt in" in caplog.text
        assert "not enough space" in caplog.text
        assert (watch.rows, watch.problem) == (ROWS, "")
        assert client.query("SELECT sum(events) AS n FROM engagement_counts FINAL") == [{"n": ROWS}]


def test_a_sink_waits_while_the_database_may_only_be_read(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    client.command("ALTER TABLE engagement_counts MODIFY SETTING table_readonly = 1")

    async def scenario() -> None:
        writing = asyncio.create_task(Sink(client, watch).write({"engagement_counts": counts(0, ROWS)}))
        assert await asyncio.to_thread(watch.refused.wait, 30)
        assert not writing.done()
        assert watch.problem.startswith("table engagement_counts: ClickHouse at ")
        await asyncio.to_thread(client.command, "ALTER TABLE engagement_counts MODIFY SETTING table_readonly = 0")
        await asyncio.wait_for(writing, 60)

    asyncio.run(scenario())
    assert set(watch.codes) == {ONLY_READ}
    assert "Table is in readonly mode" in caplog.text
    assert client.query("SELECT sum(events) AS n FROM engagement_counts FINAL") == [{"n": ROWS}]
