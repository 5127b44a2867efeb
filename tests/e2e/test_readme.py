"""What people paste from the README and the tutorial runs as it stands, and its figures are there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINKED = ("Makefile", "schemas", "grafana", "deploy")
OLD = ("pyproject.toml", "constraints.txt")  # older than the environment: nothing is to be installed


def pasted(page: str) -> str:
    """All that a page asks to paste, in its order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert blocks, f"{page} has nothing to paste"
    return "".join(blocks)


def run(page: str, folder: Path) -> str:
    """What a page's commands print, in a folder that looks like a clone that is set up."""
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    for name in OLD:
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    (folder / ".venv").symlink_to(sys.prefix)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAALSTROM_")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", pasted(page)],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_five_minutes_of_the_readme(tmp_path: Path) -> None:
    printed = run("README.md", tmp_path)
    assert printed.count("100 new customers in the shop – customers: 1") == 2
    assert re.search(r"Autumn on Facebook +social +1 +100\.0 % +349\.00 NOK", printed)


def test_the_tutorial_leads_to_its_figures(tmp_path: Path) -> None:
    printed = run("docs/tutorial.md", tmp_path)
    assert re.search(r"Advent calendar on Facebook\s+1\s300\.00\s+1\s+1\s300\.00\s+1\s250\.00\s+[-−]4\s%", printed)
    assert re.search(r"Coupon in the Friday paper +300\.00 +1 +300\.00 +349\.00 +16 %", printed)
    assert "no touch seen" in printed
    page = (tmp_path / "my-shop" / "report.html").read_text("utf-8")
    assert "Lønte det seg?" in page
    assert "1 300,00" in page


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
)
def test_the_files_that_a_page_links_to_are_there(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (folder / link).exists()]
    assert not missing
