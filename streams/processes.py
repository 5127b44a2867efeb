"""A process beside this one that does what it is given: Python uses one core a process.

A call is a function, which is sent by its name, and its arguments; they and what it returns are pickled. The process
ends when this one does, however that ends.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Outcome = tuple[Exception | None, Any]
LONGEST_END = 10.0  # s


class ProcessLostError(Exception):
    """The process ended."""


class Process(Executor):
    """Has calls done in a process of its own, in their order. A future that it gives raises what its call raised, or
    ProcessLostError."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno())
        self._calls = Connection(ours.detach())
        self._thread = ThreadPoolExecutor(1)

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have it done."""
        return self._thread.submit(self._done, work, args, kwargs)

    def _done(self, *call: object) -> Any:
        try:
            self._calls.send(call)
            error, done = self._calls.recv()
        except (EOFError, OSError):
            raise ProcessLostError(f"process {self.pid} ended") from None
        if error:
            raise error
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let it do what it was given, and end it."""
        self._thread.shutdown(wait, cancel_futures=cancel_futures)
        self._calls.close()
        self._process.wait(LONGEST_END)


class Here(Executor):
    """The same without a process: a call is done when `submit` returns."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it."""
        future = Future[T]()
        error, done = _outcome(work, args, kwargs)
        if error:
            future.set_exception(error)
        else:
            future.set_result(done)
        return future


def _outcome(work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome:
    try:
        return None, work(*args, **kwargs)
    except Exception as error:
        return error, None


def tune_gc() -> None:
    """Look for garbage rarely: a batch makes thousands of objects and no cycles, and looking costs 0.7 us each."""
    gc.set_threshold(50_000, 20, 100)


def _serve() -> None:
    """Do calls until there is nobody to make them. Signals to stop are for the other process, which still needs this
    one then."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    tune_gc()
    calls = Connection(os.dup(sys.stdin.fileno()))
    with suppress(EOFError, OSError):
        while True:
            calls.send(_outcome(*calls.recv()))


if __name__ == "__main__":
    _serve()
