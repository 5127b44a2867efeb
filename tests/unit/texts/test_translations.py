"""No text for leaders and managers lacks its translation, and none of the table is dead."""

import ast
import re
from pathlib import Path

import pytest

from streams.texts import LANGUAGES, names
from streams.texts.language import table

STREAMS = Path(__file__).parents[3] / "streams"
TREES = [ast.parse(path.read_text("utf-8")) for room in ("reports", "texts") for path in (STREAMS / room).rglob("*.py")]
NODES = [node for tree in TREES for node in ast.walk(tree)]
CONSTANTS = {node.value for node in NODES if isinstance(node, ast.Constant) and isinstance(node.value, str)}
SAID = {
    call.args[0].value
    for call in NODES
    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "said" and isinstance(call.args[0], ast.Constant)
}
TRANSLATED = [code for code in LANGUAGES if code != "en"]


def test_the_report_says_something() -> None:
    assert len(SAID) > 20


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_text_lacks_its_translation(code: str) -> None:
    wanted = SAID | set(names.MODELS.values()) | set(names.REASONS.values()) | set(names.STATUS.values())
    assert wanted - table(code).keys() == set()


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_is_of_a_text_that_is_gone(code: str) -> None:
    assert table(code).keys() - CONSTANTS == set()


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_has_the_places_of_its_text_and_is_no_copy(code: str) -> None:
    for text, said in table(code).items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", said)), text
        assert said.strip(), text
