"""`topics create` says what it was asked for and did not do."""

import io

import pytest
from rich.console import Console

from streams.kafka.topics import Created, WantedTopics, render_not_done

KEYED = ("engagement", "checkout")


@pytest.mark.parametrize(
    ("made", "partitions", "replication", "says"),
    [
        (("engagement", 4, False), 8, None, "stay so: `maalstrom topics grow 8` gives them more"),
        (("engagement", 4, False), 2, None, "1 topics were there with 4 partitions, and stay so"),
        (("engagement", 4, False), None, 3, "keep their replicas"),
        (("engagement", 8, True), 8, 3, ""),
        (("costs", 1, False), 8, None, ""),
        (("engagement", 4, False), None, None, ""),
    ],
)
def test_what_was_not_done(
    made: tuple[str, int, bool], partitions: int | None, replication: int | None, says: str
) -> None:
    out = io.StringIO()
    render_not_done(Console(file=out, width=200), [Created(*made)], WantedTopics(partitions, replication, KEYED))
    assert (says in out.getvalue()) if says else ("not done" not in out.getvalue())
