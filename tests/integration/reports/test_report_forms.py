"""The report in every form: exact for programs, the same figures for people, in either language, of any days."""

import csv
import io
import json
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
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
from streams.reports.sheet import Sheet, Toned
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from streams.texts import Language, language
from streams.texts.language import table

TEXT = """
base_currency = "NOK"
timezone = "Europe/Oslo"
[rates]
EUR = "10"
[[goal]]
id = "orders"
name = "Orders <b>&"
event = "Order Completed"
unit = "orders"
target = 10
by = 2026-11-20
[[goal]]
id = "new"
name = "New customers"
event = "Order Completed"
where = { new_customer = true }
[[goal]]
id = "none"
event = "Never"
[[campaign]]
id = "autumn"
name = "Autumn on Facebook"
means = "social"
[[campaign]]
id = "paper"
name = "=SUM(A1)"
means = "newspaper"
[[campaign]]
id = "radio"
name = "Radio"
[[holdout]]
campaign = "autumn"
share = 0.5
salt = "a"
"""
ATTRIBUTED = (
    "INSERT INTO goal_attribution"
    " (window_start, model, goal, campaign, reason, currency, conversions, value, version) VALUES"
)
SPENT = "INSERT INTO costs (id, campaign, day, kind, amount, rate, currency, version) VALUES"
# 23:30 of 31 October is the first of November in Oslo.
LATE = "2026-10-31 23:30:00"


@pytest.fixture
def shop(emptied: Client) -> Client:
    write_catalogue(emptied, parse(TEXT))
    rows = ", ".join(
        f"('{at}', '{model}', '{goal}', '{campaign}', '{reason}', '{currency}', {conversions}, {value}, 1)"
        for model in ("last_click", "linear")
        for goal in ("orders", "new")
        for at, campaign, reason, currency, conversions, value in (
            ("2026-10-31 10:00:00", "autumn", "", "NOK", "1", "100.333333"),
            (LATE, "autumn", "", "EUR", "0.666667", "20.111111"),
            (LATE, "paper", "", "NOK", "0.333333", "50.555556"),
            ("2026-11-02 10:00:00", "", "no_touch", "NOK", "2", "300"),
        )
    )
    emptied.command(f"{ATTRIBUTED} {rows}")
    emptied.command(f"{SPENT} ('1', 'autumn', '2026-10-31', 'money', 50, 0, 'NOK', 1)")
    emptied.command(f"{SPENT} ('2', 'autumn', '2026-11-01', 'hours', 2, 45, 'EUR', 1)")
    emptied.command(f"{SPENT} ('3', 'radio', '2026-11-01', 'money', 25.5, 0, 'NOK', 1)")
    return emptied


def report(client: Client, since: date | None = None, until: date | None = None, **asked: Any) -> Report:
    return read(client, period=period_of(client, since, until), **asked)


def loaded(client: Client, *days: date | None, **asked: Any) -> Any:
    return json.loads(as_json(report(client, *days, **asked), language("en")))


def rows_of(client: Client) -> list[dict[str, str]]:
    text = as_csv(report(client), language("en"))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_json_is_exact_and_its_amounts_are_texts(shop: Client) -> None:
    found = loaded(shop)
    orders = next(goal for goal in found["goals"] if goal["goal"] == "orders")
    assert (orders["reached"], orders["in_period"], orders["target"], orders["by"]) == ("4", "4", "10", "2026-11-20")
    assert orders["value"] == [{"currency": "EUR", "amount": "20.111111"}, {"currency": "NOK", "amount": "450.888889"}]
    assert [part["conversions"] for part in orders["credit"]] == ["1.666667", "0.333333", "2"]
    assert [part["reason"] for part in orders["credit"]] == [None, None, "no_touch"]
    assert found["data_until"] == "2026-11-02T10:00:00Z"
    assert (found["timezone"], found["since"], found["until"], found["model"]) == (
        "Europe/Oslo", None, None, "last_click",
    )  # fmt: skip


