"""The report as one table for spreadsheets and programs: a row for each figure's subject, exact."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from streams.core.parsing.printable import no_formula
from streams.reports.forms.as_json import content
from streams.reports.report import Report
from streams.texts import Language

COLUMNS = (
    "table", "goal", "campaign", "name", "channel", "reason", "currency", "day", "status", "target", "by", "reached",
    "expected", "conversions", "value", "without_value", "money", "hours", "cost", "cost_per_conversion",
    "return_on_investment", "incremental", "incremental_low", "incremental_high", "missing_users",
    "audience", "people", "share", "cost_each", "converted",
)  # fmt: skip
_TEXTS = ("goal", "campaign", "name", "channel", "reason", "status", "audience")


def as_csv(report: Report, said: Language) -> str:
    """Rows of several tables, with a header; the column `table` says which.

    A text that a spreadsheet would take for a formula has a `'` before it; numbers are numbers.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_guarded(row) for row in _rows(content(report, said)))
    return out.getvalue()


def _rows(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for goal in report["goals"]:
        whole = {"conversions": goal["in_period"]}
        yield from _each_value("goal", goal | whole)
        for part in goal["credit"]:
            yield from _each_value("credit", part | {"goal": goal["goal"]})
        for day in goal["days"]:
            yield {"table": "day", "goal": goal["goal"], **day}
    paid = report["paid"]
    for table, rows in (("campaign", "campaigns"), ("channel", "channels"), ("unattributed", "unattributed")):
        yield from ({"table": table, **row} for row in paid[rows])
    for table in ("reached", "caused"):
        yield from ({"table": table, **row} for row in report[table])


def _each_value(table: str, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each currency; the counts stand in the first alone, so that a column's sum is right."""
    first, *others = row["value"] or [{"currency": "", "amount": ""}]
    yield {**row, "table": table, "currency": first["currency"], "value": first["amount"]}
    same = {name: row.get(name, "") for name in _TEXTS}
    for each in others:
        yield {**same, "table": table, "currency": each["currency"], "value": each["amount"]}


def _guarded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: no_formula(value) if name in _TEXTS and isinstance(value, str) else value for name, value in row.items()
    }
