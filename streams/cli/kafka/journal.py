"""`maalstrom journal`: a backup of what workers know."""

from pathlib import Path

import click

from streams import config
from streams.cli.console import Console
from streams.cli.groups import Suggesting
from streams.cli.layout import layout_of
from streams.kafka import journal_backup

out = Console()


@click.group("journal", cls=Suggesting)
def command() -> None:
    """Save what the workers know to a file, and load it again (BROKER_URL). No worker may run meanwhile."""


@command.command("save")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
def save(path: Path) -> None:
    """Write the journal, and how far topics were read, to a new FILE."""
    chosen = config.load()
    done = journal_backup.save(chosen.bootstrap, layout_of(chosen), path)
    out.print(f"{path}: {done.records} records, {done.bytes / 2**20:.1f} MiB", highlight=False, soft_wrap=True)


@command.command("load")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
def load(path: Path) -> None:
    """Write the journal in FILE into an empty topic, and have workers read on from there."""
    chosen = config.load()
    done = journal_backup.load(chosen.bootstrap, layout_of(chosen), path)
    out.print(f"{path}: {done.records} records are in the journal again; start the workers", soft_wrap=True)
