"""The views for people: goals against their targets, and what campaigns cost and brought."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streams.sinks.clickhouse.client import Client

GOAL = "INSERT INTO goals (id, name, unit, target, `by`, version) VALUES"
COUNTING = "INSERT INTO goals (id, event, counts_for_return, version) VALUES"
REPORT = (
    "INSERT INTO goal_attribution (window_start, model, goal, campaign, currency, conversions, value, version) VALUES"
)
SPEND = "INSERT INTO costs (id, campaign, day, kind, amount, rate, currency, version) VALUES"
# A conversion of another goal: until then there is data.
SEE = "INSERT INTO goal_attribution (window_start, model, goal, version) VALUES"


@pytest.fixture
def client(emptied: Client) -> Client:
    """One path: the views are the same on both."""
    return emptied


def progress(client: Client) -> list[dict[str, Any]]:
    columns = "goal, target, `by`, reached, elapsed, pace, expected"
    return client.query(f"SELECT {columns} FROM goal_progress ORDER BY goal")


def test_pace_is_the_share_of_the_target_per_share_of_the_time(client: Client) -> None:
    client.command(f"{GOAL} ('g', 'G', 'customers', 100, '2026-11-20', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'last_click', 'g', 'a', 'NOK', 20, 1, 1)")
    client.command(f"{REPORT} ('2026-11-03', 'last_click', 'g', '', 'NOK', 9, 1, 1)")
    client.command(f"{REPORT} ('2026-11-03', 'last_click', 'g', '', 'NOK', 10, 1, 2)")
    client.command(f"{REPORT} ('2026-11-03', 'linear', 'g', 'a', 'NOK', 30, 1, 1)")
    client.command(f"{SEE} ('2026-11-06', 'last_click', 'other', 1)")
    assert progress(client) == [
        {
            "goal": "g",
            "target": Decimal(100),
            "by": date(2026, 11, 20),
            "reached": Decimal(30),
            "elapsed": 0.25,
            "pace": pytest.approx(1.2),
            "expected": pytest.approx(120),
        }
    ]


def test_on_the_first_day_it_is_too_early_to_tell(client: Client) -> None:
    client.command(f"{GOAL} ('g', 'G', 'customers', 100, '2026-11-20', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'last_click', 'g', 'a', 'NOK', 20, 1, 1)")
    client.command(f"{SEE} ('2026-11-01 23:59:00', 'last_click', 'other', 1)")
    (goal,) = progress(client)
    assert (goal["reached"], goal["elapsed"], goal["pace"], goal["expected"]) == (Decimal(20), None, None, None)


def test_after_the_deadline_pace_is_what_was_reached_by_then(client: Client) -> None:
    client.command(f"{GOAL} ('g', 'G', 'customers', 100, '2026-11-20', 1)")
    client.command(f"{REPORT} ('2026-11-20 23:59:00', 'last_click', 'g', 'a', 'NOK', 80, 1, 1)")
    client.command(f"{REPORT} ('2026-11-21', 'last_click', 'g', 'a', 'NOK', 40, 1, 1)")
    (goal,) = progress(client)
    assert (goal["reached"], goal["elapsed"], goal["pace"], goal["expected"]) == (Decimal(120), 1, 0.8, 80)


def test_goals_without_conversions_or_target_are_there(client: Client) -> None:
    client.command(f"{GOAL} ('idle', 'I', 'u', 100, '2026-11-20', 1), ('open', 'O', 'u', NULL, NULL, 1)")
    client.command(f"{REPORT} ('2026-11-01', 'last_click', 'open', 'a', 'NOK', 7, 1, 1)")
    idle, free = progress(client)
    assert (idle["reached"], idle["pace"], idle["expected"]) == (0, 0, 0)
    assert (free["reached"], free["target"], free["pace"], free["expected"]) == (7, None, None, None)


def status(client: Client, days_left: int, reached: int, days_ago: int = 0) -> tuple[int, str]:
    """What is said of a goal of 100 that began 20 days before the newest conversion, which was so many days ago."""
    now = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    newest, by = now - timedelta(days=days_ago), (now + timedelta(days=days_left)).date()
    client.command("TRUNCATE TABLE goals")
    client.command("TRUNCATE TABLE goal_attribution")
    client.command(f"{GOAL} ('g', 'G', 'customers', 100, '{by}', 1)")
    client.command(f"{REPORT} ('{newest - timedelta(days=20):%F %T}', 'last_click', 'g', 'a', 'NOK', {reached}, 1, 1)")
    client.command(f"{SEE} ('{newest:%F %T}', 'last_click', 'other', 1)")
    (row,) = client.query("SELECT over, status FROM goal_progress")
    return row["over"], row["status"]


@pytest.mark.parametrize(
    ("days_left", "reached", "days_ago", "said"),
    [
        (10, 100, 0, (0, "reached")),
        (10, 70, 0, (0, "on course")),
        (10, 60, 0, (0, "a little behind")),
        (10, 30, 0, (0, "behind")),
        (-2, 100, 0, (1, "reached")),
        (-2, 99, 0, (1, "missed")),
        (-2, 99, 3, (1, "missed")),  # nothing has come since: the clock says that it is over
        (-2, 100, 3, (1, "reached")),
    ],
)
def test_a_goal_past_its_deadline_is_reached_or_missed(
    client: Client, days_left: int, reached: int, days_ago: int, said: tuple[int, str]
) -> None:
    assert status(client, days_left, reached, days_ago) == said


def test_what_comes_after_the_deadline_reaches_nothing(client: Client) -> None:
    client.command(f"{GOAL} ('g', 'G', 'customers', 100, '2026-11-20', 1)")
    client.command(f"{REPORT} ('2026-11-20 23:59:00', 'last_click', 'g', 'a', 'NOK', 80, 1, 1)")
    client.command(f"{REPORT} ('2026-11-21', 'last_click', 'g', 'a', 'NOK', 40, 1, 1)")
    (row,) = client.query("SELECT reached, in_time, status FROM goal_progress")
    assert (row["reached"], row["in_time"], row["status"]) == (120, 80, "missed")


def test_an_engagement_moves_no_forecast(client: Client) -> None:
    client.command(f"{GOAL} ('g', 'G', 'customers', 100, '2099-11-20', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'last_click', 'g', 'a', 'NOK', 20, 1, 1)")
    client.command("INSERT INTO engagement_counts (window_start, events, version) VALUES ('2027-11-06', 1, 1)")
    (row,) = client.query("SELECT as_of FROM goal_progress")
    assert row["as_of"] == datetime(2026, 11, 1, tzinfo=UTC)


def returns(client: Client, model: str = "linear") -> dict[tuple[str, str], dict[str, Any]]:
    found = client.query(
        "SELECT * EXCEPT (model) FROM campaign_return WHERE model = {model:String} ORDER BY campaign, currency",
        {"model": model},
    )
    return {(row["campaign"], row["currency"]): row for row in found}


def test_hours_are_money(client: Client) -> None:
    client.command("INSERT INTO campaigns (id, name, means, version) VALUES ('autumn', 'Autumn', 'social', 1)")
    money = ", ".join(
        f"('{amount}', 'autumn', '2026-11-01', 'money', {amount}, 0, 'NOK', 1)" for amount in (1500, 600, 100)
    )
    client.command(f"{SPEND} {money}, ('h', 'autumn', '2026-11-01', 'hours', 20, 50, 'NOK', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'g', 'autumn', 'NOK', 30, 7000, 1)")
    client.command(f"{REPORT} ('2026-11-02', 'linear', 'h', 'autumn', 'NOK', 2, 1000, 1)")
    client.command(f"{REPORT} ('2026-11-02', 'first', 'g', 'autumn', 'NOK', 32, 8000, 1)")
    expected = {
        "campaign": "autumn",
        "name": "Autumn",
        "means": "social",
        "currency": "NOK",
        "money": Decimal(2200),
        "hours": Decimal(20),
        "cost": Decimal(3200),
        "conversions": Decimal(32),
        "value": Decimal(8000),
        "cost_per_conversion": Decimal(100),
        "return_on_investment": 1.5,
    }
    assert returns(client) == {("autumn", "NOK"): expected}
    assert returns(client, "first") == {("autumn", "NOK"): expected}


def test_a_cost_that_comes_again_replaces_the_first(client: Client) -> None:
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-01', 'money', 100, 0, 'NOK', 1)")
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-01', 'hours', 2.5, 10.02, 'NOK', 2)")
    assert returns(client)["autumn", "NOK"]["cost"] == Decimal("25.05")


def test_a_checkout_that_several_goals_count_is_worth_its_value_once(client: Client) -> None:
    client.command(f"{COUNTING} ('orders', 'Order Completed', 1, 1), ('new', 'Order Completed', 0, 1)")
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-01', 'money', 100, 0, 'NOK', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'orders', 'autumn', 'NOK', 4, 174, 1)")
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'new', 'autumn', 'NOK', 1, 13, 1)")
    client.command("INSERT INTO goals (id, removed, version) VALUES ('gone from the catalogue', 1, 2)")
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'gone from the catalogue', 'autumn', 'NOK', 4, 174, 1)")
    row = returns(client)["autumn", "NOK"]
    assert (row["conversions"], row["value"], row["cost_per_conversion"]) == (4, 174, 25)
    assert row["return_on_investment"] == pytest.approx(0.74)


def test_nothing_is_divided_by_zero(client: Client) -> None:
    client.command(f"{SPEND} ('1', 'only-cost', '2026-11-01', 'money', 100, 0, 'NOK', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'g', 'only-value', 'NOK', 4, 50, 1)")
    cost, value = returns(client)["only-cost", "NOK"], returns(client)["only-value", "NOK"]
    assert (cost["conversions"], cost["cost_per_conversion"], cost["return_on_investment"]) == (0, None, -1)
    assert (value["name"], value["means"], value["cost"]) == ("only-value", "", 0)
    assert (value["cost_per_conversion"], value["return_on_investment"]) == (0, None)
    assert ("only-cost", "NOK") in returns(client, "shapley")


def test_currencies_are_not_compared(client: Client) -> None:
    client.command(f"{SPEND} ('1', 'a', '2026-11-01', 'money', 100, 0, 'NOK', 1)")
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'g', 'a', 'EUR', 4, 50, 1)")
    found = returns(client)
    assert [(key, row["cost"], row["value"], row["return_on_investment"]) for key, row in found.items()] == [
        (("a", "EUR"), 0, 50, None),
        (("a", "NOK"), 100, 0, None),
    ]


def test_what_is_unattributed_is_no_campaign(client: Client) -> None:
    client.command(f"{REPORT} ('2026-11-01', 'linear', 'g', '', 'NOK', 4, 50, 1)")
    assert returns(client) == {}
