"""Costs from files into the database.

A file is not all or nothing: every good row goes in and every bad one is listed with its line. Importing the corrected
file again counts nothing twice, since a row replaces what had the same id.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.core.catalogue.parse import Campaign, Catalogue
from streams.core.events.batch import Batch
from streams.core.events.costs.cost import Cost, columns, identified, resolved, take
from streams.core.events.topics import COSTS
from streams.core.events.watermark import DeadLetter
from streams.sinks.clickhouse.client import Client
from streams.sinks.writer import write_rows
from streams.sources import cost_tables, files


@dataclass
class ImportSummary:
    """What came of files of costs. `errors` are `file:line: what is wrong`, one for each row that did not go in.
    `unlisted` are the campaigns of rows that went in which the catalogue does not list: perhaps misspelt."""

    written: int = 0
    errors: list[str] = field(default_factory=list)
    unlisted: set[str] = field(default_factory=set)

    def add(self, campaigns: Iterable[str], catalogue: Catalogue) -> None:
        """Rows of those campaigns went in."""
        went_in = list(campaigns)
        self.written += len(went_in)
        self.unlisted.update(set(went_in) - {campaign.id for campaign in catalogue.campaigns})


def import_csv(
    client: Client, path: Path, catalogue: Catalogue | None = None, *, export: str = "", currency: str = ""
) -> ImportSummary:
    """Write the rows of a CSV file, of one's own or that an ad platform exported, to the table `costs`.

    Campaigns go by the catalogue, else by the campaigns that the database knows. `export` names the platform; rows that
    say no currency are in `currency`, by default the base currency. Of rows with the same id the last counts; rows
    without one are added up by what they are about. The command's exit status is 1 when the summary has errors.
    Raises ValueError where the file as a whole is no such table: then nothing goes in. Raises OSError where it cannot
    be read.
    """
    known, table = catalogue or _stored(client), cost_tables.read(path, export)
    summary, good = ImportSummary(), list[Cost]()
    for line, found in table.costs(currency or known.base_currency):
        if isinstance(found, Cost):
            good.append(found)
        else:
            summary.errors.append(f"{path}:{line}: {found}")
    costs, now = resolved(identified(good, table.source), known), time.time_ns()
    write_rows(client, {"costs": columns(costs, range(now, now + len(costs)))})
    summary.add((cost.campaign for cost in costs), known)
    return summary


def load_ndjson(
    client: Client, paths: Sequence[str], catalogue: Catalogue, letters: files.DeadLetterFile
) -> ImportSummary:
    """Write the records of NDJSON files (`.gz` and `.zst` too; `-` is standard input) to the table `costs`.

    What cannot be used is a dead letter too. Raises OSError for a file that cannot be read.
    """
    summary = ImportSummary()
    for path in paths:
        for batch in _batches(path):
            taken = take(batch, [time.time_ns() // 1_000_000] * len(batch.values), catalogue)
            write_rows(client, {"costs": taken.columns})
            summary.add(taken.columns["campaign"], catalogue)  # type: ignore[arg-type]
            for letter in taken.outcomes.dead:
                letters.write(letter, path, letter.offset)
                summary.errors.append(f"{path}:{letter.offset}: {letter.error}")
    return summary


def write(client: Client, batch: Batch, arrived: Sequence[int], catalogue: Catalogue) -> Sequence[DeadLetter]:
    """Write the records of topic `costs`, which arrived then (ms), as a worker does; those that cannot be used."""
    now = time.time_ns() // 1_000_000
    taken = take(batch, [min(each, now) for each in arrived], catalogue)
    write_rows(client, {"costs": taken.columns})
    return taken.outcomes.dead


def _batches(path: str) -> Iterator[Batch]:
    """The lines of a file that are not blank; offsets are numbers of lines, from 1."""
    start = 1
    for values, _ in files.lines(path):
        lines = [line for line, value in enumerate(values, start) if value.strip()]
        yield Batch(COSTS, [values[line - start] for line in lines], [None] * len(lines), lines)
        start += len(values)


def _stored(client: Client) -> Catalogue:
    """What the database knows of the campaigns and the base currency, as a catalogue without goals."""
    found = client.query("SELECT id, name, aliases FROM campaigns FINAL")
    campaigns = (Campaign(row["id"], row["name"], "", tuple(row["aliases"]), (), None, None) for row in found)
    base = client.query("SELECT any(currency) AS base FROM goals FINAL")[0]["base"]
    return Catalogue(base, (), tuple(campaigns))
