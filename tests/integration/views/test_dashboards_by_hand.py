"""Queries of the dashboards on databases that are empty, or filled by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import yaml

from streams.reports import report
from streams.sinks.clickhouse.client import Client
from tests.support.dashboards import GRAFANA, Choice, expanded, panel_queries, variable_queries

END = int(datetime(2026, 11, 9, tzinfo=UTC).timestamp())
CHOSEN = {"goal": ["orders"], "model": ["linear"]}
# Panels that name each goal; what others show has nothing of a second goal of the same orders.
OF_EACH_GOAL = ("Every goal at a glance", "Value of each goal", "From attention to customers", "How far are we")
ALL = Choice(END - 40 * 86_400, END, 43_200, CHOSEN, frozenset({"campaign", "network", "channel"}))


def test_a_database_that_is_empty_is_no_error(emptied: Client) -> None:
    for query in (*panel_queries(), *variable_queries()):
        emptied.query(expanded(query.sql, ALL))


def test_what_was_reported_then_stays_beside_what_is_known_now(emptied: Client) -> None:
    day = datetime(2026, 10, 1, 12, tzinfo=UTC)
    rows = [(day, day, 5), (day, day + timedelta(days=20), -2), (day + timedelta(days=28), day + timedelta(days=28), 9)]
    values = ", ".join(f"('{at:%F %T}', '{said:%F %T}', 'orders', 'linear', {n}, 1)" for at, said, n in rows)
    emptied.command(
        f"INSERT INTO goal_attribution (window_start, reported_at, goal, model, conversions, version) VALUES {values}"
    )
    (query,) = [each for each in panel_queries() if "As reported then" in each.place]
    assert [tuple(row.values()) for row in emptied.query(expanded(query.sql, ALL))] == [
        ("A day ago", 3, 3, 0),
        ("A week ago", 3, 3, 0),
        ("Two weeks ago", 5, 3, -2),
        ("Four weeks ago", 5, 3, -2),
    ]


def test_a_goal_that_falls_behind_is_a_number_below_its_threshold_labelled_with_the_goal(emptied: Client) -> None:
    (group,) = yaml.safe_load((GRAFANA / "provisioning/alerting/goals.yaml").read_text("utf-8"))["groups"]
    pace, behind = group["rules"][0]["data"]
    emptied.command(
        "INSERT INTO goals (id, name, unit, target, `by`, version) VALUES"
        " ('slow', 'S', 'u', 100, '2026-11-20', 1), ('fast', 'F', 'u', 100, '2026-11-20', 1),"
        " ('open', 'O', 'u', NULL, NULL, 1)"
    )
    rows = ", ".join(f"('2026-11-01', 'last_click', '{goal}', {n}, 1)" for goal, n in (("slow", 10), ("fast", 30)))
    emptied.command(f"INSERT INTO goal_attribution (window_start, model, goal, conversions, version) VALUES {rows}")
    until = "('2026-11-06', 'last_click', 'open', 1)"
    emptied.command(f"INSERT INTO goal_attribution (window_start, model, goal, version) VALUES {until}")
    found = {row["goal"]: row["share_at_this_pace"] for row in emptied.query(pace["model"]["rawSql"])}
    (condition,) = behind["model"]["conditions"]
    assert condition["evaluator"]["type"] == "lt"
    assert [goal for goal, share in found.items() if share < condition["evaluator"]["params"][0]] == ["slow"]
    assert set(found) == {"slow", "fast"}


def shown(client: Client) -> dict[str, list[dict[str, Any]]]:
    """The figures of every panel but the age of the data, by place."""
    queries = [query for query in panel_queries() if "Data until" not in query.place]
    return {query.place: client.query(expanded(query.sql, ALL)) for query in queries}


def test_an_order_that_two_goals_count_is_once_in_every_panel_and_report(emptied: Client) -> None:
    emptied.command(
        "INSERT INTO goals (id, name, event, unit, currency, counts_for_return, version) VALUES"
        " ('orders', 'Orders', 'Order Completed', 'orders', 'NOK', 1, 1),"
        " ('new', 'New', 'Order Completed', 'customers', 'NOK', 0, 1)"
    )
    emptied.command("INSERT INTO campaigns (id, name, means, version) VALUES ('autumn', 'Autumn', 'social', 1)")
    emptied.command(
        "INSERT INTO costs (id, campaign, day, kind, amount, currency, version) VALUES"
        " ('1', 'autumn', '2026-11-01', 'money', 100, 'NOK', 1)"
    )
    credited = (
        "INSERT INTO goal_attribution (window_start, reported_at, model, goal, campaign, currency, conversions, value,"
        " version) SELECT '2026-11-01', '2026-11-01', arrayJoin(['linear', 'last_click']), '{}', 'autumn', 'NOK', {},"
        " {}, 1"
    )
    emptied.command(credited.format("orders", 4, 174))
    panels, paid = shown(emptied), report.read(emptied, model="linear").payback
    emptied.command(credited.format("new", 1, 13))
    twice = {place for place, rows in shown(emptied).items() if rows != panels[place]}
    assert {next(title for title in OF_EACH_GOAL if title in place) for place in twice} == {*OF_EACH_GOAL}
    assert len(twice) == len(OF_EACH_GOAL)
    assert report.read(emptied, model="linear").payback == paid
    assert (paid.campaigns[0].cost, paid.campaigns[0].value) == (Decimal(100), Decimal(174))


def test_the_last_hour_is_the_last_hour_of_the_clock(emptied: Client) -> None:
    now = datetime.now(UTC)
    for minutes, events in ((-30, 100), (2, 5), (58, 7), (62, 11), (600, 13)):
        at = now - timedelta(minutes=minutes)
        emptied.command(
            f"INSERT INTO engagement_counts (window_start, events, version) VALUES ('{at:%F %T}', {events}, 1)"
        )
        emptied.command(
            "INSERT INTO goal_attribution (window_start, goal, model, currency, conversions, value, version)"
            f" VALUES ('{at}', 'orders', 'linear', 'NOK', {events}, {events}, 1)"
        )
    (query,) = [each for each in panel_queries() if "The last hour" in each.place]
    found = {row["what"]: row["amount"] for row in emptied.query(expanded(query.sql, ALL))}
    assert found == {"Engagement": 12, "Conversions": 12, "Value, NOK": 12}


def test_the_status_of_a_goal_is_that_of_the_view(emptied: Client) -> None:
    emptied.command(
        "INSERT INTO goals (id, name, unit, target, `by`, version) VALUES"
        " ('late', 'L', 'u', 100, '2026-10-01', 1), ('done', 'D', 'u', 10, '2026-10-01', 1)"
    )
    rows = ", ".join(f"('2026-09-01', 'last_click', '{goal}', 90, 1)" for goal in ("late", "done"))
    emptied.command(f"INSERT INTO goal_attribution (window_start, model, goal, conversions, version) VALUES {rows}")
    glance, course = (
        next(each for each in panel_queries() if title in each.place)
        for title in ("Every goal at a glance", "Forecast for the deadline")
    )
    said = {row["Goal"]: row["Status"] for row in emptied.query(expanded(glance.sql, ALL))}
    assert said == {"L": "missed", "D": "reached"}
    shares = {row["goal"]: row["share_at_this_pace"] for row in emptied.query(expanded(course.sql, ALL))}
    assert shares == {"L": 0.9, "D": 9}
