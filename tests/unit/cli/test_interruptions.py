"""Ctrl-C at a moment at which Python cannot raise it."""

import subprocess
import sys

from streams.cli import interruptions

LOST = """
import time
from streams.cli import interruptions

class Collected:
    def __del__(self):
        raise KeyboardInterrupt

interruptions.keep()
try:
    Collected()
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interruption_that_python_could_not_raise_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)


def test_another_error_is_told_as_before() -> None:
    other = LOST.replace("raise KeyboardInterrupt", "raise ValueError('lost')").replace("time.sleep(30)", "pass")
    done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, timeout=60)
    assert "ValueError: lost" in done.stderr


def test_an_error_that_a_library_makes_of_an_interruption_is_known() -> None:
    missing = ImportError("engine not found")
    missing.__context__ = ImportError("KeyboardInterrupt: <EMPTY MESSAGE>")
    assert interruptions.caused(missing)
    assert not interruptions.caused(ImportError("engine not found"))
