"""`maalstrom migrate`: the tables."""

import click

from streams.cli.console import Console
from streams.cli.options import database, dsn_option
from streams.sinks.clickhouse import migrations

out = Console()


@click.command("migrate")
@dsn_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def command(dsn: str | None, dry_run: bool) -> None:
    """Make or update the tables."""
    with database(dsn) as client:
        done = migrations.pending(client) if dry_run else migrations.apply(client)
        for migration in done:
            out.print(f"{'would apply' if dry_run else 'applied'} {migration.name}", highlight=False)
        if not done:
            out.print("nothing to do: the database is up to date")
