"""A ClickHouse behind TLS and a password, and one of several hosts; what is said where it does not let one in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.broker import free_ports
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import DatabaseError, connect
from tests.conftest import serve, serving
from tests.integration.support.secured.tls_front import TlsFront
from tests.support.certificates import Authority, Pem


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server with a password."""
    with serving(tmp_path_factory.mktemp("secured"), password="rightword") as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def pem(authority: Authority) -> Pem:
    return authority.issue("server", ["localhost"])


def one(dsn: str) -> None:
    with connect(dsn) as client:
        assert client.query("SELECT 1 AS one FROM system.one") == [{"one": 1}]


def refused(dsn: str) -> str:
    with pytest.raises(DatabaseError) as told:
        one(dsn)
    assert "wrongword" not in f"{told.value} {told.value.__cause__}"
    return str(told.value)


def test_a_refused_log_in_names_user_and_dsn(server: int) -> None:
    connect(f"clickhouse://:rightword@127.0.0.1:{server}/default").query("SELECT 1")
    said = refused(f"clickhouse://analyst:wrongword@127.0.0.1:{server}/figures")
    assert f"at 127.0.0.1:{server} refused the log-in of user analyst with its password" in said
    assert f"the DSN clickhouse://analyst@127.0.0.1:{server}/figures" in said
    assert "user default with no password" in refused(f"clickhouse://127.0.0.1:{server}/figures")


def test_tls_with_an_authority_of_ones_own(server: int, authority: Authority, pem: Pem, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "foreign").ca
    with TlsFront(server, pem) as front:
        place = f"clickhouse://default:rightword@localhost:{front.port}/secured?secure=1"
        with connect(f"{place}&ca={authority.ca}") as client:
            assert migrations.apply(client)
            assert client.query("SELECT count() AS n FROM conversions") == [{"n": 0}]
        assert "TLS failed (self-signed" in (said := refused(f"{place}&ca={foreign}")) or "unable to get" in said
        assert "TLS failed" in refused(place), "nobody whom the system trusts signed it"
        other = f"clickhouse://default:rightword@127.0.0.1:{front.port}/secured?secure=1&ca={authority.ca}"
        assert "TLS failed (IP address mismatch" in refused(other)


def test_a_server_may_want_a_certificate(server: int, authority: Authority, pem: Pem) -> None:
    mine = authority.issue("client")
    with TlsFront(server, pem, str(authority.ca)) as front:
        place = f"clickhouse://default:rightword@localhost:{front.port}/default?secure=1&ca={authority.ca}"
        one(f"{place}&cert={mine.cert}&key={mine.key}")
        assert f"at localhost:{front.port}: " in refused(place)


def test_of_several_hosts_the_first_that_answers_is_asked(server: int, tmp_path: Path) -> None:
    nobody = free_ports(1)[0]
    login = "clickhouse://default:rightword@"
    one(f"{login}127.0.0.1:{nobody},127.0.0.1:{server}/default")
    said = refused(f"{login}127.0.0.1:{nobody},127.0.0.1:{nobody}/default")
    assert f"at 127.0.0.1:{nobody},127.0.0.1:{nobody}: no answer" in said
    process, first = serve(tmp_path / "first", password="rightword")
    client = connect(f"{login}{first},127.0.0.1:{server}/default")
    assert client.query("SELECT 1 AS one") == [{"one": 1}]
    process.kill()
    process.communicate()
    with pytest.raises(DatabaseError):
        client.query("SELECT 1 AS one")
    assert client.query("SELECT 1 AS one") == [{"one": 1}], "the second takes over"
    client.close()


def test_a_cluster_that_is_none_is_told(server: int) -> None:
    client = connect(f"clickhouse://default:rightword@127.0.0.1:{server}/clustered?cluster=nowhere")
    with client, pytest.raises(DatabaseError, match=r"cluster=nowhere in the DSN has 0 shards, and must have one"):
        migrations.apply(client)
