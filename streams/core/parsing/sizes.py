"""Sizes in bytes as people write them: `512MiB`, `2 GiB`, `1000000`."""

import re

_SIZE = re.compile(r"(\d{1,15}) ?(|B|KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)", re.ASCII)
_UNITS = {"": 1, "B": 1} | {f"{letter}iB": 1 << 10 * i for i, letter in enumerate("KMGT", 1)}
_UNITS |= {f"{letter}B": 1000**i for i, letter in enumerate("KMGT", 1)} | {"kB": 1000}


def size(text: str) -> int:
    """The bytes that a text says. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError("it is no size; write a number with B, KiB, MiB or GiB, such as 512MiB")
    return int(found[1]) * _UNITS[found[2]]
