"""Files of settings: the catalogue and `sources.toml`, read where errors name the file and the line."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.config.errors import ConfigError
from streams.config.settings import Settings
from streams.core.catalogue.parse import Catalogue, CatalogueError, parse
from streams.core.door import sources_toml
from streams.core.door.sources_toml import Sources
from streams.core.parsing.toml import line_of


def catalogue(path: Path) -> Catalogue:
    """The catalogue in that file. Raises ConfigError with the file, the line and what is wrong."""
    text = text_of(path, "catalogue")
    try:
        return located(parse(text, str(path)), text, str(path))
    except CatalogueError as error:
        raise ConfigError(str(error)) from None


def text_of(path: Path, what: str) -> str:
    """The text of a file of settings, without a byte-order mark. Raises ConfigError."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"cannot read the {what} {path}: {reason}; give the path of a file that can be read"
        ) from None


def located(goals: Catalogue, text: str, source: str) -> Catalogue:
    """The catalogue, whose time zone this machine knows. Raises CatalogueError with the line where it does not."""
    try:
        if goals.timezone != "UTC":  # known without a database
            ZoneInfo(goals.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        line, what = line_of(text, ("timezone",)), f'there is no time zone "{goals.timezone}"'
        remedy = 'write a name of the tz database, such as "Europe/Oslo"'
        raise CatalogueError(f"{source}:{line}: {what}; {remedy}", ("timezone",), what, line) from None
    return goals


def sources(path: Path | None) -> Sources:
    """What that file says of sources; without one what is built in. Raises ConfigError with the file, the line and what
    is wrong."""
    if path is None:
        return Sources()
    try:
        return sources_toml.parse(text_of(path, "sources"), str(path))
    except CatalogueError as error:
        raise ConfigError(str(error)) from None


def more_topics(chosen: Settings) -> tuple[str, ...]:
    """The topics that `sources.toml` adds to those that are always there. Raises ConfigError."""
    return sources(chosen.sources).more
