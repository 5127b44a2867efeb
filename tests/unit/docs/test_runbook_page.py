"""What the runbook has an operator look for in a log is what is written there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations" / "runbook.md").read_text("utf-8")
SEES = [" ".join(part.split()) for part in re.findall(r"- \*\*See\*\*(.*?)(?=\n- \*\*|\n\n)", PAGE, re.DOTALL)]
MESSAGES = sorted(
    {words for sees in SEES if re.search(r"\blog\b", sees) for words in re.findall(r"`([A-Za-z]+(?: [^`]+)+)`", sees)}
    - {
        words
        for sees in SEES
        for words in re.findall(r"`((?:maalstrom|kafka|journalctl|SELECT|exit|curl) [^`]+)`", sees)
    }
)


def test_messages_are_looked_for() -> None:
    assert len(MESSAGES) >= 5, MESSAGES


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_the_runbook_quotes_is_written(message: str) -> None:
    code = "".join(path.read_text("utf-8") for path in sorted((ROOT / "streams").rglob("*.py")))
    pattern = ".{1,20}".join(map(re.escape, re.split(r" ?… ?", message)))
    assert re.search(pattern, code), message
