"""`maalstrom catalogue`: look at the goals and campaigns."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from streams import config
from streams.cli.groups import Suggesting
from streams.cli.settings.checked import tell_faults, tell_useless
from streams.core.catalogue.faults import faults
from streams.core.catalogue.model import Catalogue
from streams.core.catalogue.parse import parse
from streams.core.explain.useless_catalogue import useless
from streams.core.parsing import toml


@click.group("catalogue", cls=Suggesting)
def command() -> None:
    """Look at the goals and campaigns in catalogue.toml."""


@command.command("check")
@click.argument("file", type=Path)
def check(file: Path) -> None:
    """Say everything that is wrong or useless in FILE, with the lines. The status is 1 where anything is wrong."""
    text = config.text_of(file, "catalogue")
    tell_faults(file, faults(_parse, text, str(file)))
    goals = _parse(text, str(file))
    zone = UTC if goals.timezone == "UTC" else ZoneInfo(goals.timezone)
    tell_useless(file, useless(text, goals, datetime.now(zone).date()))


def _parse(text: str, source: str, without: Iterable[toml.Path] = ()) -> Catalogue:
    return config.located(parse(text, source, without), text, source)
