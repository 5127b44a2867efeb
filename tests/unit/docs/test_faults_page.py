"""`docs/operations/faults.md` says as many as the tests try."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.held_bytes import MOST_HELD
from tests.integration.collector.selling.shops import PATIENT
from tests.integration.embedded import test_embedded_limits as limits
from tests.integration.faults.records.test_poison import CHECKOUT, COPIES, ENGAGEMENT
from tests.integration.faults.test_collected import SLOW_S, STUCK_S
from tests.integration.views import test_views as views
from tests.integration.views.test_dashboards_by_hand import OF_EACH_GOAL
from tests.unit.config import test_brokers as brokers
from tests.unit.config import test_settings as settings

PAGE = (Path(__file__).parents[3] / "docs" / "operations" / "faults.md").read_text("utf-8")


def cases(test: Callable[..., Any]) -> int:
    """How many a test is given."""
    return len(test.pytestmark[0].args[1])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "tried"),
    [
        (r"(\d+) addresses", cases(settings.test_what_asks_for_more_than_plain_text_is_refused)),
        (r"and (\d+) halves", cases(brokers.test_half_a_configuration_is_refused)),
        (r"(\d+) schemes of Faust", cases(brokers.test_a_scheme_of_faust_is_told_what_to_set)),
        (r"of all panels (\d+) change", len(OF_EACH_GOAL)),
        (r"(\d+) courses", cases(views.test_a_goal_past_its_deadline_is_reached_or_missed)),
        (r"(\d+) compressions refused", len(limits.PACKERS)),
        (r"(\d+) kinds of statement refused", cases(limits.test_no_statement_reaches_outside)),
        (r"together more than (\d+) MiB", MOST_HELD >> 20),
        (r"under (\d+) published SDKs", len(PATIENT)),
        (r"each fsync takes ([\d.]+) s", SLOW_S),
        (r"then stuck \((\d+) s\)", STUCK_S),
        (r"bad records of (\d+) kinds", len(ENGAGEMENT | CHECKOUT)),
        (r"(\d+) among 8 000 good ones", COPIES * len(ENGAGEMENT | CHECKOUT)),
    ],
)
def test_the_page_says_how_many_are_tried(words: str, tried: float) -> None:
    assert re.findall(words, PAGE) == [str(tried)]
