"""The report in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from streams.reports import goal_sheets, payback_sheets
from streams.reports.audiences.sheets import people
from streams.reports.goal_progress import DEFAULT_MODEL
from streams.reports.report import Report, read
from streams.reports.sheet import Row, Sheet, Toned
from streams.sinks.clickhouse.client import Client
from streams.texts import Language, language
from streams.texts.names import model_name

__all__ = ["DEFAULT_MODEL", "heading", "render", "render_report", "sheets"]

NOTHING_YET = (
    "Nothing to report: the database at {place} holds no goals yet. "
    "Run `maalstrom replay` on files of events, or start `maalstrom worker`."
)
_WIDEST = 1000
_STYLES = {"good": "green", "near": "yellow", "bad": "red", "": ""}


def render(client: Client, goal: str | None, model: str, console: Console) -> None:
    """Print every goal, or one, as `model` credits its conversions; what to do when there is nothing to report.

    Raises ValueError, listing what there is, for an unknown goal or model.
    """
    report = read(client, goal, model)
    render_report(report, client.place, language("en"), console)


def render_report(report: Report, place: str, said: Language, console: Console) -> None:
    """Print a report of the database at `place`."""
    if not report.goals:
        console.print(Text(said(NOTHING_YET, place=place)))
        return
    console.print(Text(heading(report, said), style="dim"))
    for each in sheets(report, said):
        _print(console, _drawn(each))


def _print(console: Console, drawn: RenderableType) -> None:
    """A table that is wider than the console keeps its figures whole; lines break where the terminal breaks them."""
    width = console.width
    needed = Measurement.get(console, console.options.update(width=_WIDEST), drawn).minimum
    console.width = max(width, needed)
    try:
        console.print(drawn)
    finally:
        console.width = width


def heading(report: Report, said: Language) -> str:
    """What the figures are of: until when, of which days, as which model credits them."""
    until = report.data_until
    model = f"{report.model} ({said(model_name(report.model))})"
    texts = [
        said("Conversions until {moment}, {zone} time", moment=said.moment(until), zone=report.period.zone)
        if until
        else said("Conversions"),
        *_days(report, said),
        said("net of refunds and cancellations"),
        said("credited by {model}", model=model),
    ]
    return ", ".join(texts)


def _days(report: Report, said: Language) -> Iterator[str]:
    since, until = report.period.since, report.period.until
    if since and until:
        yield said("of {since} to {until}", since=said.day(since), until=said.day(until))
    elif since:
        yield said("since {since}", since=said.day(since))
    elif until:
        yield said("up to {until}", until=said.day(until))


def sheets(report: Report, said: Language) -> Iterator[Sheet | str]:
    """The tables in their order, and what is said where one would be empty."""
    yield goal_sheets.overview(report.goals, report.period, said)
    yield payback_sheets.paid(report.payback, said)
    yield from filter(None, (people(report.reached, said), payback_sheets.caused(report.caused, report.goals, said)))
    for goal in report.goals:
        yield goal_sheets.breakdown(goal, report.period, said) if goal.parts else goal_sheets.nothing_yet(goal, said)


def _drawn(sheet: Sheet | str) -> RenderableType:
    if isinstance(sheet, str):
        return Text(f"{sheet}\n")
    title = Text(sheet.title, style="bold")
    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(sheet.columns):
        if place < sheet.left:
            table.add_column(column, overflow="fold", ratio=None if place else 1)
        else:
            table.add_column(column, justify="right", no_wrap=True)
    for block in sheet.blocks:
        for row in block:
            table.add_row(*_cells(row), style="bold" if row.kind == "sum" else None)
        table.add_section()
    table.caption = Text("".join(f"{note}\n" for note in sheet.notes))
    return table


def _cells(row: Row) -> Iterator[Text]:
    for place, cell in enumerate(row.cells):
        text, tone = cell if isinstance(cell, Toned) else (cell, "")
        yield Text(f"  {text}" if row.kind == "part" and not place else text, style=_STYLES[tone])
