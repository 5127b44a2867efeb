"""Who says to run `maalstrom topics grow` names the page that says how; the page shows what the command prints."""

import re
from pathlib import Path

from streams.core.events.topics import growing, journal_topic
from streams.kafka.topics import Layout, copartitioned

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations" / "grow.md").read_text("utf-8")


def test_what_a_worker_says_names_the_command_and_the_page() -> None:
    (named,) = re.findall(r"\((\S+) says how\)", growing(8))
    assert (ROOT / named).read_text("utf-8") == PAGE
    assert "`maalstrom topics grow 8`" in growing(8)


def test_the_page_shows_the_topics_in_the_order_in_which_they_grow() -> None:
    grown = copartitioned(Layout())[::-1]
    shown = re.findall(r"^   (\S+): 4 partitions, now 8$", PAGE, re.MULTILINE)
    assert shown == [grown[0], grown[1], grown[-1]]
    assert shown[0] == journal_topic(Layout().app_id)
