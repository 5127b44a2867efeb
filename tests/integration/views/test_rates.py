"""What campaigns cost and brought in several currencies, in the base currency by the rates of the days."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.core.catalogue.parse import parse
from streams.core.events.costs.exchange_rates import read
from streams.sinks.clickhouse import rates
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from tests.e2e.commands import embedded, maalstrom, ok

CATALOGUE = """
base_currency = "{base}"
[[goal]]
id = "g"
event = "Order Completed"
[[campaign]]
id = "autumn"
{more}
"""
ECB = "Date,USD,NOK,\n2026-11-06,1.20,12.00,\n2026-11-05,1.25,10.00,\n"
NORGES_BANK = (
    "FREQ;BASE_CUR;QUOTE_CUR;UNIT_MULT;TIME_PERIOD;OBS_VALUE\nB;EUR;NOK;0;2026-11-05;11\nB;SEK;NOK;2;2026-11-05;95\n"
)
SPEND = "INSERT INTO costs (id, campaign, day, kind, amount, rate, currency, version) VALUES"
REPORT = (
    "INSERT INTO goal_attribution (window_start, model, goal, campaign, currency, conversions, value, version) VALUES"
)


@pytest.fixture
def client(emptied: Client) -> Client:
    """One path: the views are the same on both."""
    return emptied


def known(client: Client, base: str = "NOK", more: str = "", *files: str) -> None:
    write_catalogue(client, parse(CATALOGUE.format(base=base, more=more)))
    for text in files:
        published = read(text)
        assert rates.write(client, published.source, published.rates)


def returns(client: Client) -> dict[str, dict[str, Any]]:
    found = client.query("SELECT * FROM campaign_return WHERE model = 'linear' ORDER BY currency")
    shown = client.query("SELECT * FROM campaign_return_shown WHERE model = 'linear' ORDER BY currency")
    figures = ("currency", "cost", "value", "conversions", "cost_per_conversion", "return_on_investment")
    assert [[row[name] for name in figures] for row in found] == [[row[name] for name in figures] for row in shown]
    return {row["currency"]: row for row in found}


def test_amounts_are_converted_by_the_rate_of_the_day_or_the_last_one_before_it(client: Client) -> None:
    known(client, "NOK", "", ECB)
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-05', 'money', 10, 0, 'EUR', 1)")  # 100
    client.command(f"{SPEND} ('2', 'autumn', '2026-11-08', 'hours', 2, 5, 'EUR', 1)")  # 120
    client.command(f"{SPEND} ('3', 'autumn', '2026-11-08', 'money', 30, 0, 'NOK', 1)")
    client.command(f"{REPORT} ('2026-11-05 10:00:00', 'linear', 'g', 'autumn', 'USD', 2, 25, 1)")  # 25 * 10 / 1.25
    client.command(f"{REPORT} ('2026-11-06 10:00:00', 'linear', 'g', 'autumn', 'USD', 2, 12, 1)")  # 12 * 12 / 1.2
    client.command(f"{REPORT} ('2026-11-06 10:00:00', 'linear', 'g', 'autumn', 'NOK', 1, 55, 1)")
    (row,) = returns(client).values()
    assert (row["currency"], row["cost"], row["hours"], row["value"]) == ("NOK", 250, 2, 375)
    assert (row["conversions"], row["cost_per_conversion"], row["return_on_investment"]) == (5, 50, 0.5)


def test_before_the_first_rate_the_catalogue_s_counts(client: Client) -> None:
    known(client, "NOK", '[rates]\nEUR = "11.50"\nSEK = 0.95', ECB)
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-04', 'money', 2, 0, 'EUR', 1)")
    client.command(f"{SPEND} ('2', 'autumn', '2026-11-05', 'money', 2, 0, 'EUR', 1)")
    client.command(f"{SPEND} ('3', 'autumn', '2026-11-05', 'money', 100, 0, 'SEK', 1)")
    assert {currency: row["cost"] for currency, row in returns(client).items()} == {"NOK": 23 + 20 + 95}


def test_a_currency_without_a_rate_keeps_a_row_of_its_own_and_nothing_is_divided(client: Client) -> None:
    known(client, "NOK", "", ECB)
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-05', 'money', 10, 0, 'EUR', 1)")
    client.command(f"{SPEND} ('2', 'autumn', '2026-11-05', 'money', 7, 0, 'GBP', 1)")
    client.command(f"{REPORT} ('2026-11-04 10:00:00', 'linear', 'g', 'autumn', 'EUR', 2, 25, 1)")  # before any rate
    found = returns(client)
    assert {currency: (row["cost"], row["value"]) for currency, row in found.items()} == {
        "EUR": (0, 25),
        "GBP": (7, 0),
        "NOK": (100, 0),
    }
    assert {(row["cost_per_conversion"], row["return_on_investment"]) for row in found.values()} == {(None, None)}


def test_a_bank_that_quotes_the_base_currency_goes_before_one_that_does_not(client: Client) -> None:
    known(client, "NOK", "", ECB, NORGES_BANK)
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-05', 'money', 10, 0, 'EUR', 1)")
    client.command(f"{SPEND} ('2', 'autumn', '2026-11-05', 'money', 100, 0, 'SEK', 1)")
    assert returns(client)["NOK"]["cost"] == 110 + 95


def test_the_base_may_be_what_the_bank_quotes_against(client: Client) -> None:
    known(client, "EUR", "", ECB)
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-06', 'money', 24, 0, 'NOK', 1)")
    client.command(f"{SPEND} ('2', 'autumn', '2026-11-06', 'money', 1, 0, 'EUR', 1)")
    assert returns(client)["EUR"]["cost"] == 3


def test_figures_are_exact_to_the_millionth(client: Client) -> None:
    known(client, "NOK", "", "Date,USD,NOK\n2026-11-05,1.1575,11.7655\n")
    client.command(f"{SPEND} ('1', 'autumn', '2026-11-05', 'money', 999999999999, 0, 'USD', 1)")
    exact = Decimal(999999999999) * Decimal("11.7655") / Decimal("1.1575")
    assert abs(returns(client)["NOK"]["cost"] - exact) < Decimal("0.000002")


def test_the_catalogue_s_rates_follow_the_catalogue(client: Client) -> None:
    known(client, "NOK", '[rates]\nEUR = "11.50"\nSEK = "0.95"')
    known(client, "NOK", '[rates]\nEUR = "11.60"')
    found = client.query("SELECT currency, day, amount, worth FROM rates FINAL")
    assert found == [{"currency": "EUR", "day": date(1970, 1, 1), "amount": 1, "worth": Decimal("11.6")}]
    version = client.query("SELECT max(version) AS v FROM rates")
    known(client, "NOK", '[rates]\nEUR = "11.60"')
    assert client.query("SELECT max(version) AS v FROM rates") == version


def test_the_command_takes_both_banks_files_again_and_again(tmp_path: Path) -> None:
    dsn = embedded(tmp_path / "clickhouse")
    (tmp_path / "ecb.csv").write_text(ECB)
    (tmp_path / "nb.csv").write_bytes(NORGES_BANK.encode("utf-8-sig"))
    for name, written in (("ecb", 4), ("nb", 2), ("ecb", 4)):
        done = ok(maalstrom("rates", "import", tmp_path / f"{name}.csv", "--clickhouse", dsn))
        assert done.out == f"{written} rates written, 0 lines refused\n"
    piped = ok(maalstrom("rates", "import", "-", "--clickhouse", dsn, stdin=ECB.encode()))
    assert piped.out == "4 rates written, 0 lines refused\n"
    (tmp_path / "none.csv").write_text("a,b\n")
    refused = maalstrom("rates", "import", tmp_path / "none.csv", "--clickhouse", dsn)
    assert refused.status == 1
    assert refused.err.count("\n") == 1
    assert "neither the European Central Bank's table" in refused.err
