"""The dashboards of grafana/, and their SQL as Grafana's ClickHouse plugin sends it to the database.

The plugin (grafana/clickhouse-datasource) first settles `$__conditionalAll`, Grafana then puts in the variables, and
the plugin's backend expands the other macros. What has no macro or variable of these is refused here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRAFANA = Path(__file__).parents[2] / "grafana"
CLICKHOUSE, PROMETHEUS = "grafana-clickhouse-datasource", "prometheus"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*.json"))
}
_CONDITION = "$__conditionalAll("
_VARIABLE = re.compile(r"\$\{(\w+):singlequote\}")
_TIME_FILTER = re.compile(r"\$__timeFilter\((\w+)\)")
_TIME_INTERVAL = re.compile(r"\$__timeInterval\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Query:
    """The SQL of a variable or of a panel's target, and where it is: `goals: Value so far`."""

    place: str
    sql: str
    kind: str  # of the panel; "variable"
    panel: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """A time range and interval, s, and by variable the chosen values; `everything` are those where All is chosen."""

    start: int
    end: int
    interval: int
    values: Mapping[str, Sequence[str]]
    everything: frozenset[str] = frozenset()


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel and where it is."""
    for dashboard in DASHBOARDS.values():
        for panel in dashboard["panels"]:
            yield f"{dashboard['uid'].removeprefix('maalstrom-')}: {panel['title']}", panel


def targets() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every query of every panel: where it is, the panel, the target."""
    for place, panel in panels():
        for target in panel.get("targets", ()):
            yield place, panel, target


def panel_queries() -> list[Query]:
    """The SQL of every panel."""
    found = [(place, panel, target) for place, panel, target in targets() if "rawSql" in target]
    return [Query(place, target["rawSql"], panel["type"], panel) for place, panel, target in found]


def variable_queries() -> list[Query]:
    """The SQL of every variable."""
    return [
        Query(f"{name}: ${variable['name']}", variable["query"]["rawSql"], "variable", {})
        for name, dashboard in DASHBOARDS.items()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]


def expanded(sql: str, choice: Choice) -> str:
    """What the database gets. Raises ValueError where anything is left that nobody expands."""
    sql = _conditions(sql, choice.everything)
    sql = _VARIABLE.sub(lambda found: ", ".join(map(_quoted, choice.values[found[1]])), sql)
    start, end = f"toDateTime({choice.start})", f"toDateTime({choice.end})"
    sql = _TIME_FILTER.sub(rf"\1 >= {start} AND \1 <= {end}", sql)
    sql = _TIME_INTERVAL.sub(rf"toStartOfInterval(toDateTime(\1), INTERVAL {choice.interval} second)", sql)
    sql = sql.replace("$__interval_s", str(choice.interval))
    return sql.replace("$__fromTime", start).replace("$__toTime", end)


def left_over(sql: str) -> list[str]:
    """Macros and variables of a query that `expanded` does not know."""
    named = _VARIABLE.findall(sql)
    choice = Choice(0, 1, 1, {name: ["x"] for name in named})
    return re.findall(r"\$\w*|\$\{\w*", expanded(sql, choice))


def _conditions(sql: str, everything: frozenset[str]) -> str:
    """From the last to the first, so that one inside another is settled before it."""
    while (start := sql.rfind(_CONDITION)) >= 0:
        condition, variable, end = _arguments(sql, start + len(_CONDITION))
        sql = sql[:start] + ("1=1" if variable.removeprefix("$") in everything else condition) + sql[end:]
    return sql


def _arguments(sql: str, start: int) -> tuple[str, str, int]:
    depth, comma = 1, 0
    for at in range(start, len(sql)):
        depth += (sql[at] == "(") - (sql[at] == ")")
        if sql[at] == "," and depth == 1:
            comma = at
        if depth == 0:
            return sql[start:comma], sql[comma + 1 : at].strip(), at + 1
    raise ValueError(f"$__conditionalAll is not closed: {sql}")


def _quoted(value: str) -> str:
    """As Grafana's format `singlequote`."""
    escaped = value.replace("'", "\\'")
    return f"'{escaped}'"
