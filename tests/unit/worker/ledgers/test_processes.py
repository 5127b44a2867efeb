"""Calls done in another process: as if they were done here, in their order, until either of the two ends."""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from streams.core.parsing.decoding import Rejected
from streams.worker.ledgers.processes import InlineExecutor, ProcessExecutor, ProcessLostError
from tests.integration.support.processes import wait_gone

# Has a child wait for calls, says its id, and waits itself.
PARENT = """
import os, time
from streams.worker.ledgers.processes import ProcessExecutor
print(ProcessExecutor().submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


@pytest.fixture(params=[InlineExecutor, ProcessExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with request.param() as made:
        yield made


def test_a_call_returns_what_it_would_here(executor: Executor) -> None:
    large = [os.urandom(1000) for _ in range(5000)]
    assert executor.submit(sorted, large, reverse=True).result() == sorted(large, reverse=True)


def test_a_call_raises_what_it_would_here_and_the_next_one_is_done(executor: Executor) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        executor.submit(int, "ten").result()
    assert executor.submit(int, "10").result() == 10


def test_calls_are_done_in_their_order(executor: Executor, tmp_path: Path) -> None:
    path = str(tmp_path / "calls")
    calls = [executor.submit(_append, path, i) for i in range(50)]
    assert [call.result() for call in calls] == list(range(50))
    assert Path(path).read_text().split() == [str(i) for i in range(50)]


def _append(path: str, number: int) -> int:
    with Path(path).open("a") as file:
        file.write(f"{number}\n")
    return number


def test_an_error_says_where_it_was_raised() -> None:
    with ProcessExecutor() as process, pytest.raises(ZeroDivisionError) as raised:
        process.submit(_divide, 1).result()
    assert "in _divide" in "".join(traceback.format_exception(raised.value))


def _divide(number: int) -> float:
    return number / 0


def test_what_cannot_be_sent_back_is_an_error_like_others() -> None:
    with ProcessExecutor() as process:
        with pytest.raises(TypeError, match="cannot pickle"):
            process.submit(threading.Lock).result()
        with pytest.raises(RuntimeError, match="Rejected"):
            process.submit(_refuse).result()
        assert process.submit(int, "10").result() == 10


def _refuse() -> None:
    raise Rejected("malformed", "no reason at all")


def test_it_finds_nothing_that_lies_in_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "select.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    with ProcessExecutor() as process:
        assert process.submit(int, "10").result() == 10


def test_of_one_that_is_ended_at_once_only_the_call_under_way_is_done() -> None:
    process = ProcessExecutor()
    process.submit(int).result()
    calls = [process.submit(time.sleep, 0.5) for _ in range(3)]
    while not calls[0].running():
        time.sleep(0.01)
    process.shutdown(cancel_futures=True)
    assert calls[0].result() is None
    for call in calls[1:]:
        with pytest.raises(ProcessLostError, match=r"process \d+ was ended"):
            call.result()


def test_what_ends_other_processes_does_not_end_it_before_its_work_is_done() -> None:
    with ProcessExecutor() as process:
        pid = process.submit(os.getpid).result()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        assert process.submit(os.getpid).result() == pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_is_lost_says_so_for_every_call() -> None:
    with ProcessExecutor() as process:
        os.kill(process.submit(os.getpid).result(), signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(ProcessLostError, match=r"process \d+ ended"):
                process.submit(int).result()


def test_it_ends_with_the_one_that_started_it() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent.stdout as said:
        child = int(said.readline())
    parent.kill()
    parent.wait()
    wait_gone(child)
