"""Ctrl-C: an interruption is never lost, ends a command with 130, and is told in a line."""

import signal
import sys
from _thread import interrupt_main
from threading import Timer

import click

_INTERRUPTED = 130  # as shells say it
_AGAIN_S = 0.05
_told = sys.unraisablehook


def keep() -> None:
    """Have an interruption that comes where Python can raise nothing, as while it collects an object, come again."""
    sys.unraisablehook = _again


def _again(unraisable: "sys.UnraisableHookArgs") -> None:
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        Timer(_AGAIN_S, interrupt_main).start()
    else:
        _told(unraisable)


def stopped() -> click.exceptions.Exit:
    """Say that somebody stopped the command; who asks once more ends it at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    click.echo("\nStopped. It may be run again: nothing is counted twice.", err=True)
    return click.exceptions.Exit(_INTERRUPTED)


def caused(error: BaseException | None) -> bool:
    """Whether an error came of an interruption, as where the engine makes an error of its own of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        if str(error).startswith(KeyboardInterrupt.__name__):  # as pybind11 has it, where a library is being imported
            return True
        error = error.__cause__ or error.__context__
    return error is not None
