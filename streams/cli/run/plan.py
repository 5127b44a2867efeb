"""`maalstrom plan`: how large a deployment has to be."""

from dataclasses import asdict

import click

from streams.cli.console import Console
from streams.cli.forms import format_option, tell
from streams.core.catalogue.parse import duration
from streams.core.parsing.units import DAY
from streams.reports import sizing

out = Console(soft_wrap=True)
_COUNT = click.FloatRange(1, min_open=False)


@click.command("plan")
@click.option("--events-a-day", type=_COUNT, required=True, help="All events, such as 5e6.")
@click.option("--users", type=_COUNT, required=True, help="People in that time, such as 1e6.")
@click.option("--retention", default="45d", show_default=True, help="MAALSTROM_RETENTION.")
@click.option("--lateness", help="MAALSTROM_LATENESS; as the retention where it is not given.")
@click.option("--conversions", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="Share of events.")
@click.option("--campaigns", type=click.IntRange(1), default=50, show_default=True, help="With events on a day.")
@click.option("--peak", type=click.FloatRange(1), default=5, show_default=True, help="The busiest over the mean.")
@click.option("--replication", type=click.IntRange(1), default=3, show_default=True, help="Of Kafka's topics.")
@format_option
def command(events_a_day: float, users: float, retention: str, lateness: str | None, form: str, **more: float) -> None:
    """Say what workers, Kafka and ClickHouse need for a load, from what was measured (docs/operations/sizing.md)."""
    late = duration(lateness) / DAY if lateness else None
    load = sizing.Load(events_a_day, users, duration(retention) / DAY, lateness=late, **more)  # type: ignore[arg-type]
    sizes = sizing.plan(load)
    if form == "text":
        for what, how_much in sizing.lines(sizes):
            out.print(f"{what:<22}{how_much}", highlight=False)
    else:
        row = asdict(sizes) | {"memory_a_worker": sizes.memory_a_worker}
        tell(form, list(row), [row])
