"""`maalstrom topics`: make and check them, and see how far behind their reader is."""

from dataclasses import asdict

import click

from streams import config, failpoints
from streams.cli.console import Console
from streams.cli.forms import format_option, tell
from streams.cli.groups import Suggesting
from streams.cli.layout import layout_of
from streams.jobs.grow import grow as grow_topics
from streams.kafka import topics

out = Console()
err = Console(stderr=True)
_CREATED = ("name", "partitions", "new")
_FINDING = ("topic", "problem", "mend", "serious", "urgent")
_LAG = ("topic", "partition", "start", "end", "committed", "lag", "lost")


@click.group("topics", cls=Suggesting)
def command() -> None:
    """Make and check the Kafka topics, and see how far behind the worker is (BROKER_URL)."""


@command.command("create")
@click.option("--partitions", type=click.IntRange(1), help="Of the keyed topics. Default: as they have, else 4.")
@click.option("--replication", type=click.IntRange(1), help="Default: MAALSTROM_REPLICATION, else the broker's.")
@format_option
def create(partitions: int | None, replication: int | None, form: str) -> None:
    """Make the topics that are missing; those that exist stay as they are."""
    chosen = config.load()
    layout = layout_of(chosen, partitions, replication)
    asked = topics.WantedTopics(partitions, replication, topics.copartitioned(layout))
    made = topics.create(chosen.bootstrap, layout)
    if form == "text":
        topics.render_created(out, made)
    else:
        tell(form, _CREATED, map(asdict, made))
    topics.render_not_done(err, made, asked)


@command.command("check")
@format_option
@click.pass_context
def check(ctx: click.Context, /, form: str) -> None:
    """Say what is wrong with the topics and how to mend it; ends with 1 when something is."""
    chosen = config.load()
    findings = topics.check(chosen.bootstrap, layout_of(chosen))
    if form == "text":
        topics.render_findings(out, findings)
    else:
        tell(form, _FINDING, map(asdict, findings))
    ctx.exit(int(any(finding.serious for finding in findings)))


@command.command("grow")
@click.argument("partitions", type=click.IntRange(1), metavar="N")
def grow(partitions: int) -> None:
    """Give the keyed topics N partitions, while no worker runs; nothing is lost. May be run again after a crash.

    Who is known keeps their ledger: records of the partitions that are added are sent on to those that keys had first.
    """
    chosen = config.load()
    if chosen.fail_point:
        failpoints.arm(chosen.fail_point)
    grown, homes = grow_topics(chosen.bootstrap, layout_of(chosen), partitions)
    for topic, before, now in grown:
        out.print(f"{topic}: {before} partitions" + (f", now {now}" if now > before else ""), highlight=False)
    out.print(f"keys live in the ledgers of the first {homes} of {partitions} partitions", highlight=False)


@command.command("lag")
@format_option
def lag(form: str) -> None:
    """Print committed and last offset of every partition."""
    chosen = config.load()
    rows = topics.lag(chosen.bootstrap, chosen.group, layout_of(chosen).read)
    if form == "text":
        topics.render_lag(out, chosen.group, rows)
    else:
        tell(form, _LAG, (asdict(row) | {"lag": row.lag, "lost": row.lost} for row in rows))
