"""Processes under test: started with a log file, killed, frozen and stopped by their own id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from deploy.kafka.broker import dies_with_parent

Sample = tuple[str, tuple[tuple[str, str], ...]]


def _state(pid: int) -> str:
    """The letter that the system has for what that process does, Z where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def wait_gone(pid: int, timeout: float = 10) -> None:
    """Wait until no process of that id does anything: one that nobody asks how it ended is still there."""
    deadline = time.monotonic() + timeout
    while _state(pid) != "Z":
        assert time.monotonic() < deadline, f"process {pid} still runs after {timeout} s"
        time.sleep(0.01)


class Process:
    """One process, started again as often as wanted; whatever it says is appended to `log`.

    Start it from the main thread: where `setpriv` exists, it dies with the thread that started it.
    """

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.command = list(command)
        self.log = log
        self.env = {**os.environ, **(env or {})}
        self.kills = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended; a frozen process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it."""
        assert not self.running, f"process {self.pid} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                dies_with_parent(self.command),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone. A frozen process dies too."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.kills += 1

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    @property
    def frozen(self) -> bool:
        """Whether it is stopped."""
        return _state(self.pid) == "T"

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self, timeout: float) -> int:
        """SIGTERM; returns the exit status, and fails the test when it takes longer than `timeout` seconds."""
        assert self._process is not None
        self._process.terminate()
        status = self.wait(timeout)
        assert status != -signal.SIGSEGV, self.tail()  # which says where
        return status

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself; returns the exit status, and fails the test when it takes longer than `timeout`
        seconds."""
        assert self._process is not None
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s:\n{self.tail()}") from None

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self.running:
            self.kill()

    def said(self) -> str:
        """Everything in the log, nothing before it was started."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def tail(self) -> str:
        """The end of the log, for the message of a failure."""
        return self.said()[-4_000:]

    def children(self) -> list[int]:
        """The ids of the processes that its main thread started."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def memory(self) -> int:
        """Resident memory of it and its children now, in bytes."""
        files = (Path(f"/proc/{pid}/statm") for pid in (self.pid, *self.children()))
        return sum(int(file.read_text().split()[1]) for file in files) * os.sysconf("SC_PAGE_SIZE")


class Worker(Process):
    """A `maalstrom worker` and its web port."""

    def __init__(self, log: Path, port: int, env: Mapping[str, str]) -> None:
        super().__init__([sys.executable, "-m", "streams", "worker"], log, {**env, "WEB_PORT": str(port)})
        self.port = port

    def get(self, path: str, timeout: float = 5) -> tuple[int, str]:
        """The status and body of its answer; status 0 when there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_ready(self, timeout: float = 60) -> None:
        """Wait until `/ready` says 200; a failure shows what the worker said last."""
        self.until(lambda: self.get("/ready")[0] == 200, timeout)

    def until(self, condition: Callable[[], bool], timeout: float = 60) -> None:
        """Wait for something that it brings about; a failure shows what it said last."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert self.running, f"the worker ended:\n{self.tail()}"
            assert time.monotonic() < deadline, f"waited in vain for {timeout} s:\n{self.tail()}"
            time.sleep(0.1)

    def metrics(self) -> dict[Sample, float]:
        """Every sample of `/metrics`: (name, sorted labels) to value."""
        status, text = self.get("/metrics")
        assert status == 200, f"/metrics answered {status}"
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
