"""The documentation: a site without a warning, that asks nothing of elsewhere; and pages that are as the code is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streams.config import Settings
from tests.conftest import CI
from tools import reference

ROOT = Path(__file__).parents[2]
ZENSICAL = Path(sys.executable).with_name("zensical")
VARIABLE = re.compile(r"`([A-Z][A-Z0-9_]+)`")


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """The site of a copy of the pages, as `make docs` builds it."""
    if not ZENSICAL.exists():
        assert not CI, "zensical is missing: pip install '.[dev]'"
        pytest.skip("zensical is not installed: make setup")
    command = [str(ZENSICAL), "build", "--config-file", "mkdocs.yml", "--strict", "--clean"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with the pages and their configuration."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    return tmp_path


def test_the_site_is_built_without_a_warning_and_fetches_nothing(pages: Path) -> None:
    done = build(pages)
    assert done.returncode == 0, done.stdout + done.stderr
    built = list((pages / "build" / "site").rglob("*.html"))
    assert len(built) >= len(list((ROOT / "docs").rglob("*.md")))
    fetched = [
        found
        for page in built
        for found in re.findall(r"<(?:script|link|img)[^>]*https?://[^>]*>", page.read_text("utf-8"))
    ]
    assert fetched == []


@pytest.mark.parametrize("link", ["nowhere.md", "tutorial.md#nothing"])
def test_a_link_to_nowhere_is_an_error(pages: Path, link: str) -> None:
    with (pages / "docs" / "faq.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[lost]({link})\n")
    assert build(pages).returncode != 0


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")
    names = [str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")]
    assert [name for name in names if f" {name}\n" not in menu] == []


def test_what_is_made_of_the_code_is_up_to_date() -> None:
    for name, text in reference.pages().items():
        assert (reference.FOLDER / name).read_text("utf-8") == text, "run: make reference"


def test_every_variable_is_described_and_no_other() -> None:
    page = (reference.FOLDER / "variables.md").read_text("utf-8")
    described = {
        name for line in page.splitlines() if line.startswith("| `") for name in VARIABLE.findall(line.split("|")[1])
    }
    read = {
        str(field.validation_alias or f"MAALSTROM_{name.upper()}") for name, field in Settings.model_fields.items()
    } - {"MAALSTROM_FAIL_POINT", "BROKER_CREDENTIALS"}  # for tests; refused
    assert read - described == set()
    code = "".join(path.read_text("utf-8") for path in (ROOT / "streams").rglob("*.py"))
    names = {name: (name, name.removeprefix("MAALSTROM_").lower()) for name in described - read}
    assert [name for name, forms in names.items() if not any(form in code for form in forms)] == []
