"""What all tests share: how properties are tried, and fixtures for every test that needs a database."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from hypothesis import settings
from kafka.net.inet import KafkaNetSocket
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport

from deploy.kafka import broker
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, connect
from tests.support.databases import migrate
from tests.support.disks.small_disk import NotAllowedError, small_disk

# How long an example takes is no property of the code. CI tries more of them than people wait for.
settings.register_profile("ci", deadline=None)
settings.register_profile("here", deadline=None, max_examples=25)
CI = os.environ.get("CI") == "true"
settings.load_profile("ci" if CI else "here")

# What is printed is as wide as it is in a pipe, whatever terminal the tests are started from.
for name in ("COLUMNS", "LINES", "FORCE_COLOR"):
    os.environ.pop(name, None)

# A broker that is down must find its port free again: runners side by side keep to ports of their own.
broker.PORTS = broker.PORTS[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) :: 8]

# The server ends when its standard input does, so that none outlives a test run that was killed.
_SERVE = """
import os, signal, sys, threading
from streams.embedded.clickhouse import serve

def end_with_the_tests():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_the_tests, daemon=True).start()
serve(sys.argv[1], port=int(sys.argv[2]), password=sys.argv[3], allow_sources=sys.argv[4] == "True",
      announce=lambda address: print(address, flush=True))
"""
_databases = count(1)
_TABLES = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'migrations'
"""


def _closing(connect: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(connect)
    async def connected(self: KafkaNetSocket, net: Any, sock: socket.socket, *args: Any, **kwargs: Any) -> Any:
        try:
            return await connect(self, net, sock, *args, **kwargs)
        except BaseException:
            sock.close()
            raise

    return connected


def _known_to_its_selector(made: Callable[..., None]) -> Callable[..., None]:
    @wraps(made)
    def known(self: KafkaTCPTransport, net: NetworkSelector, *args: Any, **kwargs: Any) -> None:
        made(self, net, *args, **kwargs)
        net.__dict__.setdefault("transports", WeakSet()).add(self)

    return known


def _closing_all(close: Callable[[NetworkSelector], None]) -> Callable[[NetworkSelector], None]:
    @wraps(close)
    def closed(self: NetworkSelector) -> None:
        close(self)
        for transport in self.__dict__.get("transports", ()):
            if transport._sock is not None:
                transport._sock.close()

    return closed


# kafka-python's clients leave sockets open when they are closed: one that is connecting, and one that has something to
# write. A warning, and so an error, at whatever test Python collects it.
KafkaNetSocket.sock_connect = _closing(KafkaNetSocket.sock_connect)
KafkaTCPTransport.__init__ = _known_to_its_selector(KafkaTCPTransport.__init__)
NetworkSelector.close = _closing_all(NetworkSelector.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that no runner waits at the end for one that has just begun it."""
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)


def tried(most: int) -> int:
    """How many examples of a slow property are tried: so many in CI, fewer where somebody waits."""
    return most if CI else most // 3


def serve(folder: Path, port: int = 0, password: str = "", sources: bool = False) -> tuple[subprocess.Popen[str], str]:
    """Start a process that serves `folder`; returns it and its address, `127.0.0.1:port`, once it answers."""
    command = [sys.executable, "-c", _SERVE, str(folder), str(port), password, str(sources)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        address = output.readline().strip()
    assert address.startswith("http://"), "the server did not start; its error is above"
    return process, address.removeprefix("http://").rstrip("/")


@contextmanager
def serving(folder: Path, port: int = 0, password: str = "", sources: bool = False) -> Iterator[str]:
    """A process that serves `folder`, and ends with the block; yields its address, `127.0.0.1:port`."""
    process, address = serve(folder, port, password, sources)
    try:
        yield address
    finally:
        stop(process)
    assert process.returncode == 0


def stop(process: subprocess.Popen[str]) -> None:
    """Ask a server to end, and wait until it has."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait()


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """ClickHouse over HTTP for the whole session: a DSN without a database, so that each test can have its own."""
    with serving(tmp_path_factory.mktemp("clickhouse")) as address:
        yield f"clickhouse://{address}"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 5 MiB; skips with a reason where none may be mounted, except in CI."""
    try:
        with small_disk(tmp_path / "small") as place:
            yield place
    except NotAllowedError as reason:
        if CI:
            raise
        pytest.skip(str(reason))


@pytest.fixture(params=["embedded", "http"])
def blank(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of a database that does not exist yet, embedded and over HTTP."""
    if request.param == "embedded":
        dsn = "chdb://memory"
    else:
        dsn = f"{request.getfixturevalue('clickhouse_server')}/test_{next(_databases)}"
    with connect(dsn) as client:
        yield client


@pytest.fixture(params=["embedded", pytest.param("emptied", id="http")])
def client(request: pytest.FixtureRequest) -> Client:
    """A client of an empty, migrated database, embedded and over HTTP."""
    client: Client = request.getfixturevalue(request.param)
    return client


@pytest.fixture
def embedded() -> Iterator[Client]:
    """A client of an empty, migrated database, embedded."""
    with connect("chdb://memory") as client:
        migrate(client)
        yield client


@pytest.fixture(scope="session")
def migrated(clickhouse_server: str) -> str:
    """The DSN of a migrated database: to migrate one takes longer than most tests with it."""
    dsn = f"{clickhouse_server}/migrated"
    with connect(dsn) as client:
        migrations.apply(client)
    return dsn


@pytest.fixture
def emptied(migrated: str) -> Iterator[Client]:
    """A client of an empty, migrated database, over HTTP: for tests of figures, which are the same on both paths."""
    with connect(migrated) as client:
        yield client
        for row in client.query(_TABLES):
            client.command(f"TRUNCATE TABLE `{row['name']}`")
