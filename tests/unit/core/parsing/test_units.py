"""Amounts are read from their own text: exact, half-even, and within what a Decimal(18, 6) holds."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.parsing.units import LARGEST, micro


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.000", 0),
        ("199", 199_000_000),
        ("19.9", 19_900_000),
        ("0.1", 100_000),
        ("1e3", 1_000_000_000),
        ("1.5E-3", 1_500),
        ("0.0000005", 0),  # half-even: to the even neighbour
        ("0.0000015", 2),
        ("0.0000025", 2),
        ("0.00000250000000000000000000000000000000000001", 3),
        ("999999999999.999999", LARGEST),
        ("0e9999", 0),
        ("1e-9999", 0),
        ("0" * 400, 0),
    ],
)
def test_an_amount_is_its_text_in_millionths(text: str, millionths: int) -> None:
    assert micro(text) == millionths


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1,5",
        "1.",
        ".5",
        "+1",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e",
        "1e99999",
        "१",
        "1\n",
    ],
)
def test_what_is_no_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        micro(text)


@pytest.mark.parametrize("text", ["-1", "-0.000001", "-1e-9999"])
def test_a_negative_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        micro(text)


@pytest.mark.parametrize("text", ["1e12", "1000000000000", "999999999999.9999995", "9" * 400, "1e9999"])
def test_an_amount_that_no_column_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="larger than"):
        micro(text)


@given(st.integers(0, LARGEST))
def test_every_amount_of_six_places_is_exact(millionths: int) -> None:
    assert micro(str(Decimal(millionths).scaleb(-6))) == millionths
    assert micro(f"{millionths}e-6") == millionths
