"""`maalstrom report --format html` as a browser shows it, on a sheet of A4."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import simulate
from tests.e2e.commands import Month, embedded, maalstrom, ok
from tests.e2e.stage import Stage

SHEET = 182 * 96 // 25  # px: A4 without its margins
# Words of tables that stand on more than one line.
BROKEN = r"""(() => {
  const found = [], walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.parentElement.closest('table')) continue;
    for (const { 0: word, index } of node.textContent.matchAll(/[^\s\u202f\u00a0-]+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) found.push(word);
    }
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A month with costs of some campaigns, a holdout and a list of members."""
    folder = tmp_path_factory.mktemp("report")
    env = {"MAALSTROM_CLICKHOUSE": embedded(folder / "clickhouse"), "MAALSTROM_TOKEN_KEY": "sixteen letters!"}
    ok(maalstrom("simulate", folder, "--events", "6000", "--holdout", "0.1", env=env))
    costs = folder / "costs.ndjson"
    costs.write_bytes(b"".join(cost.value + b"\n" for cost in simulate.costs(simulate.Scenario())))
    members = folder / "members.txt"
    members.write_text("".join(f"user-{number:07d}\n" for number in range(0, 20_000, 3)), "utf-8")
    ok(maalstrom("audience", "import", "Members", members, env=env))
    ok(maalstrom("replay", *Month(folder).arguments, "--costs", costs, env=env))
    return env["MAALSTROM_CLICKHOUSE"]


@pytest.mark.parametrize("language", ["en", "nb"])
def test_no_word_is_broken_and_nothing_is_wider_than_the_sheet(
    stage: Stage, dsn: str, language: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(ok(maalstrom("report", "--format", "html", "--lang", language, "--clickhouse", dsn)).out, "utf-8")
    stage.runner.run(stage.tab.size(SHEET, 1000))
    stage.runner.run(stage.tab.go(page.as_uri()))
    stage.until("location.protocol === 'file:' && document.querySelectorAll('main table').length > 3")
    assert "Members" in stage.script("document.querySelector('main').textContent")
    assert stage.script(BROKEN) == []
    assert stage.script("document.documentElement.scrollWidth") == SHEET
    bars = stage.script("[...document.querySelectorAll('svg text')].map((e) => e.textContent)")
    assert [text for text in bars if text in ("0.00 NOK", "0,00 NOK")] == [], "what no cost is known of has no bar"
