"""`maalstrom rates`: what currencies were worth."""

from pathlib import Path

import click

from streams.cli.console import Console
from streams.cli.groups import Suggesting
from streams.cli.options import database, dsn_option
from streams.core.events.costs import exchange_rates
from streams.sinks.clickhouse import migrations, rates
from streams.sources.cost_tables import decoded

out = Console()
err = Console(stderr=True)


@click.group("rates", cls=Suggesting)
def command() -> None:
    """What currencies were worth, day by day."""


@command.command("import")
@click.argument("file", type=Path)
@dsn_option
@click.pass_context
def import_(ctx: click.Context, /, file: Path, dsn: str | None) -> None:
    """Take the daily rates in FILE: the European Central Bank's eurofxref-hist.csv or its Data Portal's CSV, or
    Norges Bank's CSV.

    A rate of the same day again replaces it. Lines that cannot be read are listed, and then it ends with 1.
    FILE may be `-`, standard input, or end in .gz or .zst.
    """
    try:
        published = exchange_rates.read(decoded(file))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    with database(dsn) as client:
        migrations.apply(client)
        written = rates.write(client, published.source, published.rates)
    for line, why in published.errors:
        err.print(f"{file}:{line}: {why}", soft_wrap=True)
    out.print(f"{written:,} rates written, {len(published.errors):,} lines refused")
    ctx.exit(int(bool(published.errors) or not written))
