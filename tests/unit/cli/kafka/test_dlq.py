"""`maalstrom dlq`: which dead letters can be asked for."""

import pytest
from click.testing import CliRunner

from streams.cli.main import main


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "kafka://127.0.0.1:1")


@pytest.mark.parametrize("command", ["list", "replay"])
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("--since 2026-11-02 --until 2026-11-01", "is not after --since"),
        ("--since 2026-11-02T10:00 --until 2026-11-02T10:00", "is not after --since"),
        ("--first 7 --last 6", "--last 6 is before --first 7"),
    ],
)
def test_what_no_letter_can_be_is_wrong_usage(command: str, asked: str, says: str) -> None:
    done = CliRunner().invoke(main, ["dlq", command, *asked.split()])
    assert (done.exit_code, says in done.output) == (2, True)


@pytest.mark.parametrize(
    "time", ["2026-11-02", "2026-11-02T10:00Z", "2026-11-02T10:00:00Z", "2026-11-02T10:00:00.123Z"]
)
def test_a_time_may_be_as_letters_have_it(time: str) -> None:
    done = CliRunner().invoke(main, ["dlq", "list", "--since", time])
    assert (done.exit_code, "127.0.0.1:1" in done.output) == (1, True)
