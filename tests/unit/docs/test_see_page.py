"""What the docs say of the dashboards is true of the dashboards; links between the files of the root lead somewhere."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TITLES = [json.loads(path.read_text("utf-8"))["title"] for path in (ROOT / "grafana" / "dashboards").glob("*.json")]


def test_the_page_on_seeing_names_every_dashboard() -> None:
    said = (ROOT / "docs" / "operations" / "see.md").read_text("utf-8")
    assert len(TITLES) == 4
    assert [title for title in TITLES if f"*{title}*" not in said] == []
    assert "shows four dashboards" in said


@pytest.mark.parametrize("name", [path.name for path in ROOT.glob("*.md")])
def test_links_of_the_root_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", (ROOT / name).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
