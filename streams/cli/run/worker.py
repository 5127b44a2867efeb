"""`maalstrom worker`: what counts, live."""

import click

from streams.worker.ledgers.processes import tune_gc


@click.command("worker")
def command() -> None:
    """Consume events from Kafka until stopped; configured by environment variables alone."""
    tune_gc()  # before the imports, which make objects by the hundred thousand
    from streams.app import run

    run()
