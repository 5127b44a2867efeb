"""Costs from files reach the table `costs`, and the return of a campaign counts them."""

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.core.catalogue.parse import parse
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from streams.sources.cost_files import import_csv, load_ndjson
from streams.sources.files import DeadLetterFile

CATALOGUE = parse("""
base_currency = "NOK"
[[goal]]
id = "g"
event = "Order Completed"
[[campaign]]
id = "Autumn"
means = "social"
aliases = ["høst"]
""")
HEADER = "campaign,day,kind,amount,rate,currency,id"
WORKED_EXAMPLE = f"""{HEADER}
Autumn,2026-11-01,money,1500.00,,NOK,invoice-1
autumn,2026-11-02,money,600,,NOK,invoice-2
høst,2026-11-03,money,100,,nok,invoice-3
HØST,2026-11-03,hours,20,50,NOK,timesheet-1
"""
REPORT = (
    "INSERT INTO goal_attribution (window_start, model, goal, campaign, currency, conversions, value, version) VALUES"
)


@pytest.fixture
def known(emptied: Client) -> Client:
    """A database that knows the catalogue."""
    write_catalogue(emptied, CATALOGUE)
    return emptied


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "costs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def stored(client: Client) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in client.query("SELECT * EXCEPT (version) FROM costs FINAL")}


def test_the_hours_count_in_what_comes_back(client: Client, tmp_path: Path) -> None:
    summary = import_csv(client, written(tmp_path, WORKED_EXAMPLE), CATALOGUE)
    assert (summary.written, summary.errors, summary.unlisted) == (4, [], set())
    client.command(f"{REPORT} ('2026-11-01', 'last_click', 'g', 'Autumn', 'NOK', 10, 8000, 1)")
    (row,) = client.query("SELECT * FROM campaign_return WHERE model = 'last_click'")
    assert (row["money"], row["hours"], row["cost"]) == (2200, 20, 3200)
    assert (row["return_on_investment"], row["cost_per_conversion"]) == (1.5, 320)


def test_costs_in_another_currency_are_not_added(known: Client, tmp_path: Path) -> None:
    import_csv(known, written(tmp_path, f"{WORKED_EXAMPLE}Autumn,2026-11-04,money,10,,EUR,invoice-4\n"))
    known.command(f"{REPORT} ('2026-11-01', 'last_click', 'g', 'Autumn', 'NOK', 10, 8000, 1)")
    rows = known.query("SELECT currency, cost, value, return_on_investment FROM campaign_return WHERE model = 'last'")
    assert {row["currency"]: row["cost"] for row in rows} == {"NOK": 3200, "EUR": 10}
    assert {row["return_on_investment"] for row in rows} == {None}


def test_the_same_id_again_replaces_it(known: Client, tmp_path: Path) -> None:
    import_csv(known, written(tmp_path, f"{HEADER}\nhøst,2026-11-01,money,9,,NOK,1\nhøst,2026-11-01,money,8,,NOK,1\n"))
    assert stored(known)["1"]["amount"] == 8
    again = import_csv(known, written(tmp_path, f"{HEADER}\nhøst,2026-11-02,hours,2,50.5,NOK,1\n"))
    assert again.written == 1
    assert stored(known) == {
        "1": {
            "id": "1",
            "campaign": "Autumn",
            "day": date(2026, 11, 2),
            "kind": "hours",
            "amount": Decimal(2),
            "rate": Decimal("50.5"),
            "currency": "NOK",
        }
    }


def test_a_bad_row_is_listed_and_costs_no_good_one(known: Client, tmp_path: Path) -> None:
    rows = [
        "Autumn,2026-11-01,money,1,,NOK,1",
        "Autumn,2026-11-01,money,1,500.00,,NOK,2",
        ",,,,,,",
        '"Autumn"s,2026-11-01,money,1,,NOK,3',
        "Autumn,yesterday,money,1,,NOK,4",
        '"Autumn",2026-11-01,money,1,,NOK,"5\n"',
        "Autumn,2026-11-01",
        "autum,2026-11-01,money,2,,NOK,6",
        '"Autumn,2026-11-01,money,3,,NOK,7',
    ]
    path = written(tmp_path, "\r\n".join([HEADER, *rows]))
    summary = import_csv(known, path)
    assert set(stored(known)) == {"1", "5", "6"}
    assert (summary.written, summary.unlisted) == (3, {"autum"})
    assert [error.removeprefix(f"{path}:").split(" ")[0] for error in summary.errors] == ["3:", "5:", "6:", "9:", "11:"]
    assert "8 cells below 7 columns" in summary.errors[0]
    assert "see to the quotes" in summary.errors[1]
    assert "`day`: 'yesterday' is no day" in summary.errors[2]


def test_what_a_spreadsheet_saves_is_read(known: Client, tmp_path: Path) -> None:
    text = "ID;Note; Campaign ;Day;Kind;Amount;Currency\r\n1;en, to;høst;2026-11-01;money;1.5;NOK\r\n;;;;;;\r\n"
    assert import_csv(known, written(tmp_path, text, "utf-8-sig")).errors == []
    assert stored(known)["1"]["amount"] == Decimal("1.5")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "1: the header lacks campaign, day, kind, amount, currency; its columns are campaign, day"),
        (b"campaign,day,kind,amount,id\n", "1: the header lacks currency"),
        (f"{HEADER},Day\n".encode(), "1: the header has day twice"),
        (b'"campaign', "1: the header is not CSV"),
        (f"{HEADER}\nh\x81st,2026-11-01,money,1,,NOK,1\n".encode("latin-1"), "is neither UTF-8 nor UTF-16; save it as"),
    ],
)
def test_a_file_that_is_no_table_of_costs_is_refused_whole(
    known: Client, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "costs.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        import_csv(known, path)
    assert stored(known) == {}


def test_records_in_files_are_read_and_bad_ones_kept(known: Client, tmp_path: Path) -> None:
    good = {"campaign": "høst", "day": "2026-11-01", "kind": "money", "amount": 1, "currency": "NOK", "id": "1"}
    lines = [json.dumps(good), "", "{}", json.dumps({**good, "id": "2", "campaign": "Paper"})]
    (tmp_path / "costs.ndjson.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    with DeadLetterFile(tmp_path / "dead.ndjson") as letters:
        summary = load_ndjson(known, [str(tmp_path / "costs.ndjson.gz")], CATALOGUE, letters)
    assert {id_: row["campaign"] for id_, row in stored(known).items()} == {"1": "Autumn", "2": "paper"}
    assert (summary.written, summary.unlisted, len(summary.errors)) == (2, {"paper"}, 1)
    kept = json.loads((tmp_path / "dead.ndjson").read_text("utf-8"))
    assert (kept["topic"], kept["line"], kept["reason"], kept["record"]) == ("costs", 3, "malformed", "{}")
