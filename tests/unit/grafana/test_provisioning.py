"""What Grafana reads when it starts: data sources, dashboards and alerting, from files."""

import re

import yaml

from tests.support.dashboards import DASHBOARDS, GRAFANA

FILES = {
    str(path.relative_to(GRAFANA / "provisioning")): yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((GRAFANA / "provisioning").rglob("*.yaml"))
}
SOURCES = {source["uid"]: source for source in FILES["datasources/maalstrom.yaml"]["datasources"]}
RULES = [rule for group in FILES["alerting/goals.yaml"]["groups"] for rule in group["rules"]]


def test_every_file_is_of_the_version_that_grafana_reads() -> None:
    assert {file["apiVersion"] for file in FILES.values()} == {1}


def test_dashboards_find_a_data_source_of_each_type_that_they_choose_from() -> None:
    wanted = {
        variable["query"]
        for dashboard in DASHBOARDS.values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "datasource"
    }
    assert wanted <= {source["type"] for source in SOURCES.values()}


def test_hosts_users_and_secrets_come_from_the_environment() -> None:
    for source in SOURCES.values():
        given = source | source["jsonData"] | source.get("secureJsonData", {})
        for name in ("url", "host", "username", "password"):
            assert re.fullmatch(r"\$[A-Z_]+", given.get(name, "$NONE"))
    assert SOURCES["maalstrom-clickhouse"]["secureJsonData"] == {"password": "$CLICKHOUSE_PASSWORD"}


def test_a_rule_asks_a_data_source_that_there_is_and_ends_in_its_condition() -> None:
    for rule in RULES:
        steps = {step["refId"]: step for step in rule["data"]}
        assert {step["datasourceUid"] for step in steps.values()} <= {*SOURCES, "__expr__"}
        condition = steps[rule["condition"]]
        assert condition["datasourceUid"] == "__expr__"
        assert condition["model"]["expression"] in steps
        assert all(step["model"]["refId"] == name for name, step in steps.items())


def test_a_rule_says_what_happened_and_where_to_read_on() -> None:
    for rule in RULES:
        assert rule["title"].startswith("Maalstrom")
        assert rule["labels"] == {"job": "maalstrom", "severity": "warning", "layer": "business"}
        assert {"summary", "description", "runbook_url"} <= set(rule["annotations"])
        # Grafana takes $name in these files for a variable of the environment; $$ is a dollar.
        assert not re.search(r"(?<!\$)\$(?!\$)", " ".join(rule["annotations"].values()))


def test_notifications_go_to_a_contact_point_that_there_is() -> None:
    notifications = FILES["alerting/notifications.yaml"]
    points = {point["name"] for point in notifications["contactPoints"]}
    assert {policy["receiver"] for policy in notifications["policies"]} <= points
