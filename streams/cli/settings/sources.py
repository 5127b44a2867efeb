"""`maalstrom sources`: look at how topics are read."""

from pathlib import Path

import click

from streams import config
from streams.cli.groups import Suggesting
from streams.cli.settings.checked import tell_faults, tell_useless
from streams.core.catalogue.faults import faults
from streams.core.door.sources_toml import parse
from streams.core.explain.useless_sources import useless


@click.group("sources", cls=Suggesting)
def command() -> None:
    """Look at how topics are read, in sources.toml."""


@command.command("check")
@click.argument("file", type=Path)
@click.option("--catalogue", type=Path, metavar="FILE", help="Goals, to find what they count beside [touch].")
def check(file: Path, catalogue: Path | None) -> None:
    """Say everything that is wrong or useless in FILE, with the lines. The status is 1 where anything is wrong."""
    text = config.text_of(file, "sources")
    tell_faults(file, faults(parse, text, str(file)))
    tell_useless(file, useless(text, config.catalogue(catalogue).events if catalogue else ()))
