"""Campaigns of few users: one row for all of them where people look, so that totals still add up."""

from decimal import Decimal
from typing import Any

import pytest

from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.catalogue import write_settings
from streams.sinks.clickhouse.client import Client

MODELS = ["first", "last"]
MONEY = ("money", "hours", "cost", "conversions", "value")


@pytest.fixture
def client(emptied: Client) -> Client:
    """One path: the views are the same on both."""
    return emptied


def engage(client: Client, campaign: str, users: int) -> None:
    """So many people see that campaign, each of them twice."""
    for _ in range(2):
        client.command(
            "INSERT INTO engagement_seen SELECT '2026-11-01', {campaign:String}, 'x', number + 1 "
            "FROM numbers({n:UInt32})",
            {"campaign": campaign, "n": users},
        )
    client.command(
        "INSERT INTO engagement_counts (window_start, campaign, network, action, events, version) "
        "SELECT '2026-11-01', {campaign:String}, 'x', 'click', {n:UInt32}, 1",
        {"campaign": campaign, "n": users},
    )


def credit(client: Client, campaign: str, conversions: int, users: int = 0) -> None:
    """So many conversions are credited to it by two models, of which the users are known."""
    for model in MODELS:
        client.command(
            "INSERT INTO goal_attribution (window_start, model, goal, campaign, currency, conversions, value, version) "
            "SELECT '2026-11-01', {model:String}, 'g', {campaign:String}, 'NOK', {n:UInt32}, {n:UInt32} * 100, 1",
            {"model": model, "campaign": campaign, "n": conversions},
        )
    client.command(
        "INSERT INTO conversions (goal, conversion_id, occurred_at, user, touch_campaign, version) "
        "SELECT 'g', concat({campaign:String}, toString(number)), '2026-11-01', number + 100, [{campaign:String}], 1 "
        "FROM numbers({n:UInt32})",
        {"campaign": campaign, "n": users},
    )


@pytest.fixture
def shop(client: Client) -> Client:
    """Two campaigns of enough users, one of whom all bought with a coupon; two of too few; and what is unattributed."""
    client.command("INSERT INTO campaigns (id, name, means, version) VALUES ('autumn', 'Autumn', 'social', 1)")
    spend = "INSERT INTO costs (id, campaign, day, kind, amount, rate, currency, version) VALUES"
    client.command(f"{spend} ('1', 'autumn', '2026-11-01', 'money', 50, 0, 'NOK', 1)")
    client.command(f"{spend} ('2', 'few', '2026-11-01', 'hours', 2, 10, 'NOK', 1)")
    engage(client, "autumn", 10)
    engage(client, "few", 9)
    engage(client, "fewer", 1)
    credit(client, "autumn", 4)
    credit(client, "few", 3)
    credit(client, "fewer", 2, users=2)
    credit(client, "coupon", 12, users=12)
    credit(client, "", 7)
    return client


def column(client: Client, sql: str) -> list[Any]:
    return [next(iter(row.values())) for row in client.query(sql)]


def test_campaigns_of_enough_users_are_named(shop: Client) -> None:
    assert column(shop, "SELECT campaign FROM named_campaigns ORDER BY campaign") == ["autumn", "coupon"]
    assert column(shop, "SELECT users FROM named_campaigns ORDER BY campaign") == [10, 12]


@pytest.mark.parametrize(
    ("smallest", "withheld"), [(0, []), (1, []), (3, []), (4, ["fewer"]), (11, ["autumn", "few", "fewer"])]
)
def test_how_many_are_enough_can_be_set(shop: Client, smallest: int, withheld: list[str]) -> None:
    write_settings(shop, 50)
    write_settings(shop, smallest)
    named = set(column(shop, "SELECT campaign FROM named_campaigns"))
    assert sorted({"autumn", "coupon", "few", "fewer"} - named) == withheld


def test_the_others_are_one_campaign(shop: Client) -> None:
    brought = (
        "SELECT campaign, toUInt32(sum(conversions)) AS n FROM {} WHERE model = 'last' GROUP BY campaign ORDER BY n"
    )
    shown = {row["campaign"]: row["n"] for row in shop.query(brought.format("goal_attribution_shown"))}
    assert shown == {"autumn": 4, "withheld": 5, "": 7, "coupon": 12}
    seen = shop.query("SELECT campaign, sum(events) AS n FROM engagement_counts_shown GROUP BY campaign ORDER BY n")
    assert {row["campaign"]: row["n"] for row in seen} == {"autumn": 10, "withheld": 10}
    journeys = "SELECT DISTINCT arrayJoin(touch_campaign) AS campaign FROM conversions_shown ORDER BY campaign"
    assert column(shop, journeys) == ["coupon", "withheld"]


def test_what_they_cost_and_brought_adds_up_to_the_same(shop: Client) -> None:
    sums = ", ".join(f"sum({name}) AS {name}" for name in MONEY)
    totals = [
        shop.query(f"SELECT model, {sums} FROM {view} GROUP BY model ORDER BY model")
        for view in ("campaign_return", "campaign_return_shown")
    ]
    assert totals[0] == totals[1] != []
    found = shop.query("SELECT * FROM campaign_return_shown WHERE model = 'last' ORDER BY campaign")
    assert [(row["campaign"], row["name"], row["means"]) for row in found] == [
        ("autumn", "Autumn", "social"),
        ("coupon", "coupon", ""),
        ("withheld", "withheld", ""),
    ]
    withheld = found[-1]
    assert [withheld[name] for name in MONEY] == [Decimal(n) for n in (0, 2, 20, 5, 500)]
    assert (withheld["cost_per_conversion"], withheld["return_on_investment"]) == (Decimal(4), 24)


def test_the_contracts_view_names_every_campaign(shop: Client) -> None:
    named = column(shop, "SELECT campaign FROM campaign_return WHERE model = 'last' ORDER BY campaign")
    assert named == ["autumn", "coupon", "few", "fewer"]


def test_currencies_of_withheld_campaigns_are_not_compared(client: Client) -> None:
    credit(client, "few", 1)
    client.command(
        "INSERT INTO costs (id, campaign, day, kind, amount, rate, currency, version) "
        "VALUES ('1', 'fewer', '2026-11-01', 'money', 50, 0, 'EUR', 1)"
    )
    found = client.query("SELECT * FROM campaign_return_shown WHERE model = 'last' ORDER BY currency")
    assert [(row["campaign"], row["currency"], row["return_on_investment"]) for row in found] == [
        ("withheld", "EUR", None),
        ("withheld", "NOK", None),
    ]


def test_a_database_of_before_knows_its_users(shop: Client) -> None:
    """The migration takes in what there is."""
    shop.command("TRUNCATE TABLE campaign_users")
    small = next(each for each in migrations.known() if each.name.endswith("small_groups"))
    for _ in range(2):
        for statement in small.statements:
            shop.command(statement)
    assert column(shop, "SELECT users FROM named_campaigns ORDER BY campaign") == [10, 12]
