"""`maalstrom costs`: what campaigns cost."""

from pathlib import Path

import click

from streams.cli.console import Console
from streams.cli.groups import Suggesting
from streams.cli.options import database, dsn_option
from streams.core.events.costs.exports import NAMES
from streams.sinks.clickhouse import migrations
from streams.sources import cost_files

out = Console()
err = Console(stderr=True)


@click.group("costs", cls=Suggesting)
def command() -> None:
    """What campaigns cost, in money and in hours."""


@command.command("import")
@click.argument("file", type=Path)
@click.option("--format", "export", type=click.Choice(NAMES), help="Whose export it is. Default: told by its columns.")
@click.option("--currency", metavar="CODE", default="", help="Of rows that say none. Default: the base currency.")
@dsn_option
@click.pass_context
def import_(ctx: click.Context, /, file: Path, export: str | None, currency: str, dsn: str | None) -> None:
    """Take the costs in FILE: campaign, day, kind, amount, rate, currency, id; or what an ad platform exports.

    A row replaces one with its id; without an id, what an earlier file said of its campaign and day. Every good row
    goes in; bad ones are listed, and then it ends with 1. FILE may be `-`, standard input, or end in .gz or .zst.
    """
    with database(dsn) as client:
        migrations.apply(client)
        done = cost_files.import_csv(client, file, export=export or "", currency=currency)
    for error in done.errors:
        err.print(error, soft_wrap=True)
    out.print(f"{done.written:,} costs written, {len(done.errors):,} refused")
    if done.unlisted:
        listed = ", ".join(sorted(done.unlisted))
        err.print(f"not in the catalogue, perhaps misspelt: {listed}", soft_wrap=True)
    ctx.exit(int(bool(done.errors)))
