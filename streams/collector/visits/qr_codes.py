"""QR codes of links, as files that printers and pages take."""

from pathlib import Path
from typing import NamedTuple

import segno

from streams.core.catalogue.model import ShortLink

_DAMAGE = "m"  # 15 % of a code may be lost; segno takes a higher level where it costs no space
_PIXELS = 16  # a side of a module, in the PNG
_QUIET = 4  # modules of white around, as the standard has it


class Written(NamedTuple):
    """The code of a link: the address that it says, and the two files."""

    address: str
    svg: Path
    png: Path


def address(public: str, link: ShortLink) -> str:
    """The address of a link below the public one of the collector, which has no `/` at its end."""
    return f"{public}/go/{link.code}"


def write(link: ShortLink, public: str, folder: Path) -> Written:
    """Write the code of a link into a folder as `<code>.svg` and `<code>.png`."""
    written = Written(address(public, link), folder / f"{link.code}.svg", folder / f"{link.code}.png")
    code = segno.make(written.address, error=_DAMAGE, micro=False)
    code.save(str(written.svg), border=_QUIET, scale=_PIXELS, title=written.address, light="white")
    code.save(str(written.png), border=_QUIET, scale=_PIXELS)
    return written
