"""Rows in the form that was asked for: as people read them, or for programs and spreadsheets."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from streams.core.parsing.printable import no_formula, one_line

FORMATS = ("text", "json", "csv")
Row = Mapping[str, Any]


def format_option(command: Callable[..., None]) -> Callable[..., None]:
    """--format, with --json as a short word for one of them."""
    for option in (
        click.option("--json", "form", flag_value="json", help="The same as --format json."),
        click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="json: one object a line."),
    ):
        command = option(command)
    return command


def tell(form: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Print the rows, as they come, as one JSON object a line or as CSV with a header."""
    for line in _csv(columns, rows) if form == "csv" else map(json.dumps, rows):
        click.echo(line)


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield _line(columns)
    for row in rows:
        yield _line([_cell(row.get(column)) for column in columns])


def _cell(value: object) -> object:
    """A text on one line, and none that a spreadsheet takes for a formula; nothing where there is nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    return no_formula(one_line(value)) if isinstance(value, str) else value


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