def test_what_paid_is_what_the_view_says(shop: Client) -> None:
    view = shop.query(
        "SELECT campaign, currency, money, hours, cost, conversions, value, cost_per_conversion, return_on_investment"
        " FROM campaign_return WHERE model = 'linear' ORDER BY campaign, currency"
    )
    assert {row["campaign"] for row in view} == {"autumn", "paper", "radio"}
    found = loaded(shop, model="linear")["paid"]["campaigns"]
    exact = ("money", "hours", "cost", "conversions", "value")
    for seen, row in zip(sorted(found, key=lambda each: each["campaign"]), view, strict=True):
        assert [Decimal(seen[name]) for name in exact] == [row[name] for name in exact]
        for name in ("cost_per_conversion", "return_on_investment"):
            assert (seen[name] is None) == (row[name] is None)
            assert float(seen[name] or 0) == pytest.approx(float(row[name] or 0), abs=1e-5)


def test_channels_are_the_sums_of_their_campaigns(shop: Client) -> None:
    paid = loaded(shop)["paid"]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in paid["campaigns"]:
        sums[row["channel"]] += Decimal(row["cost"])
    assert {row["channel"]: Decimal(row["cost"]) for row in paid["channels"]} == sums
    social = next(row for row in paid["channels"] if row["channel"] == "social")
    assert (social["cost"], social["value"]) == ("950", "301.444443")  # 50 + 2 x 45 EUR; 100.33 + 20.11 EUR


def test_days_are_those_of_the_catalogue(shop: Client) -> None:
    first = loaded(shop, date(2026, 10, 31), date(2026, 10, 31))
    second = loaded(shop, date(2026, 11, 1), date(2026, 11, 1))
    last = loaded(shop, date(2026, 11, 2))
    assert [found["goals"][0]["in_period"] for found in (first, second, last)] == ["1", "1", "2"]
    assert [found["goals"][0]["reached"] for found in (first, second, last)] == ["4", "4", "4"]
    assert second["goals"][0]["days"] == [{"day": "2026-11-01", "conversions": "1"}]
    costs = [{row["campaign"]: row["cost"] for row in found["paid"]["campaigns"]} for found in (first, second, last)]
    assert costs == [{"autumn": "50"}, {"autumn": "900", "paper": "0", "radio": "25.5"}, {}]


def test_days_in_the_wrong_order_and_a_period_of_markov_are_refused(shop: Client) -> None:
    with pytest.raises(ValueError, match="--until 2026-10-01 is before --since 2026-11-01"):
        report(shop, date(2026, 11, 1), date(2026, 10, 1))
    with pytest.raises(ValueError, match="leave out --since and --until"):
        report(shop, date(2026, 11, 1), model="markov")


def test_csv_has_what_json_has_and_no_cell_is_a_formula(shop: Client) -> None:
    rows = rows_of(shop)
    assert {row["table"] for row in rows} == {"goal", "credit", "day", "campaign", "channel", "unattributed", "caused"}
    orders = [row for row in rows if row["table"] == "credit" and row["goal"] == "orders"]
    assert sum(Decimal(row["conversions"] or 0) for row in orders) == 4
    values: dict[str, Decimal] = defaultdict(Decimal)
    for row in orders:
        values[row["currency"]] += Decimal(row["value"])
    assert values == {"NOK": Decimal("450.888889"), "EUR": Decimal("20.111111")}
    assert {row["name"] for row in rows if row["campaign"] == "paper"} == {"'=SUM(A1)"}
    assert [row for row in rows if row["name"].startswith(("=", "+", "-", "@"))] == []
    lost = next(row for row in rows if row["table"] == "campaign" and row["campaign"] == "radio")
    assert Decimal(lost["return_on_investment"]) == -1  # a number stays one


