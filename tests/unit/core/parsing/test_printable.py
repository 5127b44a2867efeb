"""What may be shown of text from elsewhere."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.parsing.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Høst på Facebook 😀", "Høst på Facebook 😀"),
        ("\x1b]0;title\x07\x1b[31mred", "]0;title[31mred"),
        ("a\u202eevil\u2066\u200f", "aevil"),
        ("a\0b\x7fc\x9bd", "abcd"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\r\x0bb\u2028c\x85d", "a  b c d"),
        ("half \ud800", "half "),
    ],
)
def test_what_is_not_seen_is_taken_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_that_steers_is_left(text: str) -> None:
    left = {unicodedata.category(char) for char in printable(text) if char not in "\n\t"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable(printable(text)) == printable(text)
    assert "\n" not in one_line(text)


def test_a_line_is_cut_where_it_must_be() -> None:
    assert one_line(" a\n b ") == "a b"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert one_line("x" * 10, 10) == "x" * 10
