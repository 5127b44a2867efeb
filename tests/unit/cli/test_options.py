from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import main
from streams.cli.options import FilesCommand


@click.command(cls=FilesCommand)
@click.option("-e", "--engagement", multiple=True)
@click.option("--checkout", multiple=True)
@click.option("--catalogue")
@click.option("--replace", is_flag=True)
def show(engagement: tuple[str, ...], checkout: tuple[str, ...], catalogue: str, replace: bool) -> None:
    click.echo(f"{' '.join(engagement)} / {' '.join(checkout)} / {catalogue} / {replace}")


@pytest.mark.parametrize(
    "line",
    [
        "--engagement a b - --checkout c d --catalogue k --replace",
        "--engagement a --engagement b --engagement - --checkout c d --catalogue k --replace",
        "--engagement=a b - --catalogue k --replace --checkout=c d",
        "-e a b - --checkout c --replace --catalogue=k --checkout d",
    ],
)
def test_an_option_takes_one_file_or_more(line: str) -> None:
    assert CliRunner().invoke(show, line.split()).output == "a b - / c d / k / True\n"


@pytest.mark.parametrize("line", ["a", "--catalogue k a", "--engagement a --replace b", "--engagement", "--unknown a"])
def test_a_file_that_belongs_to_no_option_is_wrong_usage(line: str) -> None:
    assert CliRunner().invoke(show, line.split()).exit_code == 2


@pytest.mark.parametrize("command", ["clickhouse --port 0 --path", "links qr", "simulate"])
def test_a_file_in_place_of_a_folder_is_wrong_usage(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, [*command.split(), str(tmp_path / "file")])
    assert (done.exit_code, "is a file" in done.output) == (2, True)
