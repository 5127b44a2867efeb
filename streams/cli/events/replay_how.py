"""What a replay is asked for beside what it reads, and the bar that shows how far it is."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streams.cli.console import Console
from streams.replay import Bounds

err = Console(stderr=True)
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"])


class How(NamedTuple):
    """The database, the period whose figures are written, whether those that are there go first, whether workers go on
    from there, whether what an earlier run has read is read again, and the files that say how to read."""

    dsn: str
    bounds: Bounds
    replace: bool = False
    hand_over: bool = False
    anew: bool = False
    files: tuple[Path | None, ...] = ()


def how(dsn: str, files: tuple[Path | None, ...], options: Mapping[str, Any]) -> How:
    """What the options say. Raises UsageError."""
    bounds = _bounds(options["since"], options["until"])
    return How(dsn, bounds, options["replace"], options["hand_over"], options["anew"], files)


def _bounds(since: datetime | None, until: datetime | None) -> Bounds:
    """The period between two moments (UTC). Raises UsageError where it is none, or not of whole minutes."""
    for name, moment in (("--since", since), ("--until", until)):
        if moment and moment.second:
            raise click.UsageError(f"{name} {moment} is in the middle of a minute; figures are kept by the minute")
    if since and until and until <= since:
        raise click.UsageError(f"--until {until} is not after --since {since}")
    return Bounds(*(None if each is None else int(each.replace(tzinfo=UTC).timestamp()) for each in (since, until)))


@contextmanager
def reading(total: int) -> Iterator[tuple[Progress, TaskID]]:
    """A bar on a terminal, for so much to read (0 = nobody knows)."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal) as bar:
        yield bar, bar.add_task("reading", total=total or None, rate="")


def advance(bar: Progress, task: TaskID) -> Callable[[int, int], None]:
    """What is to be told of so many events, and so much that was read."""
    started, events = time.monotonic(), 0

    def told(count: int, read: int) -> None:
        nonlocal events
        events += count
        bar.update(task, advance=read, rate=f"{events / (time.monotonic() - started):,.0f} events/s")
        if bar.finished:
            bar.update(task, description="attributing")

    return told
