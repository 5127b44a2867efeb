"""The operator's commands: topics, dead letters, costs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from streams import config, costs, dlq, migrations, topics
from streams.cli_options import database, dsn_option
from streams.core.catalogue import duration
from streams.core.dead_letters import REASONS

out = Console()
err = Console(stderr=True)
_TIME = click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])


def _layout(chosen: config.Settings, partitions: int | None = None, replication: int = 1) -> topics.Layout:
    return topics.Layout(chosen.app_id, duration(chosen.retention), partitions, replication)


@click.group("topics")
def topics_() -> None:
    """Make and check the Kafka topics, and see how far behind the worker is (BROKER_URL)."""


@topics_.command("create")
@click.option("--partitions", type=click.IntRange(1), help="Of the keyed topics. Default: as they have, else 4.")
@click.option("--replication", type=click.IntRange(1), default=1, show_default=True)
def create(partitions: int | None, replication: int) -> None:
    """Make the topics that are missing; those that exist stay as they are."""
    chosen = config.settings()
    topics.render_created(out, topics.create(chosen.bootstrap, _layout(chosen, partitions, replication)))


@topics_.command("check")
@click.pass_context
def check(ctx: click.Context) -> None:
    """Say what is wrong with the topics and how to mend it; ends with 1 when something is."""
    chosen = config.settings()
    findings = topics.check(chosen.bootstrap, _layout(chosen))
    topics.render_findings(out, findings)
    ctx.exit(int(any(finding.serious for finding in findings)))


@topics_.command("lag")
def lag() -> None:
    """Print committed and last offset of every partition."""
    chosen = config.settings()
    topics.render_lag(out, chosen.app_id, topics.lag(chosen.bootstrap, chosen.app_id))


@click.group("dlq")
def dlq_() -> None:
    """Look at dead letters, and replay them once their cause is mended (BROKER_URL)."""


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say which dead letters are meant."""
    for option in (
        click.option("--last", type=click.IntRange(0), help="Up to this offset of the dead-letter topic."),
        click.option("--first", type=click.IntRange(0), default=0, help="From this offset of the dead-letter topic."),
        click.option("--partition", type=click.IntRange(0), help="Of the dead-letter topic."),
        click.option("--until", type=_TIME, help="Failed before this time (UTC)."),
        click.option("--since", type=_TIME, help="Failed at or after this time (UTC)."),
        click.option("--reason", type=click.Choice(REASONS), help="Failed for this reason."),
        click.option("--topic", type=click.Choice(topics.SOURCES), multiple=True, help="Default: every source topic."),
    ):
        command = option(command)
    return command


def _filter(since: datetime | None, until: datetime | None, **rest: object) -> dlq.Filter:
    return dlq.Filter(since=_ms(since), until=_ms(until), **rest)  # type: ignore[arg-type]


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)


@dlq_.command("list")
@_filtered
def list_(topic: tuple[str, ...], **wanted: object) -> None:
    """Print dead letters, one a line."""
    letters = dlq.read(config.settings().bootstrap, topic or topics.SOURCES, _filter(**wanted))  # type: ignore[arg-type]
    dlq.render_letters(out, letters)


@dlq_.command("show")
@click.argument("place", metavar="TOPIC/PARTITION/OFFSET")
def show(place: str) -> None:
    """Print one dead letter with its headers and bytes; PLACE is as `dlq list` prints it."""
    topic, _, numbers = place.removesuffix("/").partition("/")
    partition, _, offset = numbers.partition("/")
    if not (partition.isdigit() and offset.isdigit()):
        raise click.UsageError(f"{place} is not a place such as checkout.dlq/0/12")
    source = topic.removesuffix(dlq.SUFFIX)
    dlq.render_letter(out, dlq.find(config.settings().bootstrap, source, int(partition), int(offset)))


@dlq_.command("replay")
@_filtered
@click.pass_context
def replay(ctx: click.Context, /, topic: tuple[str, ...], **wanted: object) -> None:
    """Send dead letters to their topics again, as they first came; what was counted already is not counted twice."""
    done = dlq.replay(config.settings().bootstrap, topic or topics.SOURCES, _filter(**wanted))  # type: ignore[arg-type]
    dlq.render_replayed(out, done)
    ctx.exit(int(bool(done.refused)))


@click.group("costs")
def costs_() -> None:
    """What campaigns cost, in money and in hours."""


@costs_.command("import")
@click.argument("file", type=Path)
@dsn_option
@click.pass_context
def import_(ctx: click.Context, /, file: Path, dsn: str | None) -> None:
    """Take the costs in FILE (CSV: campaign, day, kind, amount, rate, currency, id); a row replaces one with its id.

    Every good row goes in; bad ones are listed, and then it ends with 1.
    """
    with database(dsn) as client:
        migrations.apply(client)
        done = costs.import_csv(client, file)
    for error in done.errors:
        err.print(error, highlight=False, soft_wrap=True)
    out.print(f"{done.written:,} costs written, {len(done.errors):,} refused", highlight=False)
    if done.unlisted:
        listed = ", ".join(sorted(done.unlisted))
        err.print(f"not in the catalogue, perhaps misspelt: {listed}", highlight=False, soft_wrap=True)
    ctx.exit(int(bool(done.errors)))
