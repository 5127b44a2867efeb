"""The panels of the Overview on figures that are put in by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.sinks.clickhouse.client import Client
from tests.support.dashboards import Choice, expanded, panel_queries

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
START = NOW - timedelta(days=6)
CHOICE = Choice(
    int(START.timestamp()), int(NOW.timestamp()), 3600, {"goal": ["g"], "model": ["linear"]}, frozenset({"channel"})
)
QUERIES = {query.panel["title"]: query.sql for query in panel_queries() if query.place.startswith("overview")}


@pytest.fixture
def client(emptied: Client) -> Client:
    deadline = (NOW + timedelta(days=90)).date()
    emptied.command(
        "INSERT INTO goals (id, name, unit, target, `by`, currency, counts_for_return, version) VALUES"
        f" ('g', 'Orders', 'orders', 1000000, '{deadline}', 'NOK', 1, 1),"
        " ('new', 'New customers', 'customers', NULL, NULL, 'NOK', 0, 1)"
    )
    emptied.command("INSERT INTO settings (id, value, version) VALUES ('smallest_group', '0', 1)")
    emptied.command(
        "INSERT INTO campaigns (id, name, means, version) VALUES"
        " ('s', 'Search ads', 'search', 1), ('f', 'On Facebook', 'social', 1), ('p', 'Paper', 'newspaper', 1)"
    )
    for campaign in "sfp":
        emptied.command(f"INSERT INTO engagement_seen VALUES (today(), '{campaign}', 'n', 1)")
    return emptied


def ask(client: Client, title: str) -> list[tuple[Any, ...]]:
    (sql,) = (sql for name, sql in QUERIES.items() if name.startswith(title))
    return [tuple(row.values()) for row in client.query(expanded(sql, CHOICE))]


def report(client: Client, *rows: tuple[Any, ...], table: str = "goal_attribution", more: str = "") -> None:
    """Each row: days before now, goal, campaign, conversions, value."""
    values = ", ".join(
        f"('{NOW - timedelta(days=days):%F %T}', '{goal}', 'linear', '{campaign}', 'NOK', {n}, {value}, 1{more})"
        for days, goal, campaign, n, value in rows
    )
    cause = ", cause" if more else ""
    client.command(
        f"INSERT INTO {table} (window_start, goal, model, campaign, currency, conversions, value, version{cause})"
        f" VALUES {values}"
    )


def spend(client: Client, *rows: tuple[Any, ...]) -> None:
    values = ", ".join(
        f"('{campaign}{days}', '{campaign}', '{NOW - timedelta(days=days):%F}', 'money', {amount}, 'NOK', 1)"
        for days, campaign, amount in rows
    )
    client.command(f"INSERT INTO costs (id, campaign, day, kind, amount, currency, version) VALUES {values}")


def test_it_paid_what_the_counting_goals_brought_in_the_days_shown(client: Client) -> None:
    report(client, (1, "g", "s", 4, 400), (2, "g", "", 1, 100), (1, "new", "s", 4, 400), (30, "g", "s", 9, 900))
    spend(client, (1, "s", 100), (40, "s", 1000))
    assert ask(client, "Did it pay, in the time shown") == [(100, 400, 3, 0.2)]
    (search, nobody) = ask(client, "Did it pay, by channel")
    assert search[:6] == ("search", 3, 100, 400, 4, 25)
    assert search[6] == "10 to 93"  # Poisson: 4 may be 1.1 to 10.2
    assert nobody[:6] == ("Not attributed", None, None, 100, 1, None)


def test_spans_are_written_as_the_numbers_beside_them(client: Client) -> None:
    report(client, (1, "g", "s", 4, 400), (1, "g", "f", 0.2, 10))
    spend(client, (1, "s", 100_000), (1, "f", 100))
    client.command("INSERT INTO holdouts (id, share, salt, version) VALUES ('s', 0.1, 'x', 1)")
    client.command("INSERT INTO measured_lift VALUES ('s', 'g', 'linear', 'measured', -35, -1191, 1121, 49, 1)")
    assert [row[-1] for row in ask(client, "Did it pay, by channel")] == ["25 to ∞", "9\u202f765 to 92\u202f926"]
    assert ask(client, "Measured by holdout") == [("search", -35, "−1\u202f191 to 1\u202f121", 49)]


def test_what_did_not_cost_is_no_return(client: Client) -> None:
    report(client, (1, "g", "s", 4, 400))
    assert ask(client, "Did it pay, in the time shown") == [(None, 400, None, 0)]


def test_the_causes_of_a_change_add_up_to_it(client: Client) -> None:
    report(client, (8, "g", "s", 10, 1000), (9, "g", "f", 10, 500), (1, "g", "s", 12, 1500), (2, "g", "f", 5, 200))
    report(client, (3, "g", "p", 2, 300), (1, "g", "", 1, 90))
    report(client, (1, "g", "s", -1, -100), table="goal_restatements", more=", 'reversal'")
    rows = ask(client, "What changed since the period before")
    figures = {what: value for what, value, _ in rows}
    before, *causes, after = figures.values()
    assert (before, after) == (1500, 2090)
    assert sum(causes) == pytest.approx(after - before)
    assert causes[-1] == -100
    assert figures["More or fewer conversions (volume)"] == pytest.approx(21 * 75 - 1500)  # one is worth 75
    assert figures["Other channels (mix)"] == pytest.approx(13 * 100 + 5 * 50 + 3 * 75 - 21 * 75)


def test_a_first_period_is_all_volume(client: Client) -> None:
    report(client, (1, "g", "s", 2, 300))
    figures = [value for _, value, _ in ask(client, "What changed since the period before")]
    assert figures == [0, 300, 0, 0, 0, 300]


def test_the_week_tells_what_spends_in_vain_what_is_dear_and_what_will_be_missed(client: Client) -> None:
    report(client, (1, "g", "s", 40, 400), (2, "g", "f", 10, 500), (20, "g", "s", 1, 1))
    spend(client, (1, "s", 400), (1, "f", 500), (3, "p", 50))
    client.command("INSERT INTO goal_attribution SELECT * REPLACE ('last_click' AS model) FROM goal_attribution")
    rows = ask(client, "What to look at this week")
    assert [row[:2] for row in rows] == [
        ("Goal will be missed at this pace", "Orders"),
        ("Spends and brings nothing", "Paper"),
        ("Cheapest next conversion", "search"),
        ("Dearest next conversion", "social"),
        ("Nothing else stands out", ""),
    ]
    assert rows[2][2].startswith("10 NOK each (")


def test_a_network_and_a_goal_that_went_silent_are_told(client: Client) -> None:
    for days in range(2, 8):
        client.command(
            "INSERT INTO engagement_counts (window_start, network, events, version) VALUES"
            f" ('{NOW - timedelta(days=days):%F %T}', 'x', 5, 1), ('{NOW - timedelta(days=days - 2):%F %T}', 'y', 5, 1)"
        )
        report(client, (days, "g", "s", 1, 1))
    client.command("INSERT INTO goal_attribution SELECT * REPLACE ('last_click' AS model) FROM goal_attribution")
    told = [row[:2] for row in ask(client, "What is broken now")]
    assert told == [
        ("look", "No engagement from x"),
        ("look", "No conversion: Orders"),
        ("ok", "Nothing else that the figures show"),
    ]


def test_where_there_is_nothing_to_tell_nothing_else_is_spoken_of(client: Client) -> None:
    assert ask(client, "What to look at this week") == [("Nothing stands out", "", "")]
    now = datetime.now(UTC)
    client.command(f"INSERT INTO engagement_counts (window_start, events, version) VALUES ('{now:%F %T}', 5, 1)")
    assert ask(client, "What is broken now") == [("ok", "Nothing that the figures show", "")]


def test_an_empty_database_says_what_to_do(client: Client) -> None:
    assert next(row[:2] for row in ask(client, "What is broken now")) == (
        "start",
        "No events yet: send them to the topics events, engagement and checkout, or run maalstrom replay",
    )
    assert ask(client, "Data until") == []
    assert [row[1] for row in ask(client, "How far are we")] == ["no conversions yet", "no target"]


def test_how_old_the_data_are_is_told_by_the_clock(client: Client) -> None:
    then = datetime.now(UTC) - timedelta(hours=5)
    client.command(f"INSERT INTO engagement_counts (window_start, events, version) VALUES ('{then:%F %T}', 5, 1)")
    ((name, age),) = ask(client, "Data until")
    assert name == f"Engagement {then:%d.%m. %H:%M}"
    assert 5 * 3600 - 60 < age < 5 * 3600 + 60


def listed(client: Client, audience: str, campaign: str, users: range, days: int = 1) -> None:
    client.command(
        "INSERT INTO engagement_audience (day, campaign, network, audience, user, version)"
        f" SELECT '{NOW - timedelta(days=days):%F}', '{campaign}', 'n', '{audience}', number, 1"
        f" FROM numbers({users.start}, {len(users)})"
    )


def test_who_engaged_is_counted_by_list_and_shown_from_the_smallest_group_on(client: Client) -> None:
    client.command("INSERT INTO settings (id, value, version) VALUES ('smallest_group', '10', 2)")
    for campaign, seen in (("s", 40), ("f", 20), ("p", 15)):
        client.command(f"INSERT INTO engagement_seen SELECT today(), '{campaign}', 'n', number FROM numbers({seen})")
    listed(client, "Members", "s", range(20))
    listed(client, "Members", "s", range(5), days=2)
    listed(client, "Members", "s", range(30, 40), days=30)
    listed(client, "bought before", "s", range(9))
    listed(client, "Members", "p", range(15))
    spend(client, (1, "s", 600))
    client.command(
        "INSERT INTO conversions (goal, conversion_id, occurred_at, user, touch_campaign, version)"
        f" SELECT 'g', toString(number), '{NOW - timedelta(days=1):%F %T}', number + 1, ['s', 's'], 1 FROM numbers(12)"
    )
    client.command(
        "INSERT INTO conversion_audience (goal, conversion_id, audience, user, version)"
        " SELECT 'g', toString(number), 'Members', number + 1, 1 FROM numbers(11)"
    )
    assert ask(client, "Who are they?") == [
        ("Search ads", "Members", 20, 0.5, 30, 11),
        ("Search ads", "Bought before", None, None, None, None),
        ("On Facebook", "Strangers only", None, None, None, None),
        ("Paper", "Members", 15, 1, None, None),
    ]


def test_who_engaged_is_counted_by_what_campaigns_are_called_today(client: Client) -> None:
    client.command("INSERT INTO campaigns (id, name, called, version) VALUES ('s', 'Search ads', ['s', 'old name'], 2)")
    client.command("INSERT INTO engagement_seen SELECT today(), 'old name', 'n', number FROM numbers(40)")
    client.command("INSERT INTO engagement_seen SELECT today() - 1, 's', 'n', number + 20 FROM numbers(40)")
    listed(client, "Members", "old name", range(12))
    listed(client, "Members", "s", range(6, 24), days=2)
    (first, *_) = ask(client, "Who are they?")
    assert first[:3] == ("Search ads", "Members", 24)
    assert first[3] == pytest.approx(24 / 60, rel=0.02)


def test_without_a_list_nobody_is_told_apart(client: Client) -> None:
    assert ask(client, "Who are they?") == []


def test_what_was_measured_is_added_up_by_channel_and_of_campaigns_that_have_a_holdout(client: Client) -> None:
    client.command("INSERT INTO holdouts (id, share, salt, version) VALUES ('s', 0.1, 'x', 1), ('f', 0.1, 'y', 1)")
    client.command(
        "INSERT INTO measured_lift VALUES ('s', 'g', 'linear', 'measured', 30, 20, 40, 50, 1),"
        " ('f', 'g', 'linear', 'not yet', NULL, NULL, NULL, 7, 1), ('p', 'g', 'linear', 'measured', 1, 0, 2, 3, 1)"
    )
    assert ask(client, "Measured by holdout") == [
        ("search", 30, "20 to 40", 50),
        ("social", None, "Too few people yet", 7),
    ]
