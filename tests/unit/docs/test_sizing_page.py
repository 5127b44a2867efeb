"""`docs/operations/sizing.md` has every constant that `maalstrom plan` multiplies, and shows what it prints."""

import re
from pathlib import Path

from click.testing import CliRunner

from streams.cli.main import main
from streams.reports import sizing

PAGE = (Path(__file__).parents[3] / "docs" / "operations" / "sizing.md").read_text("utf-8")


def test_the_page_has_every_constant() -> None:
    written = {name: float(value) for name, value in re.findall(r"^\| `([A-Z_]+)` \| (\S+) \|", PAGE, re.MULTILINE)}
    assert written == {name: float(value) for name, value in vars(sizing).items() if re.fullmatch("[A-Z_]{4,}", name)}


def test_the_page_shows_what_is_printed() -> None:
    shown = re.findall(r"```console\n\$ maalstrom (.*)\n([^`]*)```", PAGE)
    assert len(shown) == 2
    for command, printed in shown:
        done = CliRunner().invoke(main, command.split())
        assert (done.exit_code, done.output) == (0, printed)


def test_twice_the_events_are_twice_the_bytes() -> None:
    one, two = (sizing.plan(sizing.Load(events, 1, 45)) for events in (1e8, 2e8))
    assert (two.topics, two.events_a_second) == (2 * one.topics, 2 * one.events_a_second)
    assert one.workers < two.workers <= 2 * one.workers
    assert two.partitions >= 4 * two.workers
    assert sizing.plan(sizing.Load(1, 1, 1)).workers == 1


def test_a_load_that_is_none_is_refused() -> None:
    for wrong in (["--events-a-day", "0", "--users", "1"], ["--events-a-day", "1e6"]):
        assert CliRunner().invoke(main, ["plan", *wrong]).exit_code == 2
    done = CliRunner().invoke(main, ["plan", "--events-a-day", "1", "--users", "1", "--retention", "long"])
    assert (done.exit_code, "is not a duration" in done.output) == (1, True)
