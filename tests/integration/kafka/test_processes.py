"""The harness's hold on processes: what it says it did has happened to a real one."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from deploy.kafka.broker import free_ports
from tests.integration.support.processes import Process, Worker

TICKER = """
import sys, time
print("up", flush=True)
for number in range(10**6):
    print(number, flush=True)
    time.sleep(0.01)
"""
TIDY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("up", flush=True)
time.sleep(60)
"""
SITE = """
import http.server, os
class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'events_total{topic="engagement",outcome="accepted"} 3.0\\n'
        self.send_response(503 if self.path == "/broken" else 200)
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(os.environ["WEB_PORT"])), Site).serve_forever()
"""


def process(tmp_path: Path, code: str) -> Process:
    return Process([sys.executable, "-c", code], tmp_path / "log")


def wait_for(process: Process, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in process.said():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_process_is_gone_and_starts_again_with_the_same_log(tmp_path: Path) -> None:
    with process(tmp_path, TICKER) as ticker:
        wait_for(ticker, "up")
        first = ticker.pid
        ticker.kill()
        assert not ticker.running
        assert not Path(f"/proc/{first}").exists()
        ticker.start()
        wait_for(ticker, "up\n0\n1\n2")
        assert ticker.said().count("up") == 2
        assert ticker.kills == 1
    assert not Path(f"/proc/{ticker.pid}").exists(), "leaving the block ends it"


def test_a_frozen_process_says_nothing_until_it_wakes(tmp_path: Path) -> None:
    with process(tmp_path, TICKER) as ticker:
        wait_for(ticker, "up")
        ticker.freeze()
        wait_stopped(ticker)
        before = ticker.said()
        time.sleep(0.2)
        assert ticker.said() == before
        assert ticker.running
        ticker.thaw()
        assert not ticker.frozen
        wait_for(ticker, before + str(before.count("\n") - 1))
        assert ticker.memory() > 1_000_000
        ticker.freeze()
        ticker.kill()
        assert not ticker.running


def wait_stopped(process: Process) -> None:
    while not process.frozen:
        time.sleep(0.01)


def test_sigterm_gives_the_exit_status_or_fails_the_test(tmp_path: Path) -> None:
    with process(tmp_path, TIDY) as tidy:
        wait_for(tidy, "up")
        assert tidy.terminate(timeout=10) == 0
    deaf = TIDY.replace("sys.exit(0)", "None")
    with process(tmp_path, deaf) as stubborn:
        wait_for(stubborn, "up\nup")
        with pytest.raises(AssertionError, match=r"still running after 0\.2 s"):
            stubborn.terminate(timeout=0.2)


def test_a_worker_is_asked_over_its_web_port(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "log", free_ports(1)[0], {})
    worker.command = [sys.executable, "-c", SITE]
    assert worker.get("/ready") == (0, "")
    with worker:
        worker.wait_ready(timeout=20)
        assert worker.get("/broken")[0] == 503
        assert worker.metrics() == {("events_total", (("outcome", "accepted"), ("topic", "engagement"))): 3.0}
        worker.kill()
        with pytest.raises(AssertionError, match="the worker ended"):
            worker.wait_ready()
