"""Calls done in another process: as if they were done here, in their order, until either of the two ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from streams.processes import Here, Process, ProcessLostError
from tests.integration.processes import wait_gone

# Has a child wait for calls, says its id, and waits itself.
PARENT = """
import os, time
from streams.processes import Process
print(Process().submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


@pytest.fixture(params=[Here, Process])
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


def test_what_ends_other_processes_does_not_end_it_before_its_work_is_done() -> None:
    with Process() as process:
        pid = process.submit(os.getpid).result()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        assert process.submit(os.getpid).result() == pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_is_lost_says_so_for_every_call() -> None:
    with Process() as process:
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
        said.read()  # ends when nobody is left to say anything
    wait_gone(child)
