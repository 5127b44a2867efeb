"""What the page on collecting asks to paste is what the tests of the published SDKs run, line by line."""

import re
import tomllib
from pathlib import Path

import pytest

from streams.core.catalogue.parse import parse

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "collect.md").read_text("utf-8")
SDKS = ROOT / "tests" / "integration" / "collector" / "clients" / "sdks"
# What the page writes for the reader's own, and what the tests have there.
OWN = {
    "'WRITE_KEY'": "WRITE_KEY",
    "'collect.shop.example/v1'": "API_HOST",
    "'https://collect.shop.example'": "COLLECTOR",
    "'https'": "PROTOCOL",
}
SNIPPETS = [
    snippet.splitlines() for snippet in re.findall(r"^```(?:js|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]


def bare(line: str) -> str:
    """A line as both write it."""
    line = line.replace('"', "'")
    for theirs, ours in OWN.items():
        line = line.replace(theirs, ours)
    return line.strip()


@pytest.mark.parametrize(
    "script", sorted(path.name for path in SDKS.iterdir() if path.suffix in (".html", ".cjs", ".py"))
)
def test_each_sdk_is_set_up_as_the_page_says(script: str) -> None:
    lines = {line.strip() for line in (SDKS / script).read_text("utf-8").splitlines()}
    assert sum(lines.issuperset(map(bare, snippet)) for snippet in SNIPPETS) == 1


def test_every_snippet_is_run() -> None:
    texts = [{line.strip() for line in path.read_text("utf-8").splitlines()} for path in SDKS.iterdir()]
    assert [s for s in SNIPPETS if not any(text.issuperset(map(bare, s)) for text in texts)] == []
    assert len(SNIPPETS) == 6


def test_the_link_of_the_page_is_one() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    head = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "E"\n[[campaign]]\nid = "autumn"\n'
    assert parse(head + text).links[0].code == tomllib.loads(text)["link"][0]["code"]
