"""Queries of the dashboards on databases that are empty, or filled by hand."""

from datetime import UTC, datetime, timedelta

import yaml

from tests.dashboards import GRAFANA, Choice, expanded, panel_queries, variable_queries

END = int(datetime(2026, 11, 9, tzinfo=UTC).timestamp())
CHOSEN = {"goal": ["orders"], "model": ["linear"]}
ALL = Choice(END - 40 * 86_400, END, 43_200, CHOSEN, frozenset({"campaign", "network"}))


def test_a_database_that_is_empty_is_no_error(emptied):
    for query in (*panel_queries(), *variable_queries()):
        emptied.query(expanded(query.sql, ALL))


def test_what_was_reported_then_stays_beside_what_is_known_now(emptied):
    day = datetime(2026, 10, 1, 12, tzinfo=UTC)
    rows = [(day, day, 5), (day, day + timedelta(days=20), -2), (day + timedelta(days=28), day + timedelta(days=28), 9)]
    values = ", ".join(f"('{at:%F %T}', '{said:%F %T}', 'orders', 'linear', {n}, 1)" for at, said, n in rows)
    emptied.command(
        f"INSERT INTO goal_attribution (window_start, reported_at, goal, model, conversions, version) VALUES {values}"
    )
    (query,) = [each for each in panel_queries() if "As reported then" in each.place]
    assert [tuple(row.values()) for row in emptied.query(expanded(query.sql, ALL))] == [
        ("a day ago", 3, 3, 0),
        ("a week ago", 3, 3, 0),
        ("two weeks ago", 5, 3, -2),
        ("four weeks ago", 5, 3, -2),
    ]


def test_a_goal_that_falls_behind_is_a_number_below_its_threshold_labelled_with_the_goal(emptied):
    (group,) = yaml.safe_load((GRAFANA / "provisioning/alerting/goals.yaml").read_text("utf-8"))["groups"]
    pace, behind = group["rules"][0]["data"]
    emptied.command(
        "INSERT INTO goals (id, name, unit, target, `by`, version) VALUES"
        " ('slow', 'S', 'u', 100, '2026-11-20', 1), ('fast', 'F', 'u', 100, '2026-11-20', 1),"
        " ('open', 'O', 'u', NULL, NULL, 1)"
    )
    rows = ", ".join(f"('2026-11-01', 'last_click', '{goal}', {n}, 1)" for goal, n in (("slow", 10), ("fast", 30)))
    emptied.command(f"INSERT INTO goal_attribution (window_start, model, goal, conversions, version) VALUES {rows}")
    emptied.command("INSERT INTO engagement_counts (window_start, events, version) VALUES ('2026-11-06', 1, 1)")
    found = {row["goal"]: row["share_at_this_pace"] for row in emptied.query(pace["model"]["rawSql"])}
    (condition,) = behind["model"]["conditions"]
    assert condition["evaluator"]["type"] == "lt"
    assert [goal for goal, share in found.items() if share < condition["evaluator"]["params"][0]] == ["slow"]
    assert set(found) == {"slow", "fast"}
