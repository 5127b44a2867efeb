"""State that cannot be written to files is told once a minute."""

from structlog.testing import capture_logs

from streams.worker.watch.unfiled import Unfiled


def test_it_is_told_once_a_minute_while_it_is_so() -> None:
    unfiled = Unfiled(3)
    with capture_logs() as logs:
        for second in range(0, 121, 10):
            unfiled.tell(second * 1000, "disk: full")
        unfiled.tell(500_000, "")
    assert [(entry["partition"], entry["error"]) for entry in logs] == [(3, "disk: full")] * 3
