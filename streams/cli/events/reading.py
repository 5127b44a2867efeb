"""What commands that read files of events are told of how to read them: `--sources` and `--format`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from streams import config
from streams.core.catalogue.model import Catalogue
from streams.core.catalogue.readings import readings as by_topic
from streams.core.door.context import Reading
from streams.core.door.recognise import FORMATS
from streams.core.door.sources_toml import Sources
from streams.core.parsing.limits import LARGEST

Options = Callable[[Callable[..., None]], Callable[..., None]]


def sources_option(command: Callable[..., None]) -> Callable[..., None]:
    """--sources, with the environment's as its default."""
    text = "How topics are read (TOML). Default: MAALSTROM_SOURCES, else what is built in."
    return click.option("--sources", type=Path, metavar="FILE", help=text)(command)


def format_option(command: Callable[..., None]) -> Callable[..., None]:
    """--format, the one that files are in."""
    text = "The format of the files. Default: as sources.toml says of the topic, else segment."
    return click.option("--format", "form", type=click.Choice(FORMATS), help=text)(command)


def sources_of(path: Path | None, form: str | None) -> Sources:
    """What that file says of sources, else the one that MAALSTROM_SOURCES names; their topics are in the format `form`
    where one is given. Raises ConfigError."""
    known = config.sources(path or config.load().sources)
    if form is None:
        return known
    return replace(known, topics=tuple(replace(of, format=form, batch_limit=LARGEST) for of in known.topics))


def readings(goals: Catalogue, sources: Path | None, form: str | None) -> dict[str, Reading]:
    """How each topic is read. Raises ConfigError."""
    return by_topic(goals, sources_of(sources, form))
