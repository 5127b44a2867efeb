"""What ad platforms export reaches the table `costs`: by its columns, in every encoding, and again without doubling."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.core.catalogue.parse import parse
from streams.core.events.costs.exports import NAMES
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from streams.sources.cost_files import ImportSummary, import_csv

CATALOGUE = parse("""
base_currency = "NOK"
[[goal]]
id = "g"
event = "Order Completed"
[[campaign]]
id = "autumn"
aliases = ["autumn-sale"]
""")
DAYS = (date(2026, 11, 1), date(2026, 11, 2))
GOOGLE = """Campaign report
"1 November 2026 - 3 November 2026"
Day,Campaign,Currency code,Cost,Clicks
2026-11-01,autumn-sale,NOK,"1,234.50",210
2026-11-02,autumn-sale,NOK,987.00,180
Total: Campaigns,,NOK,"2,221.50",390
Total: Account,--,NOK,"2,221.50",390
"""
EXPORTS = {
    "google": GOOGLE,
    "google in German": GOOGLE.replace("Campaign report", "Kampagnenbericht")
    .replace("Day,Campaign,Currency code,Cost", "Tag,Kampagne,Währungscode,Kosten")
    .replace('"1,234.50"', '"1.234,50"')
    .replace("987.00", '"987,00"')
    .replace("Total: Account", "Gesamt: Konto"),
    "google in Norwegian": "Dag;Kampanje;Valutakode;Kostnad\n01.11.2026;autumn-sale;NOK;1 234,50\n"
    "02.11.2026;autumn-sale;NOK;987\nTotalt: konto;;NOK;2 221,50\n",
    "meta": "Reporting starts,Reporting ends,Campaign name,Amount spent (NOK)\n"
    "2026-11-01,2026-11-01,autumn-sale,1234.5\n2026-11-02,2026-11-02,autumn-sale,987\n2026-11-01,2026-11-02,,2221.5\n",
    "meta by day": "Campaign name,Day,Amount spent (NOK),Reporting starts,Reporting ends\n"
    "autumn-sale,2026-11-01,1234.5,2026-11-01,2026-11-02\nautumn-sale,2026-11-02,987,2026-11-01,2026-11-02\n",
    "meta in Norwegian": "Rapportering starter,Rapportering slutter,Kampanjenavn,Beløp brukt (NOK)\n"
    '2026-11-01,2026-11-01,autumn-sale,"1234,5"\n2026-11-02,2026-11-02,autumn-sale,987\n',
    "linkedin": "Campaign Performance Report (in UTC)\nReport Start: 11/01/2026, Report End: 11/02/2026\n\n"
    "Start Date (in UTC),Account Name,Campaign Name,Campaign ID,Total Spent,Impressions,Currency\n"
    '11/01/2026,Acme,autumn-sale,11,"1,234.50",10000,NOK\n11/02/2026,Acme,autumn-sale,11,987.00,2000,NOK\n'
    'Total,,,,"2,221.50",12500,NOK\n',
    "tiktok": "By Day,Campaign name,Ad name,Cost,Currency\n2026-11-01,autumn-sale,ugc-01,1234.50,NOK\n"
    "2026-11-02,autumn-sale,ugc-01,987.00,NOK\nTotal of 2 results,-,-,2221.50,NOK\n",
    "snapchat": "Start Time,End Time,Campaign Name,Amount Spent,Paid Impressions,Currency\n"
    "2026-11-01 00:00:00,2026-11-02 00:00:00,autumn-sale,1234.50,9,NOK\n"
    "2026-11-02 00:00:00,2026-11-03 00:00:00,autumn-sale,987.00,9,NOK\n",
    "microsoft": '"Report Name: Campaigns"\n"Report Time: 11/1/2026 - 11/2/2026"\n\n'
    '"Gregorian date","Account name","Campaign","Currency code","Spend"\n'
    '"11/1/2026","Acme","autumn-sale","NOK","1,234.50"\n'
    '"11/2/2026","Acme","autumn-sale","NOK","987.00"\n"Total","-","-","NOK","2,221.50"\n'
    '"©2026 Microsoft Corporation. All rights reserved."\n',
}


@pytest.fixture
def known(emptied: Client) -> Client:
    """A database that knows the catalogue."""
    write_catalogue(emptied, CATALOGUE)
    return emptied


def imported(client: Client, tmp_path: Path, text: str | bytes, **options: str) -> ImportSummary:
    path = tmp_path / "export.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_csv(client, path, None, **options)


def stored(client: Client) -> list[dict[str, Any]]:
    return client.query("SELECT id, campaign, day, amount, currency FROM costs FINAL ORDER BY day, id")


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_told_by_its_columns(known: Client, tmp_path: Path, name: str) -> None:
    done = imported(known, tmp_path, EXPORTS[name])
    assert (done.written, done.errors, done.unlisted) == (2, [], set())
    rows = stored(known)
    assert [(row["campaign"], row["day"], row["amount"], row["currency"]) for row in rows] == [
        ("autumn", DAYS[0], Decimal("1234.5"), "NOK"),
        ("autumn", DAYS[1], Decimal(987), "NOK"),
    ]
    platform = name.split()[0]
    assert rows[0]["id"] == f"{platform}/autumn-sale/2026-11-01/money/NOK"
    assert imported(known, tmp_path, EXPORTS[name], export=platform).written == 2
    assert stored(known) == rows


def test_every_platform_has_an_example() -> None:
    assert {name.split()[0] for name in EXPORTS} == set(NAMES)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_every_encoding_and_mark_is_read(known: Client, tmp_path: Path, encoding: str, mark: str) -> None:
    text = f"Day{mark}Campaign{mark}Currency code{mark}Cost\n2026-11-01{mark}høst{mark}NOK{mark}1234.50\n"
    assert imported(known, tmp_path, text.encode(encoding)).errors == []
    (row,) = stored(known)
    assert (row["campaign"], row["amount"]) == ("høst", Decimal("1234.5"))


def test_what_windows_writes_is_read(known: Client, tmp_path: Path) -> None:
    text = "campaign;day;kind;amount;currency\r\nhøst;01.11.2026;Money;1 234,50;nok\r\nTotal;;;1 234,50;\r\n"
    done = imported(known, tmp_path, text.encode("cp1252"))
    assert (done.written, done.errors) == (1, [])
    (row,) = stored(known)
    assert row == {
        "id": "file/høst/2026-11-01/money/NOK",
        "campaign": "høst",
        "day": DAYS[0],
        "amount": Decimal("1234.5"),
        "currency": "NOK",
    }


def test_a_revised_export_replaces_the_day(known: Client, tmp_path: Path) -> None:
    imported(known, tmp_path, "Day,Campaign,Currency code,Cost\n2026-11-01,Autumn-Sale,NOK,100.00\n")
    imported(known, tmp_path, "Day,Campaign,Currency code,Cost\n2026-11-01,autumn-sale,NOK,120.00\n")
    assert [row["amount"] for row in stored(known)] == [120]


def test_rows_of_one_campaign_and_day_are_added_up_first(known: Client, tmp_path: Path) -> None:
    rows = ("a,x,NOK,1.50", "A,y,NOK,2.25", "b,x,NOK,4")
    text = "Day,Campaign,Ad group,Currency code,Cost\n" + "".join(f"2026-11-01,{row}\n" for row in rows)
    assert imported(known, tmp_path, text).written == 2
    assert [row["amount"] for row in stored(known)] == [Decimal("3.75"), 4]


def test_hours_of_several_rates_cost_what_they_cost(known: Client, tmp_path: Path) -> None:
    text = "campaign,day,kind,amount,rate,currency\na,2026-11-01,hours,1,100,NOK\na,2026-11-01,hours,3,60,NOK\n"
    imported(known, tmp_path, text)
    (row,) = known.query("SELECT amount, rate FROM costs FINAL")
    assert row == {"amount": 4, "rate": 70}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "Reporting starts,Reporting ends,Campaign name,Amount spent (NOK)\n2026-11-01,2026-11-03,a,5\n",
            "the row is of several days, 2026-11-01 to 2026-11-03; have the report broken down by day",
        ),
        ("Day,Campaign,Currency code,Cost\n2026-11-01,a,NOK,-5\n", "`amount`: -5 is negative"),
        ("Day,Campaign,Currency code,Cost\n2026-11-01,a,NOK,USD 5\n", "`amount`: 'USD 5' is not in NOK"),
        ('Day,Campaign,Currency code,Cost\n2026-11-01,a,NOK,"1,234"\n', "may be thousands or decimals"),
        ("Day,Campaign,Currency code,Cost\nsoon,a,NOK,5\n", "`day`: 'soon' is no day"),
        ("Day,Campaign,Currency code,Cost\n2026-11-01,a,kroner,5\n", "`currency` is 'kroner'"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_words(known: Client, tmp_path: Path, text: str, says: str) -> None:
    done = imported(known, tmp_path, text)
    assert done.written == 0
    assert says in done.errors[0]


def test_a_row_without_a_currency_is_in_the_base_currency_or_the_one_given(known: Client, tmp_path: Path) -> None:
    text = "By Day,Campaign name,Cost\n2026-11-01,a,5.00\n"
    imported(known, tmp_path, text)
    imported(known, tmp_path, text, currency="EUR")
    assert [row["currency"] for row in stored(known)] == ["EUR", "NOK"]


def test_without_a_base_currency_that_is_refused(emptied: Client, tmp_path: Path) -> None:
    done = imported(emptied, tmp_path, "By Day,Campaign name,Cost\n2026-11-01,a,5.00\n")
    assert "give --currency" in done.errors[0]


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (
            "Campaign,Currency code,Cost\na,NOK,5\n",
            {},
            "1: this looks like an export of google without a",
        ),
        (GOOGLE, {"export": "meta"}, "or those of an export of meta"),
        ("what,ever\n1,2\n", {}, "the header lacks campaign, day, kind, amount, currency; its columns are"),
    ],
)
def test_a_file_that_is_no_export_is_refused_whole(
    known: Client, tmp_path: Path, text: str, options: dict[str, str], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        imported(known, tmp_path, text, **options)
