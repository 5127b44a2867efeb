"""Nothing refers a reader to a page that is not in the repository."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("streams", "tests", "tools", "deploy", "docs", "schemas")
TEXTS = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".sql")]


def test_no_numbered_part_of_another_document_is_cited() -> None:
    assert len(TEXTS) > 500
    cited = [path.name for path in TEXTS if re.search(r"\bcontract,? \d", path.read_text("utf-8"))]
    assert cited == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_page_that_is_named_by_its_path_is_there(folder: str) -> None:
    named = {
        (path.name, page)
        for path in TEXTS
        if path.is_relative_to(ROOT / folder) and path.suffix == ".py"
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text("utf-8"))
    }
    assert [(name, page) for name, page in sorted(named) if not (ROOT / page).exists()] == []
