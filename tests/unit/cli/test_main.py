import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import COMMANDS, main
from streams.sinks.clickhouse.client import DatabaseError

CLIENTS = ("aiokafka", "chdb", "clickhouse_connect", "confluent_kafka", "faust", "kafka", "pyarrow")


def imported(code: str) -> set[str]:
    """The clients that a process has imported once it has run the code."""
    text = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & set(CLIENTS)


def test_help_imports_no_client() -> None:
    assert imported("from streams.cli.main import main\nmain(['--help'], standalone_mode=False)") == set()


@pytest.mark.parametrize("option", ["--help", "--hepl"])
def test_help_of_a_command_and_a_mistyped_option_import_no_client_either(option: str) -> None:
    assert (
        imported(f"from streams.cli.main import main\ntry: main(['worker', '{option}'])\nexcept SystemExit: pass")
        == set()
    )


def test_events_are_made_without_a_client() -> None:
    assert imported("import streams.simulate") == set()


def test_a_replay_of_files_imports_no_client_of_kafka() -> None:
    assert not imported("import streams.cli.events.replay") & {"aiokafka", "confluent_kafka", "faust", "kafka"}


def test_a_client_that_is_imported_is_seen() -> None:
    assert imported("import streams.simulate.feed") == {"aiokafka", "confluent_kafka", "kafka"}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help_of_its_own(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    for path in [[name], *([name, each] for each in getattr(command, "commands", ()))]:
        done = CliRunner().invoke(main, [*path, "--help"])
        assert (done.exit_code, f"Usage: main {' '.join(path)}" in done.output) == (0, True)
        assert "%" not in done.output, "days and times are shown by an example"


def test_help_lists_the_commands() -> None:
    output = CliRunner().invoke(main, ["--help"]).output
    assert all(f"  {name} " in output and text in output for name, text in COMMANDS.items())


def test_a_mistyped_command_is_said_to_be_none() -> None:
    done = CliRunner().invoke(main, ["replya"])
    assert (done.exit_code, "No such command 'replya'" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("typed", "meant"), [(["repaly"], "replay"), (["dlq", "lsit"], "list"), (["topics", "chekc"], "check")]
)
def test_the_command_that_may_have_been_meant_is_named(typed: list[str], meant: str) -> None:
    done = CliRunner().invoke(main, typed)
    assert (done.exit_code, f"Did you mean {meant}?" in done.output) == (2, True)


@pytest.mark.parametrize("group", [[], ["dlq"], ["topics"], ["journal"], ["costs"], ["links"]])
def test_no_text_of_the_list_of_commands_is_cut(group: list[str]) -> None:
    listed = CliRunner().invoke(main, [*group, "--help"]).output.partition("Commands:")[2]
    assert listed
    assert "..." not in listed


@pytest.fixture
def interrupts() -> Iterator[None]:
    """What an interruption does is afterwards what it was."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("in_the_engine", [False, True])
def test_stopped_by_hand_it_says_so_and_that_it_may_be_run_again(
    monkeypatch: pytest.MonkeyPatch, interrupts: None, in_the_engine: bool
) -> None:
    def stopped(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interruption:
            if in_the_engine:
                raise DatabaseError("the query was cancelled") from interruption
            raise

    monkeypatch.setattr("streams.cli.database.migrate.database", stopped)
    done = CliRunner().invoke(main, ["migrate"])
    assert done.exit_code == 130
    assert "Stopped. It may be run again: nothing is counted twice." in done.output


def test_a_failure_is_one_line() -> None:
    done = CliRunner().invoke(main, ["migrate", "--clickhouse", "nowhere://"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert done.output.count("\n") == 1
