"""Days and deadlines of the catalogue's time zone, and figures by day in the base currency."""

from decimal import Decimal

import pytest

from streams.sinks.clickhouse.client import Client

ZONE = "INSERT INTO settings (id, value, version) VALUES ('timezone', 'Europe/Oslo', 1)"
GOAL = "INSERT INTO goals (id, name, target, `by`, currency, version) VALUES"
REPORT = (
    "INSERT INTO goal_attribution (window_start, model, goal, campaign, currency, conversions, value, version) VALUES"
)
RESTATE = (
    "INSERT INTO goal_restatements (window_start, model, goal, campaign, cause, currency, conversions, value, version)"
    " VALUES"
)


@pytest.fixture
def client(emptied: Client) -> Client:
    emptied.command(f"{GOAL} ('g', 'G', 10, '2026-11-20', 'NOK', 1)")
    return emptied


def test_a_deadline_ends_with_its_day_in_the_catalogues_time_zone(client: Client) -> None:
    client.command(f"{REPORT} ('2026-11-20 22:59:00', 'last_click', 'g', 'a', 'NOK', 4, 1, 1)")
    client.command(f"{REPORT} ('2026-11-20 23:00:00', 'last_click', 'g', 'a', 'NOK', 6, 1, 1)")
    assert client.query("SELECT in_time, status FROM goal_progress") == [{"in_time": Decimal(10), "status": "reached"}]
    client.command(ZONE)
    assert client.query("SELECT in_time, status FROM goal_progress") == [{"in_time": Decimal(4), "status": "missed"}]


def test_a_goal_is_not_behind_before_there_is_a_conversion_of_any(client: Client) -> None:
    client.command(f"{GOAL} ('open', 'O', 10, '2199-11-20', 'NOK', 1)")
    (row,) = client.query("SELECT status, pace, expected FROM goal_progress WHERE goal = 'open'")
    assert row == {"status": "no conversions yet", "pace": None, "expected": None}


def test_an_order_after_midnight_is_of_the_day_that_it_is_there(client: Client) -> None:
    client.command(f"{REPORT} ('2026-11-20 23:30:00', 'linear', 'g', 'a', 'NOK', 1, 5, 1)")
    asked = "SELECT toString(day) AS day FROM attribution_days"
    assert client.query(asked) == [{"day": "2026-11-20"}]
    client.command(ZONE)
    assert client.query(asked) == [{"day": "2026-11-21"}]


def test_what_was_first_reported_is_what_is_known_less_what_was_restated_in_one_currency(client: Client) -> None:
    client.command("INSERT INTO rates VALUES ('ecb', '2026-11-01', 'EUR', 'NOK', 1, 11.5, 0, 1)")
    client.command(f"{REPORT} ('2026-11-02', 'linear', 'g', 'a', 'EUR', 3, 30, 1)")
    client.command(f"{RESTATE} ('2026-11-02', 'linear', 'g', 'a', 'reversal', 'EUR', -1, -10, 1)")
    (row,) = client.query(
        "SELECT currency, toFloat64(sum(conversions)) AS n, toFloat64(sum(value)) AS value,"
        " toFloat64(sum(restated_conversions)) AS changed, toFloat64(sum(restated_value)) AS by"
        " FROM attribution_days GROUP BY currency"
    )
    assert row == {"currency": "NOK", "n": 3, "value": 345, "changed": -1, "by": -115}


def test_each_campaign_has_its_channel_and_small_ones_have_none(client: Client) -> None:
    client.command("INSERT INTO settings (id, value, version) VALUES ('smallest_group', '2', 1)")
    client.command(
        "INSERT INTO campaigns (id, name, means, version) VALUES ('a', 'A', 'search', 1), ('s', 'S', 'shop', 1)"
    )
    seen = ", ".join(f"('2026-11-02', '{campaign}', '', {user})" for campaign in ("a", "b") for user in (1, 2))
    client.command(f"INSERT INTO engagement_seen VALUES {seen}, ('2026-11-02', 's', '', 1)")
    rows = ", ".join(f"('2026-11-02', 'linear', 'g', '{campaign}', 'NOK', 1, 1, 1)" for campaign in ("", "a", "b", "s"))
    client.command(f"{REPORT} {rows}")
    client.command(
        "INSERT INTO costs (id, campaign, day, kind, amount, currency, version)"
        " VALUES ('1', 's', '2026-11-02', 'money', 9, 'NOK', 1)"
    )
    found = client.query("SELECT campaign, name, channel FROM attribution_days_shown ORDER BY campaign")
    assert [tuple(row.values()) for row in found] == [
        ("", "", "not attributed"),
        ("a", "A", "search"),
        ("b", "b", "not known"),
        ("withheld", "withheld", "suppressed"),
    ]
    (cost,) = client.query("SELECT campaign, channel, toFloat64(cost) AS cost FROM cost_days_shown")
    assert tuple(cost.values()) == ("withheld", "suppressed", 9)