class Seen(HTMLParser):
    """The cells of all tables, and what a page asks of elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str | None] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self._inside = tag in ("td", "th") or (self._inside and tag in ("span", "br"))
        if tag in ("td", "th"):
            self.cells.append("")
        elif tag == "br":
            self.cells[-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag == "span"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def shown(each: Sheet) -> list[str]:
    cells = [*each.columns, *(cell for block in each.blocks for row in block for cell in row.cells)]
    return [cell.text if isinstance(cell, Toned) else cell for cell in cells]


@pytest.mark.parametrize("code", ["en", "nb"])
def test_the_page_shows_the_figures_of_the_text_and_asks_nothing_of_elsewhere(shop: Client, code: str) -> None:
    said, whole = language(code), report(shop)
    page = as_html(whole, "here", said)
    seen = Seen()
    seen.feed(page)
    tables = [each for each in sheets(whole, said) if isinstance(each, Sheet)]
    assert seen.cells == [cell for each in tables for cell in shown(each)]
    out = io.StringIO()
    render_report(whole, "here", said, Console(file=out, width=200))
    for each in tables:
        for cell in shown(each):
            assert all(line in out.getvalue() for line in cell.split("\n"))
    assert seen.tags.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert seen.addresses == []
    assert "url(" not in page
    assert "@import" not in page
    assert "<b>" not in page
    assert "Orders &lt;b&gt;&amp;" in page
    assert page.count("<svg") >= 3


class Strict(Language):
    """Refuses what has no translation."""

    def __call__(self, text: str, **values: object) -> str:
        assert text in self.texts, text
        return super().__call__(text, **values)


def test_all_that_is_said_has_a_translation(shop: Client) -> None:
    said = Strict("nb", table("nb"))
    reasons = ("no_consent", "no_token", "out_of_window", "ambiguous_identity", "erased")
    rows = ", ".join(f"('2026-11-02', 'last_click', 'orders', '', '{reason}', 'SEK', 1, 1, 1)" for reason in reasons)
    shop.command(f"{ATTRIBUTED} {rows}")
    for days in ((), (date(2026, 10, 1),), (None, date(2026, 11, 30)), (date(2026, 10, 1), date(2026, 11, 30))):
        whole = report(shop, *days)
        render_report(whole, "here", said, Console(file=io.StringIO(), width=80))
        assert '<html lang="nb">' in as_html(whole, "here", said)
        assert as_csv(whole, said)
        assert as_json(whole, said)


def test_what_no_cost_is_known_of_did_not_cost_nothing(shop: Client) -> None:
    out = io.StringIO()
    render_report(report(shop), "here", language("en"), Console(file=out, width=120))
    rows = [re.split(" {2,}", line.strip()) for line in out.getvalue().splitlines()]
    assert ["newspaper", "–", "0.33", "–", "50.56", "–"] in rows


def test_norwegian_numbers_and_days(shop: Client) -> None:
    text = re.sub(r"\s+", " ", "".join(as_html(report(shop, date(2026, 10, 1)), "here", language("nb"))))
    for expected in (
        "fra 1. oktober 2026",
        "20.11.2026",
        "450,89 NOK",
        "Lønte det seg?",
        "ingen kontakt sett",
        "konverteringer: 4",
    ):
        assert expected in text


def test_a_name_cannot_steer_a_terminal_or_a_spreadsheet(shop: Client) -> None:
    shop.command(f"{ATTRIBUTED} ('2026-11-02', 'last_click', 'orders', '\\x1b[31m+x\\n\\x07', '', 'NOK', 1, 1, 1)")
    out = as_csv(report(shop), language("en")) + as_json(report(shop), language("en"))
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", out)


def test_an_empty_database_has_an_empty_report_in_every_form(blank: Client) -> None:
    said = language("nb")
    empty = read(blank)
    assert json.loads(as_json(empty, said))["goals"] == []
    assert len(as_csv(empty, said).splitlines()) == 1
    assert "Ingenting å rapportere" in as_html(empty, "here", said)
