"""`maalstrom simulate`: events with known causes, in files and in Kafka."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click
from click.core import ParameterSource

from streams import config, simulate
from streams.cli.console import Console
from streams.cli.options import FOLDER
from streams.simulate import site
from streams.simulate.envelopes import Simulated

out = Console()
_OF_A_SITE = ("events", "seed", "days", "duplicates", "disorder")
SHARE = {"type": click.FloatRange(0, 1), "default": 0.0, "show_default": True}


@click.command("simulate")
@click.argument("folder", type=FOLDER)
@click.option("--events", type=click.IntRange(0), default=100_000, show_default=True, help="Records in all.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", default="2026-10-01", show_default=True)
@click.option("--days", type=click.IntRange(1), default=31, show_default=True)
@click.option("--users", type=click.IntRange(1), help="Default: one for ten events.")
@click.option("--refunds", type=click.FloatRange(0, 1), default=0.08, show_default=True)
@click.option("--duplicates", type=click.FloatRange(0, 1), default=0.01, show_default=True)
@click.option(
    "--disorder", type=click.FloatRange(0, 1), default=0.03, show_default=True, help="Share that arrives hours late."
)
@click.option(
    "--organic",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="Share that would have bought anyway.",
)
@click.option("--seekers", **SHARE, help="Share of those who click a search advertisement on the way.")  # type: ignore[arg-type]
@click.option("--late-logins", **SHARE, help="Share of people who are known by an anonymous id until they buy.")  # type: ignore[arg-type]
@click.option("--shared", **SHARE, help="Share of pairs of people who use one browser.")  # type: ignore[arg-type]
@click.option("--holdout", **SHARE, help="Share to whom a campaign is not shown, by MAALSTROM_TOKEN_KEY.")  # type: ignore[arg-type]
@click.option(
    "--as",
    "form",
    type=click.Choice(["topics", "site"]),
    default="topics",
    show_default=True,
    help="What is written: a file a topic, or all that a real site sends in one.",
)
@click.option("--dirt", **SHARE, help="Of a site: share that is written as careless programs do.")  # type: ignore[arg-type]
@click.option("--kafka", is_flag=True, help="Also send them to Kafka (BROKER_URL).")
def command(folder: Path, start: datetime, kafka: bool, form: str, dirt: float, **chosen: float) -> None:
    """Write events with known causes, and a catalogue, into FOLDER.

    With `--as site` they are what a real site sends in a month, in one file `events.ndjson`, with a `sources.toml`;
    `truth.json` says what each order is worth and through which campaigns, what is ignored, and what nobody can use.
    """
    _only_those_of(form)
    if form == "site":
        records = _site(folder, start, dirt, **{name: chosen[name] for name in _OF_A_SITE})
    else:
        records = _topics(folder, start, **chosen)
    if kafka:
        from streams.simulate.feed import send

        bootstrap = config.load().bootstrap
        send(bootstrap, records)
        out.print(f"all of them sent to Kafka at {bootstrap}", highlight=False, soft_wrap=True)


def _only_those_of(form: str) -> None:
    """Refuse options of the other form."""
    context = click.get_current_context()
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    common = {"folder", "start", "kafka", "form", *_OF_A_SITE}
    wrong = given - common - {"dirt"} if form == "site" else given & {"dirt"}
    if wrong:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(wrong))
        raise click.UsageError(f"{names} is not for --as {form}; leave it out")


def _site(folder: Path, start: datetime, dirt: float, **chosen: float) -> Iterable[Simulated]:
    month = site.write(folder, site.Site(start=start.date(), dirt=dirt, **chosen))  # type: ignore[arg-type]
    letters, orders = len(month.truth["dead_letters"]), len({order["order_id"] for order in month.truth["orders"]})
    said = f"{len(month.records):,} records in {folder / 'events.ndjson'}"
    out.print(said, highlight=False, soft_wrap=True)
    out.print(f"{orders:,} orders; truth.json says what they are worth, and which {letters:,} messages nobody can use",
              highlight=False, soft_wrap=True)  # fmt: skip
    return month.records


def _topics(folder: Path, start: datetime, holdout: float, **chosen: float) -> Iterable[Simulated]:
    key = config.token_key(config.load().token_key) if holdout else b""
    scenario = simulate.Scenario(start=start.date(), holdout=holdout, token_key=key, **chosen)  # type: ignore[arg-type]
    done = simulate.write(folder, scenario)
    out.print(
        f"{done.engagement:,} engagement and {done.checkout:,} checkout events in {folder}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"{done.orders:,} orders, of them {done.organic:,} that nobody caused; truth.ndjson says which", highlight=False
    )
    return simulate.generate(scenario)
