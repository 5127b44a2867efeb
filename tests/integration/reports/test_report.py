"""The report: read as a person reads it, on 80 columns and without colour."""

import io
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.core.catalogue.parse import parse
from streams.reports.render import render
from streams.reports.rounding import adding_up
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client, connect

TEXT = """
base_currency = "NOK"
[[goal]]
id = "customers"
name = "100 customers [in the shop]"
event = "Order Completed"
unit = "customers"
target = 100
by = 2026-11-20
[[goal]]
id = "enquiries"
event = "Enquiry Answered"
[[campaign]]
id = "autumn"
name = "Autumn on Facebook"
means = "social"
[[campaign]]
id = "radio"
name = "Radio"
"""
CATALOGUE = parse(TEXT)
REPORT = (
    "INSERT INTO goal_attribution"
    " (window_start, model, goal, campaign, reason, currency, conversions, value, version) VALUES"
)


@pytest.fixture
def filled(embedded: Client) -> Client:
    write_catalogue(embedded, CATALOGUE)
    embedded.command(
        f"""{REPORT}
        ('2026-11-01', 'linear', 'customers', 'autumn', '', 'NOK', 1838.333333, 12345678.905, 1),
        ('2026-11-01', 'linear', 'customers', 'autumn', '', 'EUR', 1, 10, 1),
        ('2026-11-02', 'linear', 'customers', 'gone', '', 'NOK', 0.666667, 0.095, 1),
        ('2026-11-06', 'linear', 'customers', '', 'no_touch', 'NOK', 20, 1, 1),
        ('2026-11-06', 'linear', 'customers', 'gone', '', 'NOK', 0, 0, 1),
        ('2026-11-01', 'last_click', 'customers', 'gone', '', 'NOK', 3, 0, 1)"""
    )
    return embedded


def printed(client: Client, goal: str | None = None, model: str = "linear") -> str:
    out = io.StringIO()
    render(client, goal, model, Console(file=out, width=80))
    return out.getvalue()


def lines(text: str) -> list[list[str]]:
    return [re.split(" {2,}", line.strip()) for line in text.splitlines() if line.strip()]


def test_a_goal_is_shown_against_its_target(filled: Client) -> None:
    found = lines(printed(filled))
    assert " ".join(word for line in found[:2] for word in line) == (
        "Conversions until 2026-11-06 00:00, UTC time, net of refunds and cancellations, "
        "credited by linear (Linear: every touch equally)"
    )
    assert found[3] == ["Goal", "Reached", "Target", "By", "Status"]
    # The deadline is past, and three customers were counted by then.
    assert ["100 customers [in the shop]", "1 860", "100", "2026-11-20", "missed"] in found


def test_until_the_deadline_it_is_said_where_a_goal_ends_at_its_pace(filled: Client) -> None:
    later = "2099-11-20"
    write_catalogue(filled, parse(TEXT.replace("2026-11-20", later)))
    ((*_, expected, status),) = [line for line in lines(printed(filled)) if later in line]
    # Three in five days, and until midnight of that day.
    assert float(expected.replace(" ", "")) == pytest.approx(
        3 / 5 * (date(2099, 11, 21) - date(2026, 11, 1)).days, abs=1
    )
    assert status == "on course"


def test_campaigns_and_reasons_add_up(filled: Client) -> None:
    text = printed(filled, "customers")
    assert "100 customers [in the shop] – customers: 1 860" in text
    start = next(index for index, line in enumerate(lines(text)) if line[0] == "Campaign")
    assert lines(text)[start:] == [
        ["Campaign", "Channel", "Conversions", "Share", "Value"],
        ["─" * 72],
        ["Autumn on Facebook", "social", "1 839.33", "98.9 %", "10.00 EUR"],
        ["12 345 678.91 NOK"],
        ["gone", "0.67", "0.0 %", "0.09 NOK"],
        ["Attributed", "1 840.00", "98.9 %", "10.00 EUR"],
        ["12 345 679.00 NOK"],
        ["Unattributed", "20.00", "1.1 %", "1.00 NOK"],
        ["no touch seen", "20.00", "1.1 %", "1.00 NOK"],
        ["All", "1 860.00", "100.0 %", "10.00 EUR"],
        ["12 345 680.00 NOK"],
        ["No conversions from: Radio"],
    ]


def test_no_colour_and_no_markup_where_there_is_no_terminal(filled: Client) -> None:
    assert "\x1b" not in printed(filled)


def test_another_model_has_other_figures(filled: Client) -> None:
    assert ["gone", "3", "100.0 %", "0.00 NOK"] in lines(printed(filled, "customers", "last_click"))


def test_a_goal_without_conversions_says_so(filled: Client) -> None:
    assert "enquiries: no conversions yet." in printed(filled)


def test_a_goal_that_left_the_catalogue_is_not_shown(filled: Client) -> None:
    write_catalogue(filled, parse('base_currency = "NOK"\n[[goal]]\nid = "other"\nevent = "Enquiry Answered"'))
    assert "customers" not in printed(filled)


@pytest.mark.parametrize(
    ("goal", "model", "says"),
    [
        ("nope", "linear", 'there is no goal "nope"; choose one of: customers, enquiries'),
        (None, "nope", 'there is no model "nope"; choose one of: first, last, last_click, linear, position, '),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(
    filled: Client, goal: str | None, model: str, says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        printed(filled, goal, model)


def test_an_empty_database_says_what_to_do(blank: Client) -> None:
    assert "Run `maalstrom replay`" in " ".join(printed(blank).split())
    migrations.apply(blank)
    assert "Run `maalstrom replay`" in " ".join(printed(blank, "any").split())


def test_a_database_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(Exception, match="no answer"):
        printed(connect("clickhouse://127.0.0.1:1"))


@given(st.lists(st.integers(0, 10**12).map(lambda millionths: Decimal(millionths).scaleb(-6))), st.integers(0, 2))
def test_rounded_figures_add_up_and_stay_near(amounts: list[Decimal], places: int) -> None:
    unit = Decimal(1).scaleb(-places)
    rounded = adding_up(amounts, places)
    assert sum(rounded, Decimal(0)) == sum(amounts, Decimal(0)).quantize(unit)
    assert all(abs(near - exact) < unit for near, exact in zip(rounded, amounts, strict=True))


def test_it_says_from_when_on_figures_may_still_change(filled: Client) -> None:
    assert "Provisional" not in printed(filled)
    filled.command(
        "INSERT INTO conversions (goal, conversion_id, occurred_at, first_reported_at, updated_at, version) VALUES"
        " ('customers', '1', '2026-11-01', '2026-11-01', '2026-11-02 01:00:00', 1)"
    )
    assert lines(printed(filled))[-3:-1] == [
        ["No conversions from: Radio"],
        ["Provisional since 2026-11-04 23:00; before that, under 1 % still change"],
    ]


def test_a_database_of_before_that_was_known_is_reported_all_the_same(filled: Client) -> None:
    filled.command("DROP VIEW settled")
    assert "Autumn on Facebook" in printed(filled)
