"""What a dashboard shows for a time range and values of its variables: every panel's queries, run side by side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.clickhouse import DatabaseError
from streams.page import metrics_frame
from streams.page.dashboards import Dashboard, Panel, Target
from streams.page.history import History
from streams.page.macros import Chosen, MacroError, Scope, expand
from streams.page.promql import PromqlError
from streams.page.reader import Reader
from streams.page.times import Range, RangeError, interval
from streams.page.variables import ALL, Option, Variable, choose, from_rows

FULL_WIDTH = 24  # columns of Grafana's grid
NARROW = 700  # px: on a narrower page panels stand below each other, each as wide as the page
_LEAST_POINTS = 50
_FAILURES = (DatabaseError, MacroError, RangeError)


@dataclass(frozen=True, slots=True)
class Asked:
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

    chosen: dict[str, Chosen] = field(default_factory=dict)
    described: list[dict[str, Any]] = field(default_factory=list)
    error: DatabaseError | MacroError | None = None


class Answers:
    """Answers from a database, and from this process's own metrics."""

    def __init__(self, reader: Reader, history: History) -> None:
        self._reader, self._history = reader, history

    async def lines(self, dashboard: Dashboard, asked: Asked) -> AsyncIterator[bytes]:
        """JSON texts: first the time range and the variables, then each panel as soon as it is there."""
        values = await self._values(dashboard, asked)
        start = {"range": [asked.span.start, asked.span.end], "variables": values.described}
        yield json.dumps(start | ({"error": str(values.error)} if values.error else {})).encode()
        panels = [asyncio.create_task(self._panel(panel, asked, values)) for panel in dashboard.panels.values()]
        try:
            for done in asyncio.as_completed(panels):
                yield await done
        finally:
            for panel in panels:
                panel.cancel()

    async def _values(self, dashboard: Dashboard, asked: Asked) -> Values:
        """One variable after the other: a query may use those before it."""
        values = Values()
        try:
            for variable in dashboard.variables:
                options = await self._options(variable, asked, values)
                chosen, unknown = choose(variable, options, asked.values.get(variable.name))
                values.chosen[variable.name] = chosen
                values.described.append(_described(variable, options, chosen, unknown))
        except (DatabaseError, MacroError) as error:
            values.error = error
        return values

    async def _options(self, variable: Variable, asked: Asked, values: Values) -> Sequence[Option]:
        if not variable.sql:
            return variable.options
        sql = expand(variable.sql, Scope(asked.span, interval(asked.span, asked.width), values.chosen))
        columns = json.loads(await self._reader.columns(sql))["data"].values()
        return from_rows(list(zip(*columns, strict=True)))

    async def _panel(self, panel: Panel, asked: Asked, values: Values) -> bytes:
        try:
            frames = await asyncio.gather(*(self._frame(target, panel, asked, values) for target in panel.targets))
        except PromqlError as error:
            return json.dumps({"panel": panel.id, "elsewhere": str(error)}).encode()
        except _FAILURES as error:
            return json.dumps({"panel": panel.id, "error": str(error)}).encode()
        parts = (
            b'{"ref":%b,"frame":%b}' % (json.dumps(target.ref).encode(), frame)
            for target, frame in zip(panel.targets, frames, strict=True)
        )
        return b'{"panel":%d,"frames":[%b]}' % (panel.id, b",".join(parts))

    async def _frame(self, target: Target, panel: Panel, asked: Asked, values: Values) -> bytes:
        points = asked.points(panel)
        if target.prometheus:
            return metrics_frame.frame(target, self._history.samples(), asked.span, points)
        if values.error:
            raise values.error
        return await self._reader.columns(
            expand(target.text, Scope(asked.span, interval(asked.span, points, panel.least_interval), values.chosen))
        )


def _described(variable: Variable, options: Sequence[Option], chosen: Chosen, unknown: Sequence[str]) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "multi": variable.multi,
        "all": variable.with_all,
        "hidden": variable.hidden,
        "options": [[option.value, option.text] for option in options],
        "chosen": [ALL] if chosen.everything else list(chosen.values),
        "unknown": list(unknown),
    }
