"""What several commands take: the database, and options with any number of files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from streams import config
from streams.sinks.clickhouse.client import Client, connect

FOLDER: click.Path = click.Path(file_okay=False, path_type=Path)  # made where there is none yet


def dsn_option(command: Callable[..., None]) -> Callable[..., None]:
    """--clickhouse, with the environment's as its default."""
    text = "Default: MAALSTROM_CLICKHOUSE, else chdb:// with the folder maalstrom-data/clickhouse here."
    return click.option("--clickhouse", "dsn", metavar="DSN", help=text)(command)


def database(dsn: str | None) -> Client:
    """The client of that DSN, or of the environment's."""
    return connect(dsn or config.load().clickhouse)


class FilesCommand(click.Command):
    """A command whose repeatable options take one file or more, as the shell makes them of `--engagement *.ndjson`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each further file."""
        names = [name for option in self.params if getattr(option, "multiple", False) for name in option.opts]
        return super().parse_args(ctx, _repeated(args, names))


def _repeated(args: Sequence[str], names: Sequence[str]) -> list[str]:
    repeated: list[str] = []
    current = ""
    for arg in args:
        if arg.startswith("-") and arg != "-":
            name = arg.partition("=")[0]
            current = name if name in names else ""
        elif current and repeated[-1] != current:
            repeated.append(current)
        repeated.append(arg)
    return repeated
