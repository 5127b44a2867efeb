"""Lookback windows: how long before a conversion a touch still counts, and the defaults where a goal says nothing."""

import re

from streams.core.catalogue.model import Windows
from streams.core.parsing.toml import CatalogueError, TomlTable

DEFAULTS = {"click": "7d", "engage": "1d", "view": "1d"}
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST = 36_500 * _UNITS["d"]


def duration(text: str) -> int:
    """Milliseconds of `<n>s`, `<n>m`, `<n>h` or `<n>d`; ValueError for anything else or more than 36500d."""
    match = re.fullmatch(r"([0-9]{1,12})([smhd])", text)
    length = int(match[1]) * _UNITS[match[2]] if match else -1
    if not 0 <= length <= _LONGEST:
        raise ValueError(
            f'"{text}" is not a duration; write a whole number and s, m, h or d, such as "7d", up to 36500d'
        )
    return length


def windows(table: TomlTable) -> Windows:
    """The windows of a goal, ms by action class. Raises CatalogueError."""
    table.only(tuple(DEFAULTS))
    lengths = {}
    for key, default in DEFAULTS.items():
        try:
            lengths[key] = duration(table.string(key, default))
        except CatalogueError:
            raise
        except ValueError as error:
            what, remedy = str(error).split("; ", 1)
            table.fail(f"windows.{key}: {what}", remedy, key)
    return Windows(**lengths)
