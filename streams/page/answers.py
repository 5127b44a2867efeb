"""What a dashboard shows for a time range and values of its variables: every panel's queries, run side by side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from streams.core.parsing.printable import one_line
from streams.page import metrics_frame
from streams.page.dashboards import Dashboard, Panel, Target
from streams.page.history import MetricsHistory
from streams.page.macros import MacroError, Scope, Selection, expand
from streams.page.promql import PromqlError
from streams.page.reader import Known, Reader
from streams.page.texts import shown
from streams.page.times import Range, RangeError, interval
from streams.page.variables import ALL, Option, Variable, choose, from_rows
from streams.sinks.clickhouse.client import DatabaseError

FULL_WIDTH = 24  # columns of Grafana's grid
NARROW = 700  # px: on a narrower page panels stand below each other, each as wide as the page
_LEAST_POINTS = 50
_MOST_MARKS = 200
NO_WORKER = "no worker is watched here: this page shows a database alone"
_FAILURES = (DatabaseError, MacroError, RangeError)


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """A time range, the page's width in px, and the values asked for by name of a variable."""

    span: Range
    width: int
    values: Mapping[str, Sequence[str]]

    def points(self, panel: Panel) -> int:
        """About as many points in a chart as it has pixels, or as the panel wants at most."""
        share = 1.0 if self.width < NARROW else panel.width / FULL_WIDTH
        pixels = max(_LEAST_POINTS, int(self.width * share))
        return min(pixels, panel.most_points or pixels)


@dataclass(slots=True)
class Values:
    """The variables as they are chosen, how the page describes them, and why they are not known."""

    chosen: dict[str, Selection] = field(default_factory=dict)
    described: list[dict[str, Any]] = field(default_factory=list)
    error: DatabaseError | MacroError | None = None


class Answers:
    """Answers from a database, and from this process's own metrics where it is a worker (with a `history`)."""

    def __init__(self, reader: Reader, history: MetricsHistory | None, known: Known) -> None:
        self._reader, self._history, self._known = reader, history, known

    async def lines(self, dashboard: Dashboard, asked: PanelRequest) -> AsyncIterator[bytes]:
        """JSON texts: first the time range and the variables, then marks and each panel as soon as they are there."""
        facts = await self._known.facts()
        values = await self._values(dashboard, asked)
        start = {"range": [asked.span.start, asked.span.end], "variables": values.described} | asdict(facts)
        trouble = values.error or self._known.trouble
        yield json.dumps(start | (_failure(trouble) if trouble else {})).encode()
        panels = [asyncio.create_task(self._panel(panel, asked, values)) for panel in dashboard.panels.values()]
        panels.append(asyncio.create_task(self._marks(dashboard, asked, values)))
        try:
            for done in asyncio.as_completed(panels):
                yield await done
        finally:
            for panel in panels:
                panel.cancel()

    async def _values(self, dashboard: Dashboard, asked: PanelRequest) -> Values:
        """Variables that ask for themselves alone side by side; the others after them, which may use those before."""
        values = Values()
        try:
            alone = [variable for variable in dashboard.variables if "$" not in variable.sql]
            found = await asyncio.gather(*(self._options(variable, asked, values) for variable in alone))
            known = dict(zip((variable.name for variable in alone), found, strict=True))
            for variable in dashboard.variables:
                options = known[variable.name] if variable in alone else await self._options(variable, asked, values)
                chosen, unknown = choose(variable, options, asked.values.get(variable.name))
                values.chosen[variable.name] = chosen
                values.described.append(_described(variable, options, chosen, unknown))
        except (DatabaseError, MacroError) as error:
            values.error = error
        return values

    async def _options(self, variable: Variable, asked: PanelRequest, values: Values) -> Sequence[Option]:
        if not variable.sql:
            return variable.options
        sql = expand(variable.sql, Scope(asked.span, interval(asked.span, asked.width), values.chosen))
        columns = json.loads(await self._reader.columns(sql))["data"].values()
        return from_rows(list(zip(*columns, strict=True)))

    async def _panel(self, panel: Panel, asked: PanelRequest, values: Values) -> bytes:
        try:
            frames = await asyncio.gather(*(self._frame(target, panel, asked, values) for target in panel.targets))
        except PromqlError as error:
            return json.dumps({"panel": panel.id, "elsewhere": str(error)}).encode()
        except _FAILURES as error:
            return json.dumps({"panel": panel.id} | _failure(error)).encode()
        parts = (
            b'{"ref":%b,"frame":%b}' % (json.dumps(target.ref).encode(), frame)
            for target, frame in zip(panel.targets, frames, strict=True)
        )
        return b'{"panel":%d,"frames":[%b]}' % (panel.id, b",".join(parts))

    async def _marks(self, dashboard: Dashboard, asked: PanelRequest, values: Values) -> bytes:
        """What happened on the time axis: [time in s, text] each; without them where they cannot be asked for."""
        try:
            scope = Scope(asked.span, interval(asked.span, asked.width), values.chosen)
            queries = [expand(sql, scope) for sql in dashboard.marks]
            answers = await asyncio.gather(*map(self._reader.columns, queries))
        except _FAILURES:
            answers = []
        found = [json.loads(shown(answer))["data"] for answer in answers]
        marks = sorted(
            mark for columns in found for mark in zip(columns.get("time", ()), columns.get("text", ()), strict=True)
        )
        return json.dumps({"marks": marks[:_MOST_MARKS]}).encode()

    async def _frame(self, target: Target, panel: Panel, asked: PanelRequest, values: Values) -> bytes:
        points = asked.points(panel)
        if target.prometheus:
            if self._history is None:
                raise PromqlError(NO_WORKER)
            return metrics_frame.frame(target, self._history.samples(), asked.span, points)
        if values.error:
            raise values.error
        scope = Scope(asked.span, interval(asked.span, points, panel.least_interval), values.chosen)
        return shown(await self._reader.columns(expand(target.text, scope)))


def _failure(error: Exception) -> dict[str, Any]:
    """What went wrong; `away`: the database did not answer at all, so that it is told once, above all panels."""
    away = isinstance(error, DatabaseError) and error.code is None
    return {"error": str(error)} | ({"away": True} if away else {})


def _described(
    variable: Variable, options: Sequence[Option], chosen: Selection, unknown: Sequence[str]
) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "multi": variable.multi,
        "all": variable.with_all,
        "hidden": variable.hidden,
        "options": [[option.value, one_line(option.text)] for option in options],
        "chosen": [ALL] if chosen.everything else list(chosen.values),
        "unknown": list(map(one_line, unknown)),
    }
