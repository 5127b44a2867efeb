"""Why conversions are missing, and who lost them."""

from typing import Any

import pytest

from streams.core.detection.diagnosis import (
    EXPLAINED,
    ExpectedSeen,
    Pipeline,
    Span,
    beyond_usual,
    comparable,
    diagnose,
    losses,
)

WELL = Pipeline(unread=40, behind=1.5, dead_letters=0)
GOES_ON = ExpectedSeen(1000, 990)
SHOPS = {"web": ExpectedSeen(40, 21), "till": ExpectedSeen(20, 9)}
GOAL = ExpectedSeen(60, 30)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({}, "conversions"),
        ({"pipeline": Pipeline(unread=15, behind=60, dead_letters=0)}, "late"),
        ({"pipeline": Pipeline(unread=14, behind=600, dead_letters=0)}, "conversions"),
        ({"pipeline": Pipeline(unread=0, behind=600, dead_letters=0)}, "conversions"),
        ({"pipeline": Pipeline(unread=9000, behind=3, dead_letters=0)}, "conversions"),
        ({"pipeline": Pipeline(unread=0, behind=0, dead_letters=15)}, "refused"),
        ({"pipeline": Pipeline(unread=0, behind=0, dead_letters=3)}, "conversions"),
        ({"engagement": ExpectedSeen(1000, 0)}, "silence"),
        ({"engagement": ExpectedSeen(5, 0)}, "people"),
        ({"engagement": ExpectedSeen(1000, 520)}, "people"),
        ({"engagement": ExpectedSeen(1000, 700)}, "people"),
        ({"engagement": ExpectedSeen(1000, 800)}, "conversions"),
        ({"engagement": ExpectedSeen(1000, 1500)}, "conversions"),
        ({"engagement": ExpectedSeen(0, 0)}, "conversions"),
        ({"goal": ExpectedSeen(60, 0), "engagement": ExpectedSeen(1000, 500)}, "conversions"),
        ({"sources": {"web": ExpectedSeen(40, 0), "till": ExpectedSeen(20, 30)}}, "tag"),
        ({"sources": {"web": ExpectedSeen(6, 0), "till": ExpectedSeen(54, 30)}}, "conversions"),
        ({"sources": {"web": ExpectedSeen(10, 0), "till": ExpectedSeen(50, 30)}}, "conversions"),
        (
            {
                "sources": {"web": ExpectedSeen(40, 0), "till": ExpectedSeen(20, 9)},
                "engagement": ExpectedSeen(1000, 400),
            },
            "people",
        ),
    ],
)
def test_each_cause_is_told_from_the_others(changed: dict[str, Any], cause: str) -> None:
    facts = {"goal": GOAL, "pipeline": WELL, "engagement": GOES_ON, "sources": SHOPS, **changed}
    found = diagnose(**facts)
    assert found.cause == cause
    assert found.cause in EXPLAINED
    assert found.sources == (("web",) if cause == "tag" else ())


def test_all_sources_may_be_broken() -> None:
    found = diagnose(ExpectedSeen(60, 0), WELL, GOES_ON, {"web": ExpectedSeen(40, 0), "till": ExpectedSeen(20, 0)})
    assert found == ("tag", ("till", "web"))


def test_a_late_pipeline_goes_before_what_it_makes_look_broken() -> None:
    late = Pipeline(unread=100_000, behind=900, dead_letters=60)
    assert diagnose(ExpectedSeen(60, 0), late, ExpectedSeen(1000, 0), {"web": ExpectedSeen(60, 0)}).cause == "late"


def test_losses_are_named_by_size_and_chance_is_left_out() -> None:
    found = losses(100, {"autumn": 50, "paper": 30, "radio": 20}, {"autumn": 10, "paper": 15, "radio": 18})
    assert [loss.name for loss in found] == ["autumn", "paper"]
    assert [loss.missing for loss in found] == [40, 15]
    assert found[0].share == pytest.approx(40 / 57)


def test_a_campaign_that_gained_explains_nothing() -> None:
    found = losses(100, {"autumn": 1, "paper": 1}, {"paper": 90})
    assert [(loss.name, loss.missing, loss.share) for loss in found] == [("autumn", 50, 1)]


def test_without_a_past_nothing_is_explained() -> None:
    assert losses(100, {}, {"autumn": 3}) == []
    assert losses(100, {"autumn": 0}, {}) == []


def test_where_nothing_comes_the_smallest_sources_are_broken_too() -> None:
    assert diagnose(ExpectedSeen(8, 0), WELL, GOES_ON, {"web": ExpectedSeen(5, 0), "till": ExpectedSeen(3, 0)}) == (
        "tag",
        ("till", "web"),
    )


@pytest.mark.parametrize(
    ("span", "known", "days"),
    [
        ((50_000, 50_060), 0, [7, 14, 21, 28]),
        ((50_000, 50_060), 50_000 - 15 * 1440, [7, 14]),
        ((50_000, 50_060), 50_000 - 2 * 1440, [1, 2]),
        ((50_000, 50_000 + 8 * 1440), 0, [14, 21, 28]),
        ((50_000, 50_000 + 2 * 1440), 50_000 - 3 * 1440, [2, 3]),
    ],
)
def test_what_is_usual_is_shown_by_the_same_hours_before(span: Span, known: int, days: list[int]) -> None:
    assert comparable(span, known) == [(span[0] - day * 1440, span[1] - day * 1440) for day in days]


def test_what_is_usual_in_the_first_hours_is_shown_by_those() -> None:
    assert comparable((500, 560), 300) == [(440, 500)]
    assert comparable((500, 560), 480) == [(480, 500)]
    assert comparable((500, 560), 500) == []


def test_dead_letters_are_compared_with_those_before() -> None:
    totals = [(0, 10), (60, 16), (120, 82)]
    assert beyond_usual(totals, 60) == 60
    assert beyond_usual(totals, 100) == 60
    assert beyond_usual(totals, 130) == 0
    assert beyond_usual(totals[1:], 0) == 66
    assert beyond_usual([(0, 10), (60, 40), (120, 50)], 60) == 0
    assert beyond_usual([], 60) == 0
