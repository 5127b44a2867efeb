"""Reading Grafana's classic JSON: what the server keeps, what the page gets, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.page.dashboards import CLICKHOUSE, DashboardError, Panel, Target, read, read_all

SQL = {"refId": "A", "rawSql": "SELECT 1", "format": 1, "datasource": {"type": CLICKHOUSE, "uid": "${source}"}}
PROMQL = {"refId": "B", "expr": "sum(x)", "legendFormat": "__auto", "datasource": {"type": "prometheus"}}


def panel(number: int, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "stat", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 4}, "targets": [*targets], **more}


def dashboard(*panels: dict[str, Any], **more: Any) -> str:
    plain = {"uid": "one", "title": "One", "time": {"from": "now-1h", "to": "now"}, "templating": {"list": []}}
    return json.dumps(plain | {"panels": panels} | more)


def test_queries_stay_with_the_server() -> None:
    variable = {"name": "v", "type": "query", "query": {"rawSql": "SELECT 2"}}
    found = read("one.json", dashboard(panel(1, SQL, PROMQL), templating={"list": [variable]}))
    sql, promql = Target("A", "SELECT 1", False, False, ""), Target("B", "sum(x)", True, True, "")
    assert found.panels == {1: Panel(1, 12, "", 0, (sql, promql))}
    shown = json.dumps(found.shown)
    assert "SELECT" not in shown
    assert "sum(x)" not in shown


def test_what_is_hidden_is_not_asked_and_what_is_collapsed_is_open() -> None:
    hidden = SQL | {"refId": "H", "hide": True}
    row = {"id": 9, "type": "row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": [panel(2, SQL, hidden)]}
    found = read("one.json", dashboard(row, panel(3, type="text"), panel(4, SQL, interval="1m", maxDataPoints=100)))
    assert [target.ref for target in found.panels[2].targets] == ["A"]
    assert (found.panels[4].least_interval, found.panels[4].most_points) == ("1m", 100)
    assert list(found.panels) == [2, 4]
    assert [each["id"] for each in found.shown["panels"]] == [9, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not JSON", "one.json: Expecting value"),
        ("{}", "one.json: 'panels' is missing; export it from Grafana as classic JSON"),
        ('{"panels": {}}', "one.json: 'uid' is missing"),
        (dashboard(panel(1, SQL | {"datasource": {"type": "mysql"}})), "one.json: panel 1 asks mysql; the page knows"),
        (
            dashboard(templating={"list": [{"name": "v", "type": "textbox"}]}),
            "one.json: the variable v is of type text",
        ),
    ],
)
def test_a_file_that_cannot_be_shown_says_why(text: str, says: str) -> None:
    with pytest.raises(DashboardError, match=says):
        read("one.json", text)


def test_a_broken_file_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "goals.json").write_text(dashboard(uid="g"))
    (tmp_path / "alone.json").write_text(dashboard(uid="a"))
    (tmp_path / "broken.json").write_text("[]")
    broken: list[DashboardError] = []
    assert list(read_all(tmp_path, broken.append)) == ["g", "a"]
    assert ["broken.json" in str(error) for error in broken] == [True]
    assert read_all(tmp_path / "missing") == {}
