"""The embedded ClickHouse and large bodies: what they unpack to, and what all of them hold, is bounded."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import serve as start
from tests.conftest import stop
from tests.integration.embedded.test_embedded_clickhouse import Http
from tests.integration.embedded.test_embedded_limits import PACKERS, place_of


def memory(pid: int) -> int:
    """Bytes of a process's memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s*(\d+)", status)
    assert found
    return 1024 * int(found[1])


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path, encoding: str) -> None:
    bomb = bytes(PACKERS[encoding](bytes(2**29)))
    process, address = start(tmp_path)
    plain, others = Http(address), Http(address)
    try:
        before, slowest = memory(process.pid), 0.0
        with ThreadPoolExecutor() as pool:
            sending = pool.submit(plain.post, bomb, {"Content-Encoding": encoding}, query="INSERT INTO t FORMAT TSV")
            highest = before
            while not sending.done():
                highest = max(highest, memory(process.pid))
                asked = time.monotonic()
                others.get("/ping")
                slowest = max(slowest, time.monotonic() - asked)
            answer = sending.result()
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (413, "307")
        assert highest - before < 700_000_000
        assert slowest < 2
    finally:
        plain.pool.clear()
        others.pool.clear()
        stop(process)


def uploading(address: str, size: int) -> socket.socket:
    """A request whose body has come but for its last byte, or what was answered before."""
    client = socket.create_connection(place_of(address))
    head = f"POST /?query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size + 1}\r\n\r\n"
    client.sendall(head.encode())
    with suppress(ConnectionError):
        for _ in range(size >> 20):
            client.sendall(bytes(2**20))
    return client


def answered(client: socket.socket) -> int | None:
    """The status of the answer, None where there is none yet."""
    client.settimeout(1)
    try:
        return int(client.recv(65_536).split()[1])
    except TimeoutError:
        return None


def test_what_all_bodies_hold_together_is_bounded(tmp_path: Path) -> None:
    process, address = start(tmp_path)
    plain, before = Http(address), memory(process.pid)
    waiting = []
    try:
        plain.post("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
        waiting = [uploading(address, 200 * 2**20) for _ in range(4)]
        statuses = [answered(client) for client in waiting]
        assert sorted(status or 0 for status in statuses) == [0, 0, 503, 503]
        assert memory(process.pid) - before < 1_200_000_000
        bomb = bytes(PACKERS["gzip"](bytes(200 * 2**20)))
        refused = plain.post(bomb, {"Content-Encoding": "gzip"}, query="INSERT INTO t FORMAT TSV")
        assert (refused.status, refused.headers["X-ClickHouse-Exception-Code"]) == (503, "202")
        assert b"the bodies of other requests hold 4" in refused.data
        assert plain.post("INSERT INTO t FORMAT TSV\na\n").status == 200, "there is room for a small one"
        for client in waiting:
            client.close()
        sent = plain.post(b"a" * 2**28 + b"\n", query="INSERT INTO t FORMAT TSV")
        assert sent.status == 200, sent.data[:200]
    finally:
        for client in waiting:
            client.close()
        plain.pool.clear()
        stop(process)
