"""A process beside this one that does what it is given: Python uses one core a process.

A call is a function, which is sent by its name, and its arguments; they and what it returns are pickled. The process
ends when this one does, however that ends.
"""

import faulthandler
import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Outcome = tuple[Exception | None, Any]
LONGEST_END = 10.0  # s


class ProcessLostError(Exception):
    """The process ended."""


class ProcessExecutor(Executor):
    """Has calls done in a process of its own, in their order. A future that it gives raises what its call raised, or
    ProcessLostError."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        # It is to find what this one finds, and nothing else that lies about in the current directory.
        command, environment = [sys.executable, "-P", "-m", __name__], {"PYTHONPATH": os.pathsep.join(sys.path)}
        with theirs:
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), env=os.environ | environment)
        self._calls = Connection(ours.detach())
        self._thread, self._ended = ThreadPoolExecutor(1), False

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have it done."""
        return self._thread.submit(self._done, work, args, kwargs)

    def _done(self, *call: object) -> Any:
        if self._ended:
            raise ProcessLostError(f"process {self.pid} was ended")
        try:
            self._calls.send(call)
            error, done = self._calls.recv()
        except (EOFError, OSError):
            raise ProcessLostError(f"process {self.pid} ended") from None
        if error:
            raise error
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let it do what it was given, or with `cancel_futures` only what it is at (of the rest, ProcessLostError), and
        end it."""
        self._ended = self._ended or cancel_futures
        self._thread.shutdown(wait)
        self._calls.close()
        try:
            self._process.wait(LONGEST_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class InlineExecutor(Executor):
    """An executor without a process: a call is done when `submit` returns."""

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
    faulthandler.enable()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    tune_gc()
    calls = Connection(os.dup(sys.stdin.fileno()))
    with suppress(EOFError, OSError):
        while True:
            _answer(calls, _outcome(*calls.recv()))


def _answer(calls: Connection, outcome: Outcome) -> None:
    error, done = outcome
    try:
        calls.send((error and _told(error), done))
    except (pickle.PicklingError, TypeError, AttributeError) as unsendable:
        calls.send((_told(unsendable), None))


def _told(error: Exception) -> Exception:
    """The error with where it was raised, which a pickle leaves out; another one with its text where it has no
    pickle."""
    text = "".join(traceback.format_exception(error))
    try:
        copy: Exception = pickle.loads(pickle.dumps(error))
    except Exception:
        copy = RuntimeError(repr(error))
    copy.add_note(text)
    return copy


if __name__ == "__main__":
    import_module("streams.worker.ledgers.proxy")  # before it is asked for the first time, which is waited for
    _serve()
