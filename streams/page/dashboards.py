"""The dashboards as they lie in grafana/dashboards: Grafana's classic JSON, read once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from streams.page import variables
from streams.texts import LANGUAGES

CLICKHOUSE, PROMETHEUS = "grafana-clickhouse-datasource", "prometheus"
_FIRST = ("overview", "goals", "campaigns", "pipeline")
_FOR_THE_PAGE = ("uid", "title", "description", "tags", "time", "refresh", "timezone")
_FOLLOWS = re.compile(r"\$__(timeFilter|fromTime|toTime)\b")  # the time shown
_SECRETS = ("rawSql", "expr", "query", "meta", "builderOptions")  # queries stay on the server


class DashboardError(ValueError):
    """A file is no dashboard that the page can show; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel: SQL, or PromQL where `prometheus`. `legend` names PromQL's series."""

    ref: str
    text: str
    prometheus: bool
    series: bool
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What the server needs of a panel; the rest of its JSON is for the page. `width` is in 24ths; `most_points` 0 is
    as many as there are pixels."""

    id: int
    width: int
    least_interval: str
    most_points: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; `marks` are queries of a time and a text each; `shown` is what the page gets, without queries."""

    uid: str
    title: str
    start: str
    end: str
    variables: tuple[variables.Variable, ...]
    panels: Mapping[int, Panel]
    marks: tuple[str, ...]
    shown: Mapping[str, Any]


def read_all(
    folder: Traversable | None = None, broken: Callable[[DashboardError], object] = lambda _: None
) -> dict[str, Dashboard]:
    """Every dashboard of the folder by uid, in the order in which people want them; `broken` is told of the others."""
    found: dict[str, Dashboard] = {}
    for file in sorted(_files(folder or _folder()), key=_rank):
        try:
            dashboard = read(file.name, file.read_text("utf-8"))
            found[dashboard.uid] = dashboard
        except DashboardError as error:
            broken(error)
    return found


def _files(folder: Traversable) -> Iterator[Traversable]:
    """The dashboards of a folder, and of its folders: a language each."""
    if folder.is_dir():
        inside = list(folder.iterdir())
        yield from (file for file in inside if file.name.endswith(".json"))
        for each in inside:
            if each.name in LANGUAGES:
                yield from _files(each)


def _rank(file: Traversable) -> tuple[int, str]:
    stem = file.name.removesuffix(".json")
    return _FIRST.index(stem) if stem in _FIRST else len(_FIRST), stem


def _folder() -> Traversable:
    """`grafana` lies inside the package in an installed wheel and beside it in a checkout."""
    package = resources.files("streams")
    inside = package / "grafana" / "dashboards"
    return inside if inside.is_dir() else package / ".." / "grafana" / "dashboards"


def read(name: str, text: str) -> Dashboard:
    """The dashboard in a file of that name. Raises DashboardError."""
    try:
        return _dashboard(json.loads(text))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise DashboardError(f"{name}: {why}; export it from Grafana as classic JSON") from error


def _dashboard(given: Mapping[str, Any]) -> Dashboard:
    panels = list(_flat(given["panels"]))
    read_variables = variables.read(given.get("templating", {}))
    span = given.get("time", {})
    return Dashboard(
        given["uid"],
        given["title"],
        span.get("from", "now-6h"),
        span.get("to", "now"),
        read_variables,
        {panel["id"]: _panel(panel) for panel in panels if panel.get("targets")},
        tuple(_marks(given.get("annotations", {}))),
        {name: given[name] for name in _FOR_THE_PAGE if name in given}
        | {"panels": [_without_queries(panel) for panel in panels]},
    )


def _flat(panels: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """A collapsed row has its panels inside; here all are open."""
    for panel in panels:
        yield {name: value for name, value in panel.items() if name != "panels"}
        yield from _flat(panel.get("panels", []))


def _marks(annotations: Mapping[str, Any]) -> Iterator[str]:
    """The queries of Grafana's annotations; its own, which ask Grafana, have none."""
    for each in annotations.get("list", ()):
        if each.get("enable") and (sql := each.get("target", {}).get("rawSql")):
            yield sql


def _panel(given: Mapping[str, Any]) -> Panel:
    targets = (_target(target, given) for target in given["targets"] if not target.get("hide"))
    return Panel(
        given["id"], given["gridPos"]["w"], given.get("interval") or "", given.get("maxDataPoints") or 0, tuple(targets)
    )


def _target(given: Mapping[str, Any], panel: Mapping[str, Any]) -> Target:
    source = (given.get("datasource") or panel.get("datasource") or {}).get("type", CLICKHOUSE)
    if source not in (CLICKHOUSE, PROMETHEUS):
        raise DashboardError(f"panel {panel['id']} asks {source}; the page knows {CLICKHOUSE} and {PROMETHEUS}")
    prometheus = source == PROMETHEUS
    table = given.get("instant") or given.get("format") in (1, "table") or given.get("queryType") == "table"
    text = given["expr"] if prometheus else given["rawSql"]
    legend = given.get("legendFormat", "")
    return Target(given.get("refId", "A"), text, prometheus, not table, "" if legend == "__auto" else legend)


def _without_queries(panel: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in panel.items() if name != "targets"}
    targets = panel.get("targets", ())
    follows = any(_FOLLOWS.search(target.get("rawSql", "")) for target in targets)
    shown = [{k: v for k, v in target.items() if k not in _SECRETS} for target in targets]
    return kept | {"targets": shown, "follows": follows}
