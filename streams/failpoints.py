"""Places where a test may have the process die as by `kill -9`: MAALSTROM_FAIL_POINT=merged:3, there the third time.
With `:stop` at the end it freezes there instead, until somebody sends SIGCONT.

Without that variable, passing one is a call of an empty function, once a segment or a flush.
"""

import os
import signal
from collections.abc import Callable

POINTS = (
    "sent",  # dead letters and forwarded records are with the broker, their segment is not
    "lent",  # what others wait for is with the broker, and nothing says so: it is published again
    "chunked",  # the chunks of a large segment are with the broker, the record that names them is not
    "named",  # a record that names other chunks is with the broker, those that it named before are still there
    "journalled",  # a segment is with the broker, the offsets are not committed
    "committed",  # the offsets are committed, no row is written
    "inserted",  # one table is written, others perhaps not
    "written",  # every row is written, and the journal does not know it yet
    "forgotten",  # a segment was written anew without who was erased, others perhaps not
    "merged",  # segments were merged into one, and are still there
    "marked",  # a partition of the journal knows that topics get more partitions, others perhaps not
    "replayed",  # a replay of topics has taken in a batch, and its file says so
    "stored",  # a table of a replay, or of costs, is written, others perhaps not
    "grown",  # a topic has more partitions, others perhaps not
)
PATTERN = rf"^({'|'.join(POINTS)}):[1-9][0-9]*(:stop)?$"


def _pass(point: str) -> None:
    """Go on."""


#: To be called at one of `POINTS`.
passing: Callable[[str], None] = _pass


def arm(place: str) -> None:
    """Die, or freeze, at `place`: a text like PATTERN. The number is how often it is passed until then, that time
    included."""
    point, times, *stop = place.split(":")
    left, how = int(times), signal.SIGSTOP if stop else signal.SIGKILL

    def die(passed: str) -> None:
        nonlocal left
        if passed == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), how)

    global passing
    passing = die
