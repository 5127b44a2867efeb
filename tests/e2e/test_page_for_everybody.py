"""The page against WCAG 2.2 AA, as far as a program can tell: axe-core in a real browser, in both themes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CI
from tests.e2e.stage import DASHBOARDS, Stage

PINNED = Path(__file__).parent / "axe" / "package.json"
_NPM = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# With everything open that can be: explanations, a chart as a table, the choice of several values.
OPEN = """document.querySelectorAll('details').forEach((d) => (d.open = true));
document.querySelector('section.timeseries .head .quiet')?.click();"""
# Rows of a table are like each other: the first ones stand for all, or it takes a minute.
RUN = """axe.run(
  { exclude: [['tbody tr:nth-child(n+4)'], ['.bars li:nth-child(n+4)']] },
  { runOnly: RULES, resultTypes: ['violations'] }
).then(({ violations }) =>
  violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`))"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, installed once into a cache outside the tree. Skips where it is not to be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maalstrom-tests"
    folder = cache / f"axe-{hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "node_modules/axe-core/axe.min.js"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            _install(folder)
    return script.read_text("utf-8")


def _install(folder: Path) -> None:
    shutil.copy(PINNED, folder)
    try:
        subprocess.run(_NPM, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()[-300:]
        assert not CI, f"axe-core could not be installed: {said}"
        pytest.skip(f"no registry here has axe-core, and no cache either: {said}")


@pytest.mark.parametrize("name", [*DASHBOARDS, *(f"{name}-nb" for name in DASHBOARDS if name != "pipeline")])
def test_nobody_is_shut_out(stage: Stage, axe: str, name: str) -> None:
    """Every rule in the light theme; in the dark one, where only colours differ, contrast."""
    stage.runner.run(stage.tab.theme("light"))
    stage.open(f"/d/maalstrom-{name}?from=now-20d&to=now&refresh=")
    stage.script(OPEN)
    stage.script(f"{axe};1")
    assert stage.script(RUN.replace("RULES", json.dumps(RULES))) == []
    stage.runner.run(stage.tab.theme("dark"))
    stage.until("document.documentElement.dataset.theme === 'dark'")
    assert stage.script(RUN.replace("RULES", '["color-contrast"]')) == []
    stage.runner.run(stage.tab.theme("light"))


def test_every_control_is_reached_by_the_keyboard_and_is_seen_to_be(stage: Stage) -> None:
    stage.open("/d/maalstrom-overview")
    wanted = stage.script(
        "document.querySelectorAll('main button, main a, header a, header button, header select').length"
    )
    seen = set()
    for _ in range(wanted + 20):
        stage.press("Tab")
        seen.add(stage.script("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        outlined = "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle"
        assert stage.script(outlined) not in ("none", "")
    assert len(seen) >= wanted
