"""`maalstrom dlq`: look at dead letters, and replay them."""

from collections.abc import Callable
from datetime import UTC, datetime

import click

from streams import config
from streams.cli.console import Console
from streams.cli.forms import format_option, tell
from streams.cli.groups import Suggesting
from streams.cli.kafka import dlq_view
from streams.core.events.dead_letters import REASONS
from streams.core.events.topics import DEAD_LETTERS, FORWARDED, SOURCES
from streams.kafka import dlq

out = Console()
_SECONDS = "%Y-%m-%dT%H:%M:%S"
_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ", _SECONDS, f"{_SECONDS}Z", f"{_SECONDS}.%fZ"])
_SUCH_AS = "2026-11-02, 2026-11-02T10:00, or as `dlq list` prints it."


@click.group("dlq", cls=Suggesting)
def command() -> None:
    """Look at dead letters, and replay them once their cause is mended (BROKER_URL)."""


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say which dead letters are meant."""
    for option in (
        click.option("--last", type=click.IntRange(0), help="Up to this offset of the dead-letter topic."),
        click.option("--first", type=click.IntRange(0), default=0, help="From this offset of the dead-letter topic."),
        click.option("--partition", type=click.IntRange(0), help="Of the dead-letter topic."),
        click.option("--until", type=_TIME, metavar="TIME", help="Failed before this time (UTC)."),
        click.option("--since", type=_TIME, metavar="TIME", help=f"Failed at or after this time (UTC). {_SUCH_AS}"),
        click.option("--reason", type=click.Choice(REASONS), help="Failed for this reason."),
        click.option("--topic", metavar="TOPIC", multiple=True, help="Of this topic. Default: of every one."),
    ):
        command = option(command)
    return command


def _of(topics: tuple[str, ...], *more: str) -> tuple[str, ...]:
    """The topics that are named, else every source topic and `more`. Raises BadParameter for one that is none of
    these."""
    known = (*SOURCES, *config.more_topics(config.load()), *more)
    for topic in topics:
        if topic not in known:
            raise click.BadParameter(f"{topic!r} is none of {', '.join(known)}", param_hint="--topic")
    return topics or known


def _filter(since: datetime | None, until: datetime | None, **rest: object) -> dlq.Filter:
    """What is wanted. Raises UsageError where there can be no such letter."""
    wanted = dlq.Filter(since=_ms(since), until=_ms(until), **rest)  # type: ignore[arg-type]
    if since and until and until <= since:
        raise click.UsageError(f"--until {until} is not after --since {since}")
    if wanted.last is not None and wanted.last < wanted.first:
        raise click.UsageError(f"--last {wanted.last} is before --first {wanted.first}")
    return wanted


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)


@command.command("list")
@format_option
@_filtered
def list_(form: str, topic: tuple[str, ...], **wanted: object) -> None:
    """Print dead letters, one a line.

    For a spreadsheet: maalstrom dlq list --since 2026-11-01 --format csv > letters.csv
    """
    letters = dlq.read(config.load().bootstrap, _of(topic, FORWARDED), _filter(**wanted))  # type: ignore[arg-type]
    if form == "text":
        dlq_view.render_letters(out, letters)
    else:
        tell(form, dlq_view.COLUMNS, dlq_view.letter_rows(letters))


@command.command("show")
@click.argument("place", metavar="PLACE")
def show(place: str) -> None:
    """Print one dead letter with its headers and bytes; PLACE is as `dlq list` prints it: checkout.dlq/0/12."""
    topic, _, numbers = place.removesuffix("/").partition("/")
    partition, _, offset = numbers.partition("/")
    if not (partition.isdigit() and offset.isdigit()):
        raise click.UsageError(f"{place} is not a place such as checkout.dlq/0/12")
    source = topic.removesuffix(DEAD_LETTERS)
    dlq_view.render_letter(out, dlq.find(config.load().bootstrap, source, int(partition), int(offset)))


@command.command("replay")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@_filtered
@click.pass_context
def replay(ctx: click.Context, /, dry_run: bool, topic: tuple[str, ...], **wanted: object) -> None:
    """Send dead letters to their topics again, as they first came; what was counted already is not counted twice."""
    send = dlq.would_replay if dry_run else dlq.replay
    done = send(config.load().bootstrap, _of(topic), _filter(**wanted))  # type: ignore[arg-type]
    dlq_view.render_replayed(out, done, dry_run)
    ctx.exit(int(bool(done.refused)))
