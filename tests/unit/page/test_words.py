"""The page's own words: every one has its translation, and none is translated in vain."""

import re
from importlib import resources

from streams.page.answers import NO_WORKER
from streams.page.metrics_frame import ELSEWHERE
from streams.page.reader import NO_TABLES, TOO_MUCH

STATIC = resources.files("streams.page") / "static"
SCRIPTS = {
    name: (STATIC / name).read_text("utf-8")
    for name in (
        *("main.js", "controls.js", "data/compare.js", "data/csv.js", "data/units.js"),
        *("panels/bargauge.js", "panels/chart.js", "panels/panels.js", "panels/series.js", "panels/stat.js"),
        "panels/table.js",
    )
}
HTML = (STATIC / "index.html").read_text("utf-8")
NB = re.search(r"const NB = \{(.*?)\n\};", (STATIC / "data/words.js").read_text("utf-8"), re.DOTALL)
TABLE = dict(re.findall(r'"((?:[^"\\]|\\.)*)":\s*"((?:[^"\\]|\\.)*)"', NB[1] if NB else ""))


def used() -> set[str]:
    said = {text for script in SCRIPTS.values() for text in re.findall(r'\bsay\("([^"]+)"\)', script)}
    controls = SCRIPTS["controls.js"]
    listed = re.findall(r'\["(?:now[^"]*|custom|)", "([^"]+)"\]', controls) + re.findall(r'"(Theme: [^"]+)"', controls)
    labels = re.findall(r'labelled\("([^"]+)"', controls) + re.findall(r'aria-label="([^"]+)"', HTML)
    nothing = re.findall(r'const (?:NOTHING|AWAY) = "([^"]+)"', SCRIPTS["main.js"])
    return said.union(
        listed,
        labels,
        nothing,
        (NO_TABLES, *TOO_MUCH.values()),
        {"To the figures", "Log out", "h", NO_WORKER, ELSEWHERE, "good", "take note", "bad", "billion", "million"},
    )


def test_every_text_of_the_page_is_translated_and_none_is_left_over() -> None:
    assert used() - set(TABLE) == set()
    assert set(TABLE) - used() == set()


def test_a_translation_is_not_the_english_text() -> None:
    assert [text for text, said in TABLE.items() if text == said] == []
