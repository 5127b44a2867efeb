"""The report as one page for a meeting: it needs nothing from elsewhere, runs no script, and prints on A4."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from streams.reports.forms import charts
from streams.reports.render import NOTHING_YET, heading, sheets
from streams.reports.report import Report
from streams.reports.sheet import Row, Sheet, Toned
from streams.texts import Language

_FOOT = "What is rounded here adds up. What cannot be attributed is shown with the reason; nothing is left out."
_RIGHT = ' class="figure"'
_STYLE = Path(__file__).with_name("report.css")


def as_html(report: Report, place: str, said: Language) -> str:
    """The tables of the terminal's report, with charts between them."""
    title = said("What was reached, and did it pay?")
    body = "\n".join(_body(report, said)) if report.goals else _p(said(NOTHING_YET, place=place))
    about = heading(report, said) if report.goals else ""
    return (
        f'<!doctype html>\n<html lang="{said.code}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(title)}</h1>\n<p class="about">{escape(about)}.</p>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _body(report: Report, said: Language) -> Iterator[str]:
    goals = {id(goal): goal for goal in report.goals}
    overview, paid, *others = sheets(report, said)
    yield _section(overview, charts.progress(report.goals, said))
    yield _section(paid, charts.paid(report.payback, said))
    behind = len(others) - len(goals)
    for sheet in others[:behind]:
        yield _section(sheet)
    for goal, sheet in zip(report.goals, others[behind:], strict=True):
        yield _section(sheet, charts.course(goal, report.period, said))
    yield f"<footer>{_p(said(_FOOT))}</footer>"


def _section(sheet: Sheet | str, chart: str = "") -> str:
    if isinstance(sheet, str):
        return f"<section>{_p(sheet)}</section>"
    notes = "".join(_p(note, "note") for note in sheet.notes)
    return f"<section>\n<h2>{escape(sheet.title)}</h2>\n{chart}{_table(sheet)}\n{notes}</section>"


def _table(sheet: Sheet) -> str:
    heads = "".join(
        f'<th scope="col"{"" if place < sheet.left else _RIGHT}>{escape(name)}</th>'
        for place, name in enumerate(sheet.columns)
    )
    bodies = "\n".join(
        "<tbody>" + "".join(_row(row, sheet.left) for row in block) + "</tbody>" for block in sheet.blocks
    )
    return f"<table>\n<thead><tr>{heads}</tr></thead>\n{bodies}\n</table>"


def _row(row: Row, left: int) -> str:
    first, *others = row.cells
    cells = f'<th scope="row">{_cell(first)}</th>' + "".join(
        f"<td{'' if place < left else _RIGHT}>{_cell(cell)}</td>" for place, cell in enumerate(others, 1)
    )
    return f"<tr{_class(row.kind)}>{cells}</tr>"


def _cell(cell: str | Toned) -> str:
    if isinstance(cell, Toned):
        return f'<span class="{cell.tone}">{_lines(cell.text)}</span>' if cell.tone else _lines(cell.text)
    return _lines(cell)


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _p(text: str, kind: str = "") -> str:
    return f"<p{_class(kind)}>{escape(text)}</p>\n"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
