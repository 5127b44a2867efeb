"""Requests with mistakes and tricks, and clients that only want to be waited for."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker, free_ports
from streams.collector import bodies, server
from streams.collector.collector import configured
from streams.collector.settings import CollectorSettings
from tests.bench.door.fuzz_collect import check
from tests.integration.collector.conftest import BROWSER, Site, environment, made_topic
from tests.integration.support.collectors import CollectorProcess

REQUESTS = 2_000
MANY = 50


def test_no_request_brings_a_fault_to_light(kafka: Broker, tmp_path: Path) -> None:
    topic = made_topic(kafka)
    env = environment(tmp_path, kafka, topic) | {
        "MAALSTROM_COLLECT_RATE": "0", "MAALSTROM_COLLECT_KEYLESS_RATE": "0"
    }  # fmt: skip
    with CollectorProcess(tmp_path / "log", free_ports(1)[0], env) as process:
        process.wait_alive()
        check(Site(process, kafka, topic), REQUESTS, seed=3)


def slow(monkeypatch: pytest.MonkeyPatch, folder: Path, first: bytes, more: bytes) -> list[bytes]:
    """The first line that clients are answered that send `first` and then a little now and then, without end."""
    (folder / "keys").write_text(f"web {BROWSER}")
    monkeypatch.setattr(server, "SILENCE", 1.0)
    monkeypatch.setattr(bodies, "SECONDS", 1.0)
    chosen = CollectorSettings(write_keys=folder / "keys")

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            writer.write(more)
            await asyncio.sleep(0.2)
        writer.transport.abort()
        return b"" if isinstance(answer.exception(), ConnectionError) else await answer

    async def ask() -> list[bytes]:
        listening = socket.create_server(("127.0.0.1", 0))
        runner = await server.started(configured(chosen), listening)
        port = listening.getsockname()[1]
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*(client(port) for _ in range(MANY)))
        await runner.cleanup()
        return answers

    return asyncio.run(ask())


def test_headers_that_never_end_are_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = slow(monkeypatch, tmp_path, b"POST /v1/page HTTP/1.1\r\n", b"X-Slow: 1\r\n")
    assert set(answers) == {b""}


def test_a_body_that_never_ends_is_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    head = f"POST /v1/page?writeKey={BROWSER} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
    answers = slow(monkeypatch, tmp_path, head.encode(), b" ")
    assert set(answers) == {b"HTTP/1.1 408 Request Timeout\r\n"}


@pytest.mark.parametrize("header", ["x" * 9_000, "\r\n".join(f"X-{n}: 1" for n in range(200))])
def test_headers_are_bounded(site: Site, header: str) -> None:
    with socket.create_connection(("127.0.0.1", site.process.port), timeout=10) as client:
        client.sendall(
            f"POST /v1/page HTTP/1.1\r\nHost: x\r\nX-Long: {header}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        assert client.recv(12).endswith(b" 400")
