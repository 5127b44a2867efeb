"""Amounts as people write them: read exactly, or not at all."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.door.fields.amounts import amount, from_text, rounded

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1299.00", "1299"), ("1,299.00", "1299"), ("1 299,00", "1299"), ("1\u00a0299,00", "1299"),
        ("1\u202f299,00", "1299"), ("1.299,00", "1299"), ("49,90", "49.90"), ("$49.90", "49.90"), ("49.90 kr", "49.90"),
        ("kr 49,-", "49"), ("49,- kr", "49"), ("kr. 49,50", "49.50"), ("49kr", "49"), ("0", "0"), ("+5", "5"),
        (".5", "0.5"), ("5.", "5"), (" 42.00 ", "42"), ("1.299", "1.299"), ("1.299.000", "1299000"),
        ("1,299,000", "1299000"), ("1'299.50", "1299.50"), ("NOK 49", "49"), ("49 nok", "49"),
        ("49NOK", "49"), ("€ 5", "5"), ("5 €", "5"), ("-5", "-5"), ("kr -5", "-5"),
        ("-$5", "-5"), ("1.5e3", "1500"), ("1 299", "1299"), ("0.0000005", "0"),
        ("0.0000015", "0.000002"), ("999999999999.999999", "999999999999.999999"), ("-0", "0"), (",5", "0.5"),
        ("1.299,-", "1299"), ("kr -1.299,-", "-1299"), ("1.299,- NOK", "1299"), ("49.90,-", "49.90"),
        ("1,29", "1.29"), ("12,3456", "12.3456"), ("1,2", "1.2"),
    ],
)  # fmt: skip
def test_a_text_that_means_one_thing(text: str, expected: str) -> None:
    assert from_text(text, "NOK") == int(Decimal(expected) * MILLION)


@pytest.mark.parametrize(
    "text",
    [
        "1,299", "1.299,00.00", "12,99,00", "1 29", "12 345 6", "free", "NaN", "nan", "Infinity", "inf", "", " ", "kr",
        "EUR 49", "49 EUR NOK", "1000000000000", "1e12", "999999999999.9999996", "5 %", "--5", "5-", "(5)", "0x10",
        "1_000", "٤٢", "1,2,3", "1.2.3", "9" * 101, "49 kroner", "US$5", "1,234.567.8", "5 5", ",", ".", "1e99999",
        "12,3456,789.0", "1 299.000,00", "1’299.50", "\u22125", "49.-", "1 299.00,5",
    ],
)  # fmt: skip
def test_a_text_that_does_not(text: str) -> None:
    assert from_text(text, "NOK") is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"1299", 1_299_000_000), (b"1299.0", 1_299_000_000), (b"1e3", 1_000_000_000), (b"-5", -5_000_000),
        (b"0.1", 100_000), (b'"0.1"', 100_000), (b"1e12", None), (b"1e999999999", None), (b"1e-999999999", 0),
        (b"0e999999999", 0), (b"true", None), (b"[1]", None), (b"{}", None), (b'"\\u0031"', 1_000_000),
        (b"0.1" + b"0" * 5000 + b"1", 100_000), (b"0.0000005" + b"0" * 90 + b"1", 1), (b"9" * 5000, None),
    ],
)  # fmt: skip
def test_json_values(raw: bytes, expected: int | None) -> None:
    assert amount(raw, "NOK") == expected


@given(st.decimals(min_value=0, max_value=10**11, places=6, allow_nan=False))
def test_every_spelling_of_a_number_is_that_number(number: Decimal) -> None:
    exact = int(number * MILLION)
    plain = f"{number:.6f}"
    whole, _, places = f"{number:,.6f}".partition(".")
    spellings = (
        plain, f"{whole}.{places}", f"{whole.replace(',', ' ')},{places}", f"{whole.replace(',', chr(0xA0))}.{places}",
        f"kr {plain}", f"{plain} NOK", f"+{plain}", f"NOK {whole.replace(',', '.')},{places}",
    )  # fmt: skip
    assert {from_text(text, "NOK") for text in spellings} == {exact}
    assert amount(plain.encode(), "NOK") == amount(msgspec.json.encode(plain), "NOK") == exact
    assert from_text(f"-{plain}", "NOK") == -exact


@given(st.text(alphabet="0123456789.,' kr$NOKE-+e\u00a0", max_size=14))
def test_whatever_is_written_nothing_is_raised(text: str) -> None:
    found = from_text(text, "NOK")
    assert found is None or abs(found) < 10**18


@given(st.integers(0, 10**20))
def test_millionths_of_millionths_are_rounded_half_even(product: int) -> None:
    exact = Decimal(product).scaleb(-6).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert rounded(product) == (int(exact) if exact < 10**18 else None)
