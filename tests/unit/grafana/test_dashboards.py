"""The dashboards' JSON: what Grafana's file provisioning needs, and the rules of Grafana's linters that apply.

Of the linters' rules for Prometheus dashboards, `job` and `instance` variables are left out: only our workers have
these metrics, and a pipeline is looked at as a whole.
"""

import re
from itertools import combinations
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams.telemetry import metrics
from tests.support.dashboards import (
    CLICKHOUSE,
    DASHBOARDS,
    PROMETHEUS,
    Query,
    left_over,
    panel_queries,
    panels,
    targets,
    variable_queries,
)

UNITS = {"suffix: ready", "none", "short", "locale", "percentunit", "s", "cps", "bytes", "dateTimeFromNow"}
KINDS = {"stat", "timeseries", "bargauge", "table", "text"}
SOURCES = {CLICKHOUSE: ("${datasource}", "${clickhouse_datasource}"), PROMETHEUS: ("${prometheus_datasource}",)}
REPLACING = (
    *("goal_attribution", "goal_restatements", "conversions", "engagement_counts", "costs", "goals", "campaigns"),
    "alerts",
)
FULL_WIDTH = 24

by_name = pytest.mark.parametrize("name", DASHBOARDS)
by_panel = pytest.mark.parametrize("panel", [pytest.param(panel, id=place) for place, panel in panels()])
by_query = pytest.mark.parametrize(
    "query", [pytest.param(query, id=query.place) for query in (*panel_queries(), *variable_queries())]
)
by_panel_query = pytest.mark.parametrize("query", [pytest.param(query, id=query.place) for query in panel_queries()])
by_expression = pytest.mark.parametrize(
    "target", [pytest.param(target, id=place) for place, _, target in targets() if "expr" in target]
)


def test_there_is_a_dashboard_for_each_reader() -> None:
    assert list(DASHBOARDS) == ["campaigns", "goals", "overview", "pipeline"]


@by_name
def test_a_dashboard_is_classic_json_that_files_provision(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["uid"] == f"maalstrom-{name}"
    assert dashboard["schemaVersion"] <= 42
    assert dashboard["id"] is None
    assert not dashboard["editable"]
    assert dashboard["title"]
    assert dashboard["description"]
    assert not {"spec", "apiVersion", "kind", "__inputs", "__requires"} & set(dashboard)


@by_name
def test_panels_have_ids_of_their_own_and_do_not_overlap(name: str) -> None:
    found = DASHBOARDS[name]["panels"]
    assert len({panel["id"] for panel in found}) == len({panel["title"] for panel in found}) == len(found)
    places = [panel["gridPos"] for panel in found]
    assert all(place["x"] + place["w"] <= FULL_WIDTH for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not beside and not below


@by_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["type"] in KINDS
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert "transformations" not in panel
    if panel["type"] != "text":
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        overrides = [each for override in panel["fieldConfig"]["overrides"] for each in override["properties"]]
        assert all(each["value"] in UNITS for each in overrides if each["id"] == "unit")
        assert panel["targets"]


@by_panel
def test_a_panel_asks_a_data_source_that_is_a_variable(panel: dict[str, Any]) -> None:
    references = [target["refId"] for target in panel.get("targets", ())]
    assert len(set(references)) == len(references)
    for target in panel.get("targets", ()):
        assert target["datasource"] == panel["datasource"]
        assert target["datasource"]["uid"] in SOURCES[target["datasource"]["type"]]


@by_name
def test_variables_are_queried_again_with_the_time_range_and_none_is_free_text(name: str) -> None:
    listed = DASHBOARDS[name]["templating"]["list"]
    assert {variable["type"] for variable in listed} <= {"datasource", "query"}
    assert all(variable["label"] for variable in listed)
    queried = [variable for variable in listed if variable["type"] == "query"]
    assert all(variable["refresh"] == 2 and variable["datasource"]["uid"] == "${datasource}" for variable in queried)
    declared = {f"${{{variable['name']}}}" for variable in listed if variable["type"] == "datasource"}
    used = {panel["datasource"]["uid"] for panel in DASHBOARDS[name]["panels"] if "datasource" in panel}
    assert declared == used


@by_query
def test_sql_has_only_macros_that_the_plugin_expands_and_quoted_variables_that_there_are(query: Query) -> None:
    assert left_over(query.sql) == []
    assert not [literal for literal in re.findall(r"'[^']*'", query.sql) if "$" in literal]
    dashboard = DASHBOARDS[query.place.split(":")[0]]
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert set(re.findall(r"\$\{(\w+)", query.sql)) <= declared


@by_panel_query
def test_rows_are_read_without_their_older_versions_and_of_one_model(query: Query) -> None:
    lines = [line for line in query.sql.splitlines() if "max(window_start)" not in line]
    for table in REPLACING:
        assert not [line for line in lines if re.search(rf"FROM {table}\b(?! FINAL)", line)]
    reads = len(
        re.findall(
            r"FROM (?:goal_attribution_now|goal_restatements|goal_attribution_shown|campaign_return_shown"
            r"|attribution_days_shown)\b",
            query.sql,
        )
    )
    assert len(re.findall(r"\bmodel = (?:\$\{model:singlequote\}|'\w+')", query.sql)) >= reads


@by_panel_query
def test_campaigns_of_few_users_are_named_nowhere(query: Query) -> None:
    """Views that fold them take the place of tables wherever a row is a campaign or a campaign can be chosen."""
    by_campaign = re.search(r"\bcampaign\b", re.sub(r"campaign [!=]+ ''", "", query.sql))
    if by_campaign and not re.search(
        r"FROM (alerts|campaign_lift|\(SELECT \* FROM measured_lift|goal_restatements)\b", query.sql
    ):
        assert re.search(r"_shown\b|named_campaigns", query.sql)
        assert not re.search(
            r"FROM (goal_attribution_now|(goal_attribution|engagement_counts|conversions) FINAL)", query.sql
        )


@by_panel_query
def test_a_query_has_the_format_that_its_panel_needs(query: Query) -> None:
    series = query.kind == "timeseries"
    for target in query.panel["targets"]:
        assert (target["editorType"], target["format"]) == ("sql", 0 if series else 1)
        assert target["queryType"] == ("timeseries" if series else "table")


@by_expression
def test_a_counter_is_read_as_a_rate_over_the_interval_that_grafana_chooses_or_as_an_increase(
    target: dict[str, Any],
) -> None:
    expression = target["expr"]
    for function, period in re.findall(r"(\w+)\([^()]*\[([^\]]*)\]\)", expression):
        assert (function == "increase") != (period == "$__rate_interval")
    for name in re.findall(r"maalstrom_\w+", expression):
        counted = re.search(rf"\b(rate|increase)\({name}\[", expression)
        assert bool(counted) == name.endswith(("_total", "_bucket"))
    if "histogram_quantile" in expression:
        assert "sum by (le) (rate(" in expression
    assert target["legendFormat"]


def samples(name: str, kind: str | None) -> set[str]:
    return {f"{name}_bucket"} if kind == "histogram" else {f"{name}_total" if kind == "counter" else name}


# What Prometheus reads of a worker: the name of a sample to its labels.
LABELS = {
    sample: set(metric._labelnames)
    for metric in vars(metrics).values()
    if isinstance(metric, MetricWrapperBase)
    for sample in samples(metric._name, metric._type)
}


@by_expression
def test_an_expression_names_metrics_and_labels_that_a_worker_has(target: dict[str, Any]) -> None:
    expression = target["expr"]
    named = re.findall(r"maalstrom_\w+", expression)
    assert set(named) <= set(LABELS)
    grouped = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r", *", group)}
    if named:
        assert grouped <= {"le"}.union(*(LABELS[name] for name in named))
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= grouped


