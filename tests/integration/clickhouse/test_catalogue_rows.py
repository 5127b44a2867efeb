"""The tables `goals` and `campaigns` follow the catalogue."""

from datetime import date
from decimal import Decimal
from typing import Any

from streams.core.catalogue.parse import parse
from streams.sinks.clickhouse.catalogue import differing, replaced, write_catalogue
from streams.sinks.clickhouse.client import Client

BEFORE = """
base_currency = "NOK"
[[goal]]
id = "new-customers"
name = "100 new customers"
event = "Order Completed"
where = { new_customer = true, shop = "Ø" }
unit = "customers"
target = 100
by = 2026-12-31
windows = { click = "7d", engage = "1d", view = "12h" }
[[goal]]
id = "enquiries"
event = "Enquiry Answered"
value = 2.68
[[campaign]]
id = "autumn"
name = "Autumn"
means = "social"
aliases = ["høst", "autumn-2026"]
coupons = ["HOST10"]
start = 2026-10-01
end = 9999-12-31
[[campaign]]
id = "paper"
"""
AFTER = """
base_currency = "NOK"
[[goal]]
id = "enquiries"
event = "Enquiry Answered"
value = 3
"""


def rows(client: Client, table: str) -> list[dict[str, Any]]:
    return client.query(f"SELECT * FROM {table} FINAL ORDER BY id")


def test_goals_and_campaigns_are_as_in_the_catalogue(client: Client) -> None:
    write_catalogue(client, parse(BEFORE))
    enquiries, customers = rows(client, "goals")
    assert customers == {
        "id": "new-customers",
        "name": "100 new customers",
        "event": "Order Completed",
        "where": '{"new_customer": true, "shop": "Ø"}',
        "unit": "customers",
        "target": Decimal(100),
        "by": date(2026, 12, 31),
        "value": None,
        "windows": '{"click": 604800000, "engage": 86400000, "view": 43200000}',
        "currency": "NOK",
        "counts_for_return": 1,
        "removed": 0,
        "version": 1,
    }
    assert (enquiries["target"], enquiries["by"], enquiries["value"]) == (None, None, Decimal("2.68"))
    autumn, paper = rows(client, "campaigns")
    assert (autumn["aliases"], autumn["coupons"]) == (["høst", "autumn-2026"], ["HOST10"])
    assert (autumn["start"], autumn["end"]) == (date(2026, 10, 1), date(2299, 12, 31))
    assert (paper["aliases"], paper["start"], paper["end"]) == ([], None, None)


def test_what_the_catalogue_no_longer_lists_is_gone(client: Client) -> None:
    write_catalogue(client, parse(BEFORE))
    write_catalogue(client, parse(AFTER))
    assert [(goal["id"], goal["value"]) for goal in rows(client, "goals")] == [("enquiries", Decimal(3))]
    assert rows(client, "campaigns") == []
    assert [goal["goal"] for goal in client.query("SELECT goal FROM goal_progress")] == ["enquiries"]


def test_what_comes_back_is_there_again(client: Client) -> None:
    for text in (BEFORE, AFTER, BEFORE):
        write_catalogue(client, parse(text))
    assert [goal["id"] for goal in rows(client, "goals")] == ["enquiries", "new-customers"]
    assert [campaign["name"] for campaign in rows(client, "campaigns")] == ["Autumn", "paper"]


def test_an_equal_catalogue_writes_nothing(client: Client) -> None:
    write_catalogue(client, parse(BEFORE))
    write_catalogue(client, parse(BEFORE))
    assert client.query("SELECT count() AS rows FROM goals") == [{"rows": 2}]
    assert client.query("SELECT count() AS rows FROM campaigns") == [{"rows": 2}]


def test_the_time_zone_of_the_catalogue_is_a_setting(client: Client) -> None:
    write_catalogue(client, parse(BEFORE))
    assert [row["value"] for row in rows(client, "settings") if row["id"] == "timezone"] == ["UTC"]
    write_catalogue(client, parse(BEFORE.replace("[[goal]]", 'timezone = "Europe/Oslo"\n[[goal]]', 1)))
    assert [row["value"] for row in rows(client, "settings") if row["id"] == "timezone"] == ["Europe/Oslo"]


def test_what_the_database_has_otherwise_is_named(client: Client) -> None:
    write_catalogue(client, parse(BEFORE))
    assert differing(client, parse(BEFORE)) == []
    assert differing(client, parse(AFTER)) == ["goals enquiries, new-customers", "campaigns autumn, paper"]


def test_what_goes_of_another_catalogue_is_named_and_nothing_where_there_was_none(client: Client) -> None:
    before, after = parse(BEFORE), parse(AFTER)
    assert replaced(client, before) == []
    write_catalogue(client, before)
    assert replaced(client, before) == []
    assert replaced(client, after) == differing(client, after) != []


def test_a_column_of_a_later_version_is_no_other_catalogue(client: Client) -> None:
    write_catalogue(client, parse(BEFORE))
    for table in ("goals", "campaigns"):
        client.command(f"ALTER TABLE {table} ADD COLUMN later UInt8 DEFAULT 7")
    assert differing(client, parse(BEFORE)) == []
    write_catalogue(client, parse(AFTER))
    assert differing(client, parse(AFTER)) == []
