"""The dashboards in other languages: generated, complete, and with the English ones' figures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.texts.dashboards import texts_of, translated
from streams.texts.language import DASHBOARDS, sections
from tools import dashboards

ENGLISH = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(dashboards.FOLDER.glob("*.json"))}
MADE = {code: sections(code)[DASHBOARDS] for code in dashboards.OTHERS}
READ = {name: found for name, found in ENGLISH.items() if name not in dashboards.LEFT}


@pytest.mark.parametrize("code", MADE)
def test_no_text_lacks_its_translation_and_none_is_dead(code: str) -> None:
    wanted = set().union(*(texts_of(found) for found in READ.values()))
    assert wanted - MADE[code].keys() == set()
    assert MADE[code].keys() - wanted == set()


@pytest.mark.parametrize("code", MADE)
def test_places_of_variables_are_kept(code: str) -> None:
    for text, said in MADE[code].items():
        assert sorted(re.findall(r"\$\{[^}]*\}", text)) == sorted(re.findall(r"\$\{[^}]*\}", said)), text
        assert text.startswith(" ") == said.startswith(" "), text
        assert text.endswith(" ") == said.endswith(" "), text


def test_the_files_are_up_to_date() -> None:
    for path, text in dashboards.files().items():
        assert path.exists(), f"{path.name} is missing; run: make dashboards"
        assert path.read_text("utf-8") == text, f"{path.name} is not up to date; run: make dashboards"
    kept = {path for code in dashboards.OTHERS for path in (dashboards.FOLDER / code).glob("*")}
    assert kept == dashboards.files().keys()


def test_a_text_without_a_translation_is_seen() -> None:
    one: dict[str, Any] = {"uid": "maalstrom-x", "title": "Never said before", "tags": ["maalstrom"], "panels": []}
    assert texts_of(one) == {"Never said before"}


def test_what_a_query_counts_is_not_touched() -> None:
    sql = "SELECT sum(value) AS \"Cost\" FROM t WHERE goal = 'orders' AND kind = 'Orders' ORDER BY \"Cost\", 'it''s'"
    given = {"uid": "maalstrom-x", "tags": ["maalstrom"], "targets": [{"rawSql": sql}], "url": "/d/maalstrom-goals?a"}
    made = translated(given, "nb", {"Cost": "Kostnad", "orders": "NEVER"})
    assert made["targets"][0]["rawSql"] == sql.replace("Cost", "Kostnad")
    assert (made["uid"], made["tags"], made["url"]) == ("maalstrom-x-nb", ["maalstrom-nb"], "/d/maalstrom-goals-nb?a")


def shape(part: Any) -> Any:
    """A dashboard without its words."""
    if isinstance(part, Mapping):
        return {name: shape(value) for name, value in part.items() if name not in ("options", "mappings")}
    if isinstance(part, list):
        return [shape(each) for each in part]
    return type(part).__name__ if isinstance(part, str) else part


@pytest.mark.parametrize("path", dashboards.files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_but_words_is_different(path: Path) -> None:
    assert shape(json.loads(path.read_text("utf-8"))) == shape(ENGLISH[path.stem])