def test_what_a_worker_measures_is_shown_unless_an_alert_alone_needs_it() -> None:
    shown = {name for _, _, target in targets() for name in re.findall(r"maalstrom_\w+", target.get("expr", ""))}
    assert set(LABELS) - shown == {
        "maalstrom_batch_records_bucket",
        "maalstrom_goal_reversals_total",
        "maalstrom_misrouted_total",
        "maalstrom_sink_last_flush_timestamp_seconds",
        "maalstrom_watch_failures_total",
    }


PERIODS = re.compile(
    r"in the time shown|all time|so far|the last hour|then, and|data until|by the deadline|for the deadline|\bnow\b",
    re.IGNORECASE,
)


@by_panel_query
def test_a_panel_that_does_not_follow_the_time_shown_says_which_time_is_its_own(query: Query) -> None:
    follows = re.search(r"\$__(timeFilter|fromTime|toTime)\b", query.sql)
    if not follows or query.kind != "timeseries":
        assert PERIODS.search(query.panel["title"]) or query.panel["title"] in CHANGES


CHANGES = ("What changed since the period before, and why: ${goal:text}, ${currency:text}", "What to look at this week")


def test_every_dashboard_says_until_when_it_has_data_and_keeps_one_time_zone() -> None:
    for dashboard in DASHBOARDS.values():
        assert dashboard["timezone"] == ""
        assert [panel for panel in dashboard["panels"] if panel["title"] == "Data until"]


def test_a_colour_is_that_of_the_name_and_what_is_not_attributed_is_grey() -> None:
    for _, panel in panels():
        if panel["type"] == "timeseries" and panel["datasource"]["type"] == CLICKHOUSE:
            assert panel["fieldConfig"]["defaults"]["color"]["mode"] == "palette-classic-by-name"
            if "Not attributed" in panel["targets"][0]["rawSql"]:
                (grey,) = (
                    o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == "/^Not attributed/"
                )
                assert grey["properties"][0]["value"]["fixedColor"] == "#808080"
