"""`maalstrom collect`: the way in over HTTP."""

import click

from streams.collector.server import run


@click.command("collect")
def command() -> None:
    """Take events over HTTP into Kafka until stopped; configured by environment variables alone."""
    run()
