"""What the eye finds in the first screen of 1440 x 900, in both languages: text that is in the window, is painted above
all else at its place, and is not clipped."""

from __future__ import annotations

import re

import pytest

from tests.e2e.stage import Stage

# Every text whose middle is what a click there would meet, with the title of its panel.
SEEN = r"""(() => {
  const clipped = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const { right, bottom } = range.getBoundingClientRect();
    for (let around = node.parentElement; around; around = around.parentElement) {
      const edge = around.getBoundingClientRect();
      const cut = bottom > edge.bottom + 1 || right > edge.right + 1;
      if (cut && getComputedStyle(around).overflow !== 'visible') return true;
    }
    return false;
  };
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, text = node.textContent.trim(), range = document.createRange();
    if (!text) continue;
    range.selectNodeContents(node);
    const { left, right, top, bottom, width } = range.getBoundingClientRect();
    const met = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const whole = width > 0 && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight && !clipped(node);
    if (!whole || !met || !(met.contains(node) || node.parentElement.contains(met))) continue;
    const panel = node.parentElement.closest('section')?.querySelector('h2')?.textContent ?? '';
    found.push([panel, text.replace(/[\u202f\u00a0]/g, ' ').replace(/\u2212/g, '-')]);
  }
  return found;
})()"""
ANSWERS = {
    "": {
        "did it pay?": ("Did it pay, in the time shown", r"^-?\d+ %$"),
        "which channels brought it?": ("Did it pay, by channel", r"^newspaper$"),
        "how far are we?": ("How far are we", r"^(reached|on course|a little behind|behind|missed)$"),
        "what changed, and why?": ("What changed since the period before", r"\(volume\)$"),
        "what should I look at this week?": ("What to look at this week", r"next conversion$|^Goal will be missed"),
        "is something broken now?": ("What is broken now", r"\b(well|broken|late)$"),
    },
    "-nb": {
        "did it pay?": ("Lønte det seg, i perioden", r"^-?\d+ %$"),
        "which channels brought it?": ("Lønte det seg, etter kanal", r"^newspaper$"),
        "how far are we?": ("Hvor langt er vi kommet", r"^(nådd|i rute|litt bak|bak|ikke nådd)"),
        "what changed, and why?": ("Hva endret seg", r"\(volum\)$"),
        "what should I look at this week?": ("Hva en bør se på denne uken", r"neste konvertering$|^Målet nås ikke"),
        "is something broken now?": ("Hva som er i stykker nå", r"(i orden|i stykker|sen)$"),
    },
}


def seen(stage: Stage, language: str) -> list[tuple[str, str]]:
    stage.open(f"/d/maalstrom-overview{language}?from=now-30d&to=now&refresh=")
    return [(panel, text) for panel, text in stage.script(SEEN)]


@pytest.mark.parametrize("language", ANSWERS, ids=["en", "nb"])
def test_six_people_see_their_answers_in_the_first_screen(stage: Stage, language: str) -> None:
    found = seen(stage, language)
    for question, (title, answer) in ANSWERS[language].items():
        texts = [text for panel, text in found if panel.startswith(title)]
        assert any(re.search(answer, text) for text in texts), (question, texts)


def test_until_when_there_is_data_is_seen_whole_in_both_languages(stage: Stage) -> None:
    for language, title in (("", "Data until"), ("-nb", "Data til og med")):
        texts = [text for panel, text in seen(stage, language) if panel == title]
        assert sum(bool(re.match(r"^[\d.,]+ (s|min|h|t|d)", text)) for text in texts) == 2, texts


def test_a_dashboard_in_norwegian_is_norwegian_around_it_too(stage: Stage) -> None:
    texts = {text for panel, text in seen(stage, "-nb") if not panel}
    assert {"Tid", "Oppdater", "Alle", "English"} <= texts
    assert not {"Time", "Refresh", "All", "Norsk"} & texts
    stage.script("document.querySelector('#languages a').click()")
    stage.until("location.pathname === '/d/maalstrom-overview' && document.documentElement.lang === 'en'")
