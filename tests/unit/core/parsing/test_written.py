"""Numbers and days as people and their spreadsheets write them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.parsing.written import day, decimal, decimal_mark, month_first


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[
            (text, "1234.50")
            for text in ("1234,50", "1 234,50", "1\u00a0234,50", "1\u202f234,50", "1.234,50", "1,234.50")
        ],
        *[
            ("kr 100,00", "100.00"),
            ("100 kr", "100"),
            ("100,-", "100"),
            ("1.500,-", "1500"),
            ("kr 12.500,- ", "12500"),
            ("€ 12", "12"),
            ("NOK 1 234", "1234"),
        ],
        *[("1.234", "1.234"), ("1.234.567", "1234567"), ("1'234.50", "1234.50"), ("7,5", "7.5"), ("\u22125", "-5")],
    ],
)
def test_an_amount_is_read_where_it_can_mean_one_thing_only(text: str, number: str) -> None:
    assert decimal(text) == number


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,234", "may be thousands or decimals; write 1234 or 1.234"),
        ("12,34,567", "is not a number"),
        ("1 2", "is not a number"),
        ("1e3", "is not a number"),
        ("", "is not a number"),
        ("USD 5", "is not in NOK"),
    ],
)
def test_what_is_unclear_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decimal(text, currency="NOK")


def test_a_file_tells_its_decimal_mark() -> None:
    assert decimal_mark(["1,234", "2,221.50"]) == "."
    assert decimal_mark(["1.234", "12,50"]) == ","
    assert decimal_mark(["1.234,5", "1,234.5"]) == decimal_mark(["1", ""]) == ""
    assert (decimal("1,234", "."), decimal("1.234", ","), decimal("1,234", ",")) == ("1234", "1234", "1.234")


@given(
    st.decimals(0, 10**9, places=2), st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u00a0", "."), ("", ",")])
)
def test_every_way_to_write_an_amount_is_that_amount(amount: Decimal, marks: tuple[str, str]) -> None:
    thousands, mark = marks
    text = f"{amount:,.2f}".replace(",", "_").replace(".", mark).replace("_", thousands)
    assert Decimal(decimal(text)) == amount


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01",
        "01.11.2026",
        "1.11.2026",
        "20261101",
        "2026/11/1",
        "2026-11-01 00:00:00",
        "2026-11-01T00:00:00+01:00",
        "1. nov. 2026",
        "1 November 2026",
        "Nov 1, 2026",
        "Sun, Nov 1, 2026",
        "So., 1. November 2026",
    ],
)
def test_a_day_is_read(text: str) -> None:
    assert day(text) == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("3. März 2026", 3),
        ("3. mars 2026", 3),
        ("3. Mrz 2026", 3),
        ("3. mai 2026", 5),
        ("Dez 3 2026", 12),
        ("3. des. 2026", 12),
    ],
)
def test_months_go_by_their_names_in_english_german_and_norwegian(text: str, month: int) -> None:
    assert day(text) == date(2026, month, 3)


def test_days_with_slashes_begin_as_the_file_does() -> None:
    assert month_first(["11/1/2026", "11/13/2026"], None) is True
    assert month_first(["1/11/2026", "13/11/2026"], True) is False
    assert month_first(["1/11/2026", "2026-11-02"], None) is None
    assert day("11/1/2026", True) == day("1/11/2026", False) == date(2026, 11, 1)
    assert day("11/13/2026") == day("13/11/2026") == date(2026, 11, 13)
    with pytest.raises(ValueError, match="may begin with the day or with the month"):
        day("11/1/2026")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "31.02.2026", "1.11.26", "2026111", "1. foo 2026", "31 Feb 2026"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no day|month|day is out of range"):
        day(text)
