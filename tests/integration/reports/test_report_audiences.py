"""Who are they? The section of the report: whom campaigns reached, in every form, never of a small group."""

import csv
import io
import json
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from streams.core.catalogue.parse import parse
from streams.reports.forms.as_csv import as_csv
from streams.reports.forms.as_html import as_html
from streams.reports.forms.as_json import as_json
from streams.reports.period import period_of
from streams.reports.render import render_report, sheets
from streams.reports.report import Report, read
from streams.reports.sheet import Sheet
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from streams.texts import Language, language
from streams.texts.language import table

CATALOGUE = """
base_currency = "NOK"
timezone = "Europe/Oslo"
[[goal]]
id = "orders"
event = "Order Completed"
[[campaign]]
id = "autumn"
name = "Autumn on Facebook"
aliases = ["old autumn"]
[[campaign]]
id = "paper"
name = "The paper"
[[campaign]]
id = "flyer"
name = "Flyer of few"
"""
DAY = "2026-11-01"


def engaged(client: Client, campaign: str, users: range, day: str = DAY) -> None:
    client.command(
        f"INSERT INTO engagement_seen SELECT '{day}', '{campaign}', 'n', number"
        f" FROM numbers({users.start}, {len(users)})"
    )


def listed(client: Client, audience: str, campaign: str, users: range, day: str = DAY) -> None:
    client.command(
        "INSERT INTO engagement_audience (day, campaign, network, audience, user, version)"
        f" SELECT '{day}', '{campaign}', 'n', '{audience}', number, 1 FROM numbers({users.start}, {len(users)})"
    )


@pytest.fixture
def shop(emptied: Client) -> Client:
    """40 people of autumn, of whom 20 are members and 9 had bought; 30 strangers of the paper; a flyer of few."""
    write_catalogue(emptied, parse(CATALOGUE))
    engaged(emptied, "old autumn", range(1, 31))
    engaged(emptied, "autumn", range(11, 41), "2026-11-02")
    engaged(emptied, "paper", range(100, 130))
    engaged(emptied, "flyer", range(1, 10))
    listed(emptied, "=Members", "old autumn", range(1, 16))
    listed(emptied, "=Members", "autumn", range(11, 21), "2026-11-02")
    listed(emptied, "bought before", "autumn", range(1, 10))
    listed(emptied, "=Members", "flyer", range(1, 10))
    emptied.command(
        "INSERT INTO conversions (goal, conversion_id, occurred_at, user, touch_campaign, version)"
        " SELECT 'orders', toString(number), '2026-11-01 12:00:00', number + 1, ['autumn', 'autumn'], 1"
        " FROM numbers(12)"
    )
    emptied.command(
        "INSERT INTO conversion_audience (goal, conversion_id, audience, user, version)"
        " SELECT 'orders', toString(number), '=Members', number + 1, 1 FROM numbers(12)"
    )
    emptied.command(
        "INSERT INTO costs (id, campaign, day, kind, amount, currency, version)"
        f" VALUES ('1', 'autumn', '{DAY}', 'money', 5000, 'NOK', 1)"
    )
    return emptied


def report(client: Client, *days: date) -> Report:
    return read(client, period=period_of(client, *days))


def rows(client: Client, *days: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(as_json(report(client, *days), language("en")))["reached"]
    return found


def test_whom_each_campaign_reached_and_no_figure_of_a_small_group(shop: Client) -> None:
    members, bought, strangers = rows(shop)
    assert members.pop("share") == pytest.approx(0.5, rel=0.02)
    assert members == {
        "campaign": "autumn", "name": "Autumn on Facebook", "audience": "=Members", "audience_name": "=Members",
        "people": 20, "cost": "5000", "cost_each": "250", "currency": "NOK", "converted": 12,
    }  # fmt: skip
    assert (bought["campaign"], bought["audience"], bought["audience_name"]) == (
        "autumn", "bought before", "Bought before",
    )  # fmt: skip
    assert [bought[name] for name in ("people", "share", "cost_each", "converted")] == [None] * 4
    assert (strangers["name"], strangers["audience"], strangers["audience_name"]) == (
        "The paper", None, "Strangers only",
    )  # fmt: skip


def test_those_of_the_days_that_are_asked_for(shop: Client) -> None:
    (first, *_) = rows(shop, date(2026, 11, 2), date(2026, 11, 2))
    assert (first["campaign"], first["people"], first["cost"], first["converted"]) == ("autumn", 10, None, None)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ("Who are they?", "Bought before", "Strangers only", "250.00 NOK", "50.0 %")),
        ("nb", ("Hvem er de?", "Har kjøpt før", "Bare fremmede", "250,00 NOK", "50,0 %")),
    ],
)
def test_people_read_it_in_their_language(shop: Client, code: str, words: tuple[str, ...]) -> None:
    said = Language(code, table("nb")) if code == "nb" else language(code)
    whole, out = report(shop), io.StringIO()
    render_report(whole, "here", said, Console(file=out, width=200))
    page = as_html(whole, "here", said)
    for word in words:
        assert word in out.getvalue()
        assert word in page
    (sheet,) = (each for each in sheets(whole, said) if isinstance(each, Sheet) and each.title == words[0])
    assert "Flyer of few" not in {row.cells[0] for block in sheet.blocks for row in block}


def test_the_table_for_spreadsheets_has_it_and_no_formula(shop: Client) -> None:
    found = list(csv.DictReader(io.StringIO(as_csv(report(shop), language("en")), newline="")))
    reached = [row for row in found if row["table"] == "reached"]
    assert [(row["name"], row["audience"], row["people"], row["cost_each"]) for row in reached] == [
        ("Autumn on Facebook", "'=Members", "20", "250"),
        ("Autumn on Facebook", "bought before", "", ""),
        ("The paper", "", "", ""),
    ]


def test_without_any_list_there_is_no_section(shop: Client) -> None:
    shop.command("TRUNCATE TABLE engagement_audience")
    assert rows(shop) == []
    assert "Who are they?" not in as_html(report(shop), "here", language("en"))


def test_what_was_taken_off_every_list_is_none(shop: Client) -> None:
    shop.command(
        "INSERT INTO engagement_audience SELECT * REPLACE (1 AS removed, 2 AS version) FROM engagement_audience"
    )
    assert rows(shop) == []
