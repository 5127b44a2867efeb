"""Costs from files into the database.

A file is not all or nothing: every good row goes in and every bad one is listed with its line. Importing the corrected
file again counts nothing twice, since a row replaces what had the same id.
"""

import csv
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streams import ndjson
from streams.clickhouse import Client
from streams.core.admission import Batch
from streams.core.catalogue import Campaign, Catalogue
from streams.core.costs import FIELDS, Cost, columns, from_cells, resolved, take
from streams.core.events import Rejected, attempt
from streams.sink import write_rows

if TYPE_CHECKING:
    import _csv

TOPIC = "costs"


@dataclass
class Summary:
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


def import_csv(client: Client, path: Path, catalogue: Catalogue | None = None) -> Summary:
    """Write the rows of a CSV file (UTF-8, header as in contract 7, `,` or `;` between cells) to the table `costs`.

    Campaigns go by the catalogue, else by the campaigns that the database knows. Of rows with the same id the last
    counts. The command's exit status is 1 when the summary has errors.
    Raises ValueError where the file as a whole is no such table: then nothing goes in. Raises OSError where it cannot
    be read.
    """
    summary, known, good = Summary(), catalogue or _stored(client), dict[int, Cost]()
    for line, found in _rows(path):
        if isinstance(found, Cost):
            good[line] = found
        else:
            summary.errors.append(f"{path}:{line}: {found}")
    costs, now = resolved(list(good.values()), known), time.time_ns()
    write_rows(client, {TOPIC: columns(costs, [now + line for line in good])})
    summary.add((cost.campaign for cost in costs), known)
    return summary


def load_ndjson(client: Client, paths: Sequence[str], catalogue: Catalogue, letters: ndjson.DeadLetterFile) -> Summary:
    """Write the records of NDJSON files (`.gz` and `.zst` too; `-` is standard input) to the table `costs`.

    What cannot be used is a dead letter too. Raises OSError for a file that cannot be read.
    """
    summary = Summary()
    for path in paths:
        for batch in _batches(path):
            taken = take(batch, [time.time_ns() // 1_000_000] * len(batch.values), catalogue)
            write_rows(client, {TOPIC: taken.columns})
            summary.add(taken.columns["campaign"], catalogue)  # type: ignore[arg-type]
            for letter in taken.outcomes.dead:
                letters.write(letter, path, letter.offset)
                summary.errors.append(f"{path}:{letter.offset}: {letter.error}")
    return summary


def _batches(path: str) -> Iterator[Batch]:
    """The lines of a file that are not blank; offsets are numbers of lines, from 1."""
    start = 1
    for values, _ in ndjson.lines(path):
        lines = [line for line, value in enumerate(values, start) if value.strip()]
        yield Batch(TOPIC, [values[line - start] for line in lines], [None] * len(lines), lines)
        start += len(values)


def _stored(client: Client) -> Catalogue:
    """What the database knows of the campaigns, as a catalogue without goals."""
    found = client.query("SELECT id, name, aliases FROM campaigns FINAL")
    campaigns = (Campaign(row["id"], row["name"], "", tuple(row["aliases"]), (), None, None) for row in found)
    return Catalogue("", (), tuple(campaigns))


def _rows(path: Path) -> Iterator[tuple[int, Cost | str]]:
    """Each row that is not blank: the line it begins on, and its cost or what is wrong."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            first = file.readline()
            file.seek(0)
            rows = _cells(csv.reader(file, delimiter=";" if first.count(";") > first.count(",") else ",", strict=True))
            header = _header(path, next(rows, (1, []))[1])
            for line, cells in rows:
                if isinstance(cells, str) or any(map(str.strip, cells)):
                    yield line, _cost(header, cells)
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8; save it as CSV UTF-8") from None


def _header(path: Path, cells: Sequence[str] | str) -> list[str]:
    if isinstance(cells, str):
        raise ValueError(f"{path}:1: the header is {cells}")
    header = [name.strip().casefold() for name in cells]
    missing = [name for name in FIELDS if name not in header and name != "rate"]
    twice = sorted({name for name in header if name in FIELDS and header.count(name) > 1})
    if missing or twice:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(twice)} twice"
        raise ValueError(f"{path}:1: the header {wrong}; its columns are {', '.join(FIELDS)} (rate for hours only)")
    return header


def _cells(reader: "_csv.Reader") -> Iterator[tuple[int, list[str] | str]]:
    """Each row of the file: the line it begins on, and its cells or why it cannot be cut into any."""
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except csv.Error as error:
            yield line, f"not CSV ({error}); see to the quotes from here on"
        except StopIteration:
            return


def _cost(header: Sequence[str], cells: Sequence[str] | str) -> Cost | str:
    if isinstance(cells, str):
        return cells
    if any(map(str.strip, cells[len(header) :])):
        return f"{len(cells)} cells below {len(header)} columns; write a point, not a comma, in numbers, or use quotes"
    found = attempt(from_cells, dict(zip(header, cells, strict=False)))
    return found.error if isinstance(found, Rejected) else found
