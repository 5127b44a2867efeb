"""The embedded engine behind ClickHouse's HTTP interface, for plain requests and for the ordinary client."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import cramjam
import pyarrow as pa
import pytest
import urllib3
from clickhouse_connect.driver.client import Client as Driver
from clickhouse_connect.driver.exceptions import DatabaseError

from streams.embedded.clickhouse import serve
from streams.embedded.engine import EngineError
from streams.sinks.clickhouse.client import connect
from tests.conftest import serve as start
from tests.conftest import serving, stop

tables = count(1)


class Http:
    """Plain requests to one address."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"
        self.pool = urllib3.PoolManager()

    def get(
        self, path: str = "/", headers: Mapping[str, str] | None = None, **parameters: str
    ) -> urllib3.BaseHTTPResponse:
        return self.pool.request("GET", f"{self.url}{path}?{urlencode(parameters)}", headers=headers)

    def post(
        self, body: bytes | str = b"", headers: Mapping[str, str] | None = None, **parameters: str
    ) -> urllib3.BaseHTTPResponse:
        return self.pool.request("POST", f"{self.url}/?{urlencode(parameters)}", body=body, headers=headers)


@pytest.fixture
def address(clickhouse_server: str) -> str:
    return clickhouse_server.removeprefix("clickhouse://")


@pytest.fixture
def http(address: str) -> Iterator[Http]:
    plain = Http(address)
    yield plain
    plain.pool.clear()


@pytest.fixture
def ordinary(address: str) -> Iterator[Driver]:
    host, port = address.split(":")
    with closing(clickhouse_connect.get_client(host=host, port=int(port), dedicated_pool=True)) as client:
        yield client


