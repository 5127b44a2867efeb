"""The command that says what the records of a file would be taken for."""

from collections.abc import Iterator
from pathlib import Path

import click

from streams import config
from streams.cli.console import Console
from streams.cli.events.reading import format_option, readings, sources_option
from streams.core.catalogue.model import Catalogue
from streams.core.catalogue.parse import parse
from streams.core.explain.explained import Explained, Explainer
from streams.core.explain.facts import Facts
from streams.core.explain.summary import sentences
from streams.sources import files

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)
_TOPIC = "events"  # whose messages are explained; what one means hangs on no topic
MANY = 50  # records that are told one by one
_KINDS = 100  # meanings that are told in sum
_NO_CATALOGUE = parse('base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"')


@click.command("explain")
@click.argument("file", metavar="FILE")
@click.option("--catalogue", type=Path, metavar="FILE", help="Goals and campaigns. Default: MAALSTROM_CATALOGUE.")
@sources_option
@format_option
@click.option("--all", "every", is_flag=True, help=f"Each record, also where there are more than {MANY}.")
def command(file: str, catalogue: Path | None, sources: Path | None, form: str | None, every: bool) -> None:
    """Say what each record of FILE (- is standard input) would be taken for, and why.

    Where there are many, it is told in sum: how many are taken for the same, and the line of the first.
    """
    goals = _catalogue(catalogue)
    explainer, first = Explainer(goals, readings(goals, sources, form)[_TOPIC]), list[Explained]()
    for explained in _explained(explainer, file):
        if every:
            out.print(explained.text)
        elif len(first) <= MANY:
            first.append(explained)
    if len(first) <= MANY:
        for explained in first:
            out.print(explained.text)
    else:
        _in_sum(explainer)
    _summary(explainer.facts, goals)


def _catalogue(named: Path | None) -> Catalogue:
    """The catalogue that is named, else the environment's; without either one that counts orders."""
    path = named or config.load().catalogue
    if named or path.exists():
        return config.catalogue(path)
    err.print("No catalogue is named: orders alone count, and no campaign is listed; give --catalogue.")
    return _NO_CATALOGUE


def _explained(explainer: Explainer, file: str) -> Iterator[Explained]:
    line = 0
    for values, _ in files.lines(file):
        for value in values:
            line += 1
            if value and not value.isspace():
                yield from explainer.explain(line, value)


def _in_sum(explainer: Explainer) -> None:
    kinds = sorted(explainer.kinds.items(), key=lambda kind: (-kind[1].messages, kind[1].line))
    for meaning, kind in kinds[:_KINDS]:
        out.print(f"{kind.messages:,} × {meaning} (first in line {kind.line})")
    if len(kinds) > _KINDS:
        out.print(f"… and {len(kinds) - _KINDS:,} meanings more; --all tells each record")


def _summary(facts: Facts, goals: Catalogue) -> None:
    counts = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in facts.outcomes.most_common())
    out.print(f"\n{facts.events:,} messages{f': {counts}' if counts else ''}")
    for sentence in sentences(facts, goals):
        out.print(f"  {sentence}")
