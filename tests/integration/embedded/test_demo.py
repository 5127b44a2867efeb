"""The demo, ended while it plays."""

import subprocess
import sys

PLAYED = """import time
from streams.demo.demo import Demo
with Demo(events=50_000, site_events=500, seconds=60) as demo:
    while demo.play.straight < 1_000:
        demo.check()
        time.sleep(0.05)
print(demo.play.done)
"""


def test_ended_in_the_middle_it_says_nothing_of_what_was_on_its_way() -> None:
    done = subprocess.run([sys.executable, "-c", PLAYED], capture_output=True, text=True, timeout=180, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