@pytest.fixture
def table(http: Http) -> str:
    name = f"t{next(tables)}"
    assert http.post(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a").status == 200
    return name


def test_it_is_alive(http: Http) -> None:
    assert http.get("/ping").data == b"Ok.\n"
    assert http.get().data == b"Ok.\n"


def test_a_query_comes_in_the_body_or_the_address(http: Http) -> None:
    assert http.post("SELECT 1").data == b"1\n"
    assert http.get(query="SELECT 2").data == b"2\n"
    assert http.post("+ 1", query="SELECT 2").data == b"3\n"
    assert http.pool.request("POST", http.url, fields={"query": "SELECT {a:UInt8}", "param_a": "4"}).data == b"4\n"


def test_the_format_is_that_of_the_query_else_of_the_request(http: Http) -> None:
    asked = http.post("SELECT 1 AS one FORMAT JSONEachRow")
    assert (asked.data, asked.headers["X-ClickHouse-Format"]) == (b'{"one":1}\n', "JSONEachRow")
    default = http.post("SELECT 1 AS one", default_format="CSVWithNames")
    assert (default.data, default.headers["X-ClickHouse-Format"]) == (b'"one"\n1\n', "CSVWithNames")
    assert default.headers["Content-Type"] == "text/csv; charset=UTF-8"
    header = http.post("SELECT 1 AS one", headers={"X-ClickHouse-Format": "JSON"})
    assert json.loads(header.data)["data"] == [{"one": 1}]
    assert header.headers["Content-Type"] == "application/json; charset=UTF-8"


def test_parameters_settings_and_database_belong_to_the_request(http: Http) -> None:
    tab = http.post("SELECT {a:String}, {b:Array(UInt8)} FORMAT JSONCompactEachRow", param_a="x\\ty'", param_b="[1,2]")
    assert json.loads(tab.data) == ["x\ty'", [1, 2]]
    assert http.post("SELECT getSetting('max_threads')", max_threads="1").data == b"1\n"
    assert http.post("SELECT currentDatabase()", database="system").data == b"system\n"
    assert http.post("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "system"}).data == b"system\n"
    assert http.post("SELECT currentDatabase()").data == b"default\n"


def test_answers_carry_what_clients_look_for(http: Http, table: str) -> None:
    answer = http.post(f"INSERT INTO {table} FORMAT CSV\n1,x\n2,y\n", query_id="mine")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert "X-ClickHouse-Format" not in answer.headers


@pytest.mark.parametrize(
    ("query", "parameters", "status", "code"),
    [
        ("SELECT nope", {}, 404, 47),
        ("SELECT * FROM nope", {}, 404, 60),
        ("SELECT 1", {"database": "nope"}, 404, 81),
        ("SELECT 1", {"no_such_setting": "1"}, 404, 115),
        ("SELECT 1", {"bad name": "1"}, 400, 36),
        ("SELECT 1", {"client_protocol_version": "new"}, 400, 36),
        ("SELECT (", {}, 400, 62),
        ("SELECT {a:UInt8}", {"param_a": "x"}, 400, 457),
        ("SELECT throwIf(1)", {}, 500, 395),
        ("SELECT 1", {"compress": "1"}, 501, 48),
    ],
)
def test_an_error_has_its_code_and_a_status(
    http: Http, query: str, parameters: dict[str, Any], status: int, code: int
) -> None:
    answer = http.post(query, **parameters)
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert answer.data.startswith(f"Code: {code}. DB::Exception: ".encode())


def test_a_get_only_reads(http: Http, table: str) -> None:
    answer = http.get(query=f"INSERT INTO {table} VALUES (1, 'x')")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "164")
    assert http.get(query=f"SELECT count() FROM {table}", max_threads="1").data == b"0\n"


CODECS = {"gzip": cramjam.gzip, "deflate": cramjam.zlib, "lz4": cramjam.lz4, "zstd": cramjam.zstd, "br": cramjam.brotli}


@pytest.mark.parametrize("encoding", CODECS)
def test_bodies_may_be_compressed_both_ways(http: Http, table: str, encoding: str) -> None:
    body = bytes(CODECS[encoding].compress(b"1,x\n2,y\n"))
    sent = http.post(body, {"Content-Encoding": encoding}, query=f"INSERT INTO {table} FORMAT CSV")
    assert sent.status == 200
    got = http.pool.request(
        "POST",
        http.url,
        body=f"SELECT b FROM {table}",
        headers={"Accept-Encoding": f"x, {encoding};q=1"},
        decode_content=False,
    )
    assert got.headers["Content-Encoding"] == encoding
    assert bytes(CODECS[encoding].decompress(got.data)) == b"x\ny\n"


def test_a_body_that_cannot_be_read_is_refused(http: Http) -> None:
    assert http.post(b"nonsense", {"Content-Encoding": "gzip"}).status == 400
    assert http.post(b"nonsense", {"Content-Encoding": "rot13"}).status == 501


def test_a_page_of_another_site_may_not_query(http: Http) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Host": "evil.example:8123"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert http.get(query="SELECT 1", headers=headers).status == 403
    assert http.get(query="SELECT 1", headers={"Sec-Fetch-Site": "none"}).status == 200


@pytest.mark.parametrize("host", ["[", "[::1", "[::::]", "localhost:x", "a b"])
def test_a_host_that_is_none_may_not_query(http: Http, host: str) -> None:
    answer = http.get(query="SELECT 1", headers={"Host": host})
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("; boundary=x", b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT \xff\r\n--x--\r\n'),
        ("; boundary=x", b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1'),
        ("; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nSELECT 1\r\n--x--\r\n"),
        ("; boundary=x", b"nothing of the kind"),
        ("; boundary=x", b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n"),
        ("", b"SELECT 1"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(http: Http, form: str, body: bytes) -> None:
    answer = http.post(body, {"Content-Type": f"multipart/form-data{form}"})
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (400, "36")


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, password="hush") as address:
        plain = Http(address)
        wrong = plain.get(query="SELECT 1", headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": "no"})
        assert (wrong.status, wrong.headers["X-ClickHouse-Exception-Code"]) == (403, "516")
        assert plain.get(query="SELECT 1").status == 403
        assert plain.get(query="SELECT 1", headers={"Authorization": "Basic ???"}).status == 403
        assert plain.get("/ping").status == 200
        assert plain.get(query="SELECT 1", user="default", password="hush").status == 200
        right = urllib3.make_headers(basic_auth="default:hush")
        assert plain.get(query="SELECT 1", headers={**right, "Origin": "https://a.example"}).status == 200
        plain.pool.clear()
        with connect(f"clickhouse://default:hush@{address}") as client:
            client.create_database()
            assert client.query("SELECT 1 AS one") == [{"one": 1}]


def test_only_this_machine_without_a_password(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a password"):
        serve(tmp_path, host="0.0.0.0")


def test_a_folder_has_one_server(tmp_path: Path, clickhouse_server: str) -> None:
    with serving(tmp_path), pytest.raises(EngineError, match=r"process \d+ has .* open"):
        serve(tmp_path, port=0)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    process, address = start(tmp_path)
    plain = Http(address)
    plain.post("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    assert plain.post("INSERT INTO t FORMAT CSV\n7\n").status == 200
    plain.pool.clear()
    process.kill()
    stop(process)
    with serving(tmp_path) as address:
        assert Http(address).post("SELECT a FROM t").data == b"7\n"


def test_a_slow_query_holds_up_nobody(http: Http) -> None:
    slow = threading.Thread(target=http.post, args=("SELECT sleep(1) FORMAT Null",))
    slow.start()
    running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleep(1)%'"
    seen = set()
    while slow.is_alive():
        seen.add(http.post(running).data)
    assert b"1\n" in seen


def test_the_ordinary_client_reads_every_kind_of_value(ordinary: Driver) -> None:
    result = ordinary.query(
        "SELECT number AS n, toString(n) AS s, toLowCardinality('x') AS l, toDateTime64(n, 3, 'UTC') AS t, [n] AS a,"
        " map('k', [toDecimal64(1.5, 6)]) AS m, if(n = 1, NULL, 0.5) AS f FROM numbers(2) WHERE n < {below:UInt8}",
        {"below": 2},
    )
    moments = [datetime.fromtimestamp(second, UTC).replace(tzinfo=None) for second in (0, 1)]
    assert result.result_rows == [
        (0, "0", "x", moments[0], [0], {"k": [Decimal("1.5")]}, 0.5),
        (1, "1", "x", moments[1], [1], {"k": [Decimal("1.5")]}, None),
    ]


def test_the_ordinary_client_gets_the_columns_of_no_rows(ordinary: Driver) -> None:
    result = ordinary.query("SELECT 1 AS a, toLowCardinality('x') AS b WHERE {n:UInt8} = 0", {"n": 1})
    assert (result.column_names, result.result_rows) == (("a", "b"), [])
    assert ordinary.query("SELECT 1 AS a LIMIT 0").column_names == ("a",)


@pytest.mark.parametrize("compress", [False, True, "lz4", "zstd", "gzip"])
def test_the_ordinary_client_inserts(address: str, table: str, compress: bool | str) -> None:
    host, port = address.split(":")
    with closing(
        clickhouse_connect.get_client(host=host, port=int(port), compress=compress, dedicated_pool=True)
    ) as client:
        assert client.insert(table, [[1, "x"], [2, "ø"]], column_names=["a", "b"]).written_rows == 2
        client.insert_arrow(table, pa.table({"a": [3], "b": ["z"]}))
        client.raw_insert(table, ["a", "b"], iter([b"4,w\n", b"5,v\n"]), fmt="CSV")
        client.command(f"INSERT INTO {table} SELECT 6, 'u'")
        client.query(f"INSERT INTO {table} VALUES (7, 't')")
        assert client.query(f"SELECT * FROM {table} ORDER BY a").result_columns == [
            [1, 2, 3, 4, 5, 6, 7],
            list("xøzwvut"),
        ]


def test_the_ordinary_client_streams_and_takes_long_parameters(ordinary: Driver) -> None:
    with ordinary.query_row_block_stream("SELECT number FROM numbers(100000)") as blocks:
        assert sum(len(block) for block in blocks) == 100_000
    assert ordinary.query("SELECT length({a:String})", {"a": "x" * 50_000}).result_rows == [(50_000,)]


def test_the_ordinary_client_gets_the_error(ordinary: Driver) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as failed:
        ordinary.query("SELECT * FROM nope")
    assert failed.value.code == 60
