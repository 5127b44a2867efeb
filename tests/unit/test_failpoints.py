import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from streams import failpoints

_PASSES = """
import sys
from streams import failpoints as fail_points
if sys.argv[1]:
    fail_points.arm(sys.argv[1])
for point in ("sent", "journalled", "journalled", "sent"):
    print(point, flush=True)
    fail_points.passing(point)
"""


def passes(place: str) -> tuple[int, list[str]]:
    """The exit status of a process that goes by four points, and those that it came to."""
    done = subprocess.run([sys.executable, "-c", _PASSES, place], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split()


def test_a_process_dies_where_it_is_told_to_and_nowhere_else() -> None:
    assert passes("journalled:2") == (-signal.SIGKILL, ["sent", "journalled", "journalled"])
    assert passes("journalled:3")[0] == passes("")[0] == 0


def test_it_may_freeze_instead() -> None:
    with subprocess.Popen([sys.executable, "-c", _PASSES, "sent:1:stop"]) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0


def test_every_point_is_one_place_in_the_code() -> None:
    text = "".join(path.read_text("utf-8") for path in Path(failpoints.__file__).parent.rglob("*.py"))
    assert sorted(re.findall(r'failpoints\.passing\("(\w+)"\)', text)) == sorted(failpoints.POINTS)
