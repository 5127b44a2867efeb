"""The normal form of names: spellings of one name are one, and different names stay different."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.door.fields.names import event_name, normal

EASTER = "påske 2026"


@pytest.mark.parametrize(
    "text",
    [
        "påske 2026", "PÅSKE 2026", unicodedata.normalize("NFD", "påske 2026"), "  påske \t\r\n 2026 ", "påske+2026",
        "p%C3%A5ske%202026", "p%c3%a5ske%a02026".replace("%a0", "%C2%A0"), "påske\u00a02026", "på\u00adske\u200b 2026",
        "\ufeffpåske\x00 2026", "påske\u20282026", "p%61%CC%8Aske+2026".replace("p%61", "p%61"),
    ],
)  # fmt: skip
def test_spellings_of_one_name_are_one(text: str) -> None:
    assert normal(text) == EASTER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("påske_2026", "påske_2026"), ("{{campaign.name}}", "{{campaign.name}}"), ("100%", "100%"), ("5%zz", "5%zz"),
        ("%FF%C3%A5%C3", "%ffå%c3"), ("a%2Bb", "a+b"), ("a%2520b", "a%20b"), ("STRASSE", "strasse"),
        ("Straße", "strasse"), ("x" * 300, "x" * 200), ("", ""), (" +%20", ""), ("%", "%"), ("%4", "%4"),
    ],
)  # fmt: skip
def test_normal_form(text: str, expected: str) -> None:
    assert normal(text) == expected


@pytest.mark.parametrize(
    "text", ["Order Completed", "order_completed", "ORDER-COMPLETED", " order__Completed+", "order%5Fcompleted"]
)
def test_lines_and_dashes_are_spaces_in_event_names(text: str) -> None:
    assert event_name(text) == "order completed"


@given(st.text(max_size=300))
def test_a_normal_name_has_no_control_characters_and_single_spaces(text: str) -> None:
    name = normal(text)
    assert len(name) <= 200
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in name)
    assert name.split(" ") == name.split() or name.endswith(" ") or not name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="%+"), max_size=150))
def test_case_space_and_percent_encoding_make_no_difference(text: str) -> None:
    escaped = "".join(f"%{byte:02X}" for byte in text.encode())
    assert normal(f"  {escaped}\t") == normal(text)


@pytest.mark.parametrize(
    "text", ["%FF" * 20_000, "%C3%A5%FF" * 7_000, "\u200b" * 60_000, "+" * 60_000, "a\u0301" * 30_000]
)
def test_a_name_as_long_as_a_message_takes_no_time(text: str) -> None:
    before = time.process_time()
    assert len(normal(text)) <= 200
    assert time.process_time() - before < 1
