"""`docs/reference/catalogue.md` has every key of both files, and no other."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.core.catalogue import parse as catalogue
from streams.core.catalogue import windows
from streams.core.door import sources_toml as sources
from streams.core.parsing.toml import CatalogueError

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "catalogue.md").read_text("utf-8")
GOAL = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "E"\n'
CAMPAIGN = f'{GOAL}[[campaign]]\nid = "c"\n'
# Where a key that nobody knows makes the parser say which it knows, by the file and the heading.
PLACES: dict[tuple[str, str], str] = {
    ("catalogue.toml", "The file"): f"nobody = 1\n{GOAL}",
    ("catalogue.toml", "[[goal]]"): f"{GOAL}nobody = 1",
    ("catalogue.toml", "windows of a goal"): f"{GOAL}windows = {{ nobody = 1 }}",
    ("catalogue.toml", "[[campaign]]"): f"{CAMPAIGN}nobody = 1",
    ("catalogue.toml", "match of a campaign"): f"{CAMPAIGN}match = {{ nobody = 1 }}",
    ("catalogue.toml", "[[link]]"): f"{CAMPAIGN}[[link]]\nnobody = 1",
    ("catalogue.toml", "[[holdout]]"): f"{CAMPAIGN}[[holdout]]\nnobody = 1",
    ("sources.toml", "The file"): "nobody = 1",
    ("sources.toml", "[[source]]"): "[[source]]\nnobody = 1",
    ("sources.toml", "Each event of [touch]"): "[touch]\nX = { nobody = 1 }",
    ("sources.toml", "[consent]"): "[consent]\nnobody = 1",
    ("sources.toml", "[collect]"): "[collect]\nnobody = 1",
}
PARSERS: dict[str, Callable[[str], Any]] = {"catalogue.toml": catalogue.parse, "sources.toml": sources.parse}


def documented() -> dict[tuple[str, str], set[str]]:
    """The keys in the page's tables, by the file and the heading."""
    keys: dict[tuple[str, str], set[str]] = {}
    file = heading = ""
    for line in PAGE.replace("`|", "` |").splitlines():
        if line.startswith("## "):
            file = line.split("`")[1]
        elif line.startswith("### "):
            heading = line.removeprefix("### ").replace("`", "")
        elif key := re.match(r"\| `(\w+)` \|", line):
            keys.setdefault((file, heading), set()).add(key[1])
    return keys


@pytest.mark.parametrize(("file", "heading"), PLACES)
def test_the_page_has_the_keys_of(file: str, heading: str) -> None:
    with pytest.raises(CatalogueError, match="the keys here are ") as refused:
        PARSERS[file](PLACES[file, heading])
    known = str(refused.value).partition("the keys here are ")[2].split(", ")
    assert documented()[file, heading] == set(known)


def test_no_heading_is_left_out() -> None:
    assert documented().keys() == PLACES.keys()


def test_every_table_of_the_parsers_is_asked_for() -> None:
    """As many as there are calls that refuse unknown keys."""
    texts = [Path(str(module.__file__)).read_text("utf-8") for module in (catalogue, windows, sources)]
    assert sum(text.count(".only(") for text in texts) == len(PLACES)
