"""What nobody who may query can do to the embedded server: reach outside, fill its memory, hold others up."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cramjam
import pytest

from streams.embedded.queue import AT_ONCE, FullError, Queue
from tests.conftest import serve as start
from tests.conftest import serving, stop
from tests.integration.embedded.test_embedded_clickhouse import Http

DENIED, READ_ONLY = "497", "164"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("limits")) as address:
        yield address


@pytest.fixture
def http(address: str) -> Iterator[Http]:
    plain = Http(address)
    yield plain
    plain.pool.clear()


OUTSIDE = [
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT file('/etc/hostname')",
    r"SELECT `f\x69le`('/etc/hostname')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/hostname' AS a)",
    "SELECT $$'$$, file /* ' */ ('/etc/hostname')",
    "SELECT * FROM default.`/etc/hostname`",
    "DESCRIBE TABLE file('/etc/hostname')",
    "SELECT * FROM view(SELECT * FROM file('/etc/hostname', 'LineAsString'))",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:1', 'system.one')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM sqlite('/tmp/x', 't')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV', 'a String')",
    "SELECT * FROM icebergLocal('/tmp/x')",
    "SELECT * FROM executable('x.sh', 'CSV', 'a String')",
    "SELECT * FROM Python(x)",
    "INSERT INTO FUNCTION file('{out}', 'CSV', 'a UInt8') SELECT 1",
    "SELECT 1 INTO OUTFILE '{out}'",
    "SELECT $$'$$ INTO OUTFILE '{out}'",
    "SELECT 1 /* ' */ INTO /* */ outfile '{out}'",
    "INSERT INTO kept FROM INFILE '/etc/hostname' FORMAT TSV",
    "INSERT INTO kept VALUES (file('/etc/hostname'))",
    "INSERT INTO kept FORMAT Values (file('/etc/hostname'))",
    "INSERT INTO kept SELECT file('/etc/hostname')",
    "CREATE TABLE f (a String DEFAULT file('/etc/hostname')) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE f (a String) ENGINE = File(CSV, '{out}')",
    "CREATE TABLE f (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
    "CREATE TABLE f (a String) ENGINE = Executable('x.sh', 'CSV')",
    "CREATE TABLE f (a String) ENGINE = EmbeddedRocksDB(0, '{out}') PRIMARY KEY a",
    "CREATE TABLE f (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = object_storage,"
    " object_storage_type = local, metadata_type = local, path = '{out}')",
    "CREATE DATABASE f ENGINE = Filesystem('/etc')",
    "CREATE DATABASE f ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c')",
    "CREATE DICTIONARY f (a UInt64, b String) PRIMARY KEY a SOURCE(HTTP(URL 'http://127.0.0.1:1/' FORMAT 'CSV'))"
    " LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY f (a UInt64, b String) PRIMARY KEY a SOURCE(FILE(PATH '/etc/hostname' FORMAT 'CSV'))"
    " LAYOUT(FLAT()) LIFETIME(0)",
    "BACKUP TABLE kept TO File('{out}')",
    "CREATE NAMED COLLECTION f AS a = 1",
    "SYSTEM SHUTDOWN",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '/etc/hostname'",
]


@pytest.mark.parametrize("statement", OUTSIDE)
def test_no_statement_reaches_outside(http: Http, tmp_path: Path, statement: str) -> None:
    out = tmp_path / "out"
    http.post("CREATE TABLE IF NOT EXISTS kept (a String) ENGINE = MergeTree ORDER BY a")
    answer = http.post(statement.replace("{out}", str(out)))
    code = answer.headers["X-ClickHouse-Exception-Code"]
    assert (answer.status, code) in {(403, DENIED), (403, "452"), (404, "60")}
    assert socket.gethostname().encode() not in answer.data
    assert not out.exists()
    assert http.post("SELECT count() FROM kept").data == b"0\n"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'file(x) INTO OUTFILE', 1 AS `disk(`, `disk(` AS file, file + 1",
        r"SELECT 'it\'s', '\\'",
        "INSERT INTO plain VALUES ('file(1)'), ('it\\'s')",
        "INSERT INTO plain (file) VALUES (concat('profile', 's'))",
        "INSERT INTO plain FORMAT TSV\nfile(a) INTO OUTFILE 'b'\\t\n",
    ],
)
def test_what_only_looks_like_it_may(http: Http, statement: str) -> None:
    http.post("CREATE TABLE IF NOT EXISTS plain (file String) ENGINE = MergeTree ORDER BY file")
    answer = http.post(statement)
    assert answer.status == 200, answer.data


@pytest.mark.parametrize("way", ["file('{out}', 'CSV', 'a UInt8') SELECT 1", ""])
def test_a_get_writes_nothing(tmp_path: Path, way: str) -> None:
    out = tmp_path / "out"
    statement = f"INSERT INTO FUNCTION {way}" if way else "SELECT 1 INTO OUTFILE '{out}'"
    with serving(tmp_path / "data", sources=True) as address:
        plain = Http(address)
        answer = plain.get(query=statement.replace("{out}", str(out)))
        plain.pool.clear()
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) in {(403, DENIED), (403, READ_ONLY)}
    assert not out.exists()


def test_sources_are_there_where_they_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\n")
    with serving(tmp_path / "data", sources=True) as address:
        plain = Http(address)
        assert plain.post(f"SELECT * FROM file('{tmp_path / 'in'}', 'LineAsString')").data == b"a\n"
        plain.pool.clear()


def test_a_folder_goes_from_one_kind_of_server_to_the_other(tmp_path: Path) -> None:
    for number, sources in enumerate([True, False, True, False]):
        with serving(tmp_path, sources=sources) as address:
            plain = Http(address)
            plain.post("CREATE TABLE IF NOT EXISTS t (a UInt64) ENGINE = MergeTree ORDER BY a")
            assert plain.post(f"INSERT INTO t FORMAT TSV\n{number}\n").status == 200
            assert plain.post("SELECT count() FROM default.t").data == f"{number + 1}\n".encode()
            plain.pool.clear()


PACKERS: dict[str, Callable[[bytes], Any]] = {
    "gzip": cramjam.gzip.compress,
    "deflate": cramjam.zlib.compress,
    "lz4": cramjam.lz4.compress,
    "zstd": cramjam.zstd.compress,
    "br": lambda body: cramjam.brotli.compress(body, level=1),
}


def place_of(address: str) -> tuple[str, int]:
    host, port = address.split(":")
    return host, int(port)


def test_half_a_body_is_refused(http: Http) -> None:
    for encoding, pack in PACKERS.items():
        whole = bytes(pack(os.urandom(10_000)))
        assert http.post(whole[:5000], {"Content-Encoding": encoding}, query="INSERT INTO t FORMAT TSV").status == 400


def abandoned(address: str, statement: str) -> None:
    """A request whose client goes at once."""
    with socket.create_connection(place_of(address)) as client:
        client.sendall(f"GET /?query={quote(statement)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        time.sleep(0.5)


ENDLESS = "SELECT count() FROM numbers_mt(1000000000000) WHERE NOT ignore(sipHash64(number)) SETTINGS max_threads = 1"
RUNNING = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers_mt%'"


def test_a_read_whose_client_has_gone_is_stopped(http: Http, address: str) -> None:
    for _ in range(AT_ONCE):
        abandoned(address, ENDLESS)
    deadline = time.monotonic() + 20
    while http.post(RUNNING).data != b"0\n":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_inserts_go_before_reads(tmp_path: Path) -> None:
    """As many reads as may run and more: an insert is done while they run, and at once."""
    process, address = start(tmp_path)
    plain = Http(address)
    try:
        plain.post("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        reads = [socket.create_connection(place_of(address)) for _ in range(2 * AT_ONCE)]
        for read in reads:
            read.sendall(f"GET /?query={quote(ENDLESS)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        time.sleep(1)
        for _ in range(3):
            started = time.monotonic()
            assert plain.post("INSERT INTO t FORMAT TSV\n1\n").status == 200
            assert time.monotonic() - started < 5
        for read in reads:
            read.close()
        assert plain.post("SELECT count() FROM t").data == b"3\n"
    finally:
        plain.pool.clear()
        stop(process)


def test_too_many_that_wait_are_refused(address: str, http: Http) -> None:
    reads = [socket.create_connection(place_of(address)) for _ in range(100)]
    for read in reads:
        read.sendall(f"GET /?query={quote(ENDLESS)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    time.sleep(1)
    answer = http.post("SELECT 1")
    for read in reads:
        read.close()
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (503, "202")
    deadline = time.monotonic() + 30
    while http.post("SELECT 1").data != b"1\n":
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_read_has_a_limit_of_time(http: Http) -> None:
    assert http.post("SELECT getSetting('max_execution_time')").data == b"300\n"
    answer = http.post(ENDLESS, max_execution_time="1")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (408, "159")


def test_user_and_password_are_checked(tmp_path: Path, http: Http) -> None:
    assert http.get(query="SELECT 1", user="nobody").status == 403
    assert http.get(query="SELECT 1", user="default", password="any").status == 403
    with serving(tmp_path, password="hush") as address:
        plain = Http(address)
        for user, password in (("default", ""), ("default", "hus"), ("other", "hush"), ("", "default\0hush")):
            assert plain.get(query="SELECT 1", user=user, password=password).status == 403
        assert plain.get(query="SELECT 1", user="default", password="hush").data == b"1\n"
        plain.pool.clear()


def test_a_turn_that_takes_too_long_is_given_up() -> None:
    async def scenario() -> None:
        queue = Queue(longest=3, seconds=0.05)
        held = asyncio.Event()

        async def hold() -> None:
            async with queue.turn(insert=False):
                await held.wait()

        running = [asyncio.create_task(hold()) for _ in range(AT_ONCE - 2)]
        await asyncio.sleep(0)
        with pytest.raises(FullError, match="waited"):
            async with queue.turn(insert=False):
                pass
        async with queue.turn(insert=True), queue.turn(insert=True):
            pass
        held.set()
        await asyncio.gather(*running)
        async with queue.turn(insert=False):
            return

    asyncio.run(scenario())
