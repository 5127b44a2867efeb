"""`maalstrom clickhouse`: an embedded ClickHouse that others can reach."""

from pathlib import Path

import click

from streams.cli.options import FOLDER
from streams.embedded.clickhouse import serve


@click.command("clickhouse")
@click.option("--path", type=FOLDER, required=True, metavar="FOLDER", help="Where the data lies; made when missing.")
@click.option("--port", type=click.IntRange(0, 65535), default=8123, show_default=True)
@click.option("--user", default="default", show_default=True, help="The one user that is let in.")
@click.option("--password", default="", envvar="MAALSTROM_CLICKHOUSE_PASSWORD", help="Of that user; none by default.")
@click.option("--allow-sources", is_flag=True, help="Let statements reach files, addresses and programs outside.")
def command(path: Path, port: int, user: str, password: str, allow_sources: bool) -> None:
    """Serve an embedded ClickHouse over its HTTP interface, on 127.0.0.1, until Ctrl-C."""
    serve(path, port=port, user=user, password=password, allow_sources=allow_sources)
