"""`maalstrom links`: the short links of the catalogue."""

from pathlib import Path

import click

from streams import config
from streams.cli.forms import format_option, tell
from streams.cli.groups import Suggesting
from streams.cli.options import FOLDER
from streams.collector.settings import CollectorSettings
from streams.collector.visits.qr_codes import write

_COLUMNS = ("address", "svg", "png")


@click.group("links", cls=Suggesting)
def command() -> None:
    """The short links and QR codes of catalogue.toml."""


@command.command("qr")
@click.argument("folder", type=FOLDER)
@click.option("--catalogue", type=Path, metavar="F", help="Default: MAALSTROM_CATALOGUE, else catalogue.toml here.")
@format_option
def qr(folder: Path, catalogue: Path | None, form: str) -> None:
    """Write the QR code of each [[link]] into FOLDER, as SVG and PNG.

    A code says the link's address below COLLECT_PUBLIC_URL: where people reach `maalstrom collect`.
    """
    chosen = config.read(CollectorSettings)
    public, source = chosen.public_url, catalogue or chosen.catalogue
    links = config.catalogue(source).links
    if not links:
        raise config.ConfigError(f"{source} has no [[link]]; add one for each code, with code, to and campaign")
    folder.mkdir(parents=True, exist_ok=True)
    written = [write(link, public, folder) for link in links]
    if form == "text":
        for each in written:
            click.echo(f"{each.address}\t{each.svg}\t{each.png}")
    else:
        tell(form, _COLUMNS, ({name: str(getattr(each, name)) for name in _COLUMNS} for each in written))
