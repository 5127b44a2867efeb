"""Topics, findings and lag as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.kafka.topics.check import TopicProblem
from streams.kafka.topics.cluster import Created
from streams.kafka.topics.lag import PartitionLag


class WantedTopics(NamedTuple):
    """What a command asked for by name, None where it did not; `keyed` are the topics that partitions are asked for."""

    partitions: int | None
    replication: int | None
    keyed: tuple[str, ...]


def render_created(console: Console, topics: Sequence[Created]) -> None:
    """Print one row for each topic: its partitions, and whether it is new."""
    table = _table("topic", "partitions", "")
    for topic in topics:
        table.add_row(topic.name, str(topic.partitions), "created" if topic.new else "was there")
    console.print(table)


def render_not_done(console: Console, topics: Sequence[Created], asked: WantedTopics) -> None:
    """Print what was asked for and not done."""
    for line in _not_done(topics, asked):
        console.print(Text(line, "yellow"), soft_wrap=True)


def _not_done(topics: Sequence[Created], asked: WantedTopics) -> Iterator[str]:
    wanted = asked.partitions
    there = [topic.partitions for topic in topics if not topic.new and topic.name in asked.keyed]
    if wanted and (other := [partitions for partitions in there if partitions != wanted]):
        counts = " and ".join(map(str, sorted(set(other))))
        more = f": `maalstrom topics grow {wanted}` gives them more" if wanted > max(other) else ""
        yield f"not done: {len(other)} topics were there with {counts} partitions, and stay so{more}"
    if asked.replication and any(not topic.new for topic in topics):
        yield "not done: topics that were there keep their replicas; `maalstrom topics check` says which have too few"


def render_findings(console: Console, findings: Sequence[TopicProblem]) -> None:
    """Print what is wrong, the serious first, each with the way to mend it."""
    for finding in sorted(findings, key=lambda found: not found.serious):
        label = Text("wrong    ", "red") if finding.serious else Text("careful  ", "yellow")
        console.print(label + Text(f"{finding.topic} {finding.problem}"), soft_wrap=True)
        console.print(Text(f"         → {finding.mend}", "dim"), soft_wrap=True)
    if not findings:
        console.print("every topic is as it should be")


def render_lag(console: Console, group: str, rows: Sequence[PartitionLag]) -> None:
    """Print one row for each partition and the sum; a committed offset that is no longer in the topic stands out."""
    table = _table("topic", "partition", "committed", "end", "lag")
    for row in rows:
        committed = "never" if row.committed is None else str(row.committed)
        table.add_row(row.topic, str(row.partition), committed, str(row.end), str(row.lag))
    console.print(table)
    console.print(Text(f"group {group}: {sum(row.lag for row in rows)} records behind"))
    for row in (row for row in rows if row.lost):
        where = (
            f"{row.topic}/{row.partition} holds offsets {row.start} to {row.end}, the group committed {row.committed}"
        )
        console.print(Text(f"{where}: the topic was truncated or made anew", "red"), soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table
