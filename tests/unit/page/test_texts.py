"""What the page gets of texts in an answer."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.page.texts import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x07", "[31mred"),
        ("a\u202eb", "ab"),
        ("two\nlines\tand\r", "two lines and "),
        ('<b>"\\u001b\\n"</b>/é😀', '<b>"\\u001b\\n"</b>/é😀'),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_texts_lose_what_is_not_seen(text: str, expected: str, ascii_only: bool) -> None:
    answer = json.dumps({"data": {"name": [text], "n": [1.50]}}, ensure_ascii=ascii_only).encode()
    assert json.loads(shown(answer)) == {"data": {"name": [expected], "n": [1.5]}}


def test_numbers_stay_as_they_are_written() -> None:
    assert shown(b'{"data": [12345678901234567890, 0.100000]}') == b'{"data": [12345678901234567890, 0.100000]}'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_no_control_character_is_left(texts: list[str]) -> None:
    answer = json.dumps(texts).encode()
    found = "".join(json.loads(shown(answer)))
    assert not {"Cc", "Cf", "Zl", "Zp"} & {unicodedata.category(char) for char in found}
