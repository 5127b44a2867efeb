"""Credit: the worked examples of every model, and sums that are exact whatever is shared."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.attribution.models import MODELS, WHOLE, Journeys, split
from streams.core.parsing.units import LARGEST
from tests.oracle.credit import split as split_by_fractions
from tests.support.messages import DAY, HOUR

WEEK = 7 * DAY


def journeys(*paths: Sequence[str], ages: Sequence[Sequence[int]] | None = None, clicks: str = "") -> Journeys:
    """Journeys whose touches are named by their campaigns; those in `clicks` are clicks."""
    names = [name for path in paths for name in path]
    starts = np.concatenate(([0], np.cumsum([len(path) for path in paths])))
    age = [a for each in ages for a in each] if ages else [0] * len(names)
    campaign = np.unique(names, return_inverse=True)[1]
    return Journeys(starts, np.array(age, np.int64), np.array([n in clicks for n in names]), campaign)


def credit(model: str, some: Journeys, total: int = WHOLE) -> list[list[int]]:
    parts = split(np.full(len(some.starts) - 1, total), MODELS[model](some), some)
    return [part.tolist() for part in np.split(parts, some.starts[1:-1])]


def by_campaign(model: str, *paths: tuple[Sequence[str], int]) -> dict[str, float]:
    """Conversions of each campaign when each path converts so many times."""
    every = [path for path, times in paths for _ in range(times)]
    sums: dict[str, float] = {}
    for path, parts in zip(every, credit(model, journeys(*every)), strict=True):
        for name, part in zip(path, parts, strict=True):
            sums[name] = sums.get(name, 0) + part / WHOLE
    return sums


PATHS = ((["direct"], 2), (["search", "email"], 3), (["search", "social", "email"], 5))


def test_linear_over_the_paths_of_the_worked_example() -> None:
    wanted = {"direct": 2, "search": 19 / 6, "email": 19 / 6, "social": 5 / 3}
    assert by_campaign("linear", *PATHS) == pytest.approx(wanted, abs=1e-5)


def test_position_over_the_paths_of_the_worked_example() -> None:
    assert by_campaign("position", *PATHS) == pytest.approx({"direct": 2, "search": 3.5, "email": 3.5, "social": 1})


def test_five_touches_by_position() -> None:
    ((*parts,),) = credit("position", journeys("abcde"))
    assert parts == [400_000, 66_667, 66_667, 66_666, 400_000]


def test_time_decay_of_the_worked_example() -> None:
    some = journeys("abcdef", ages=[[day * DAY for day in (30, 24, 18, 12, 6, 0)]])
    ((*parts,),) = credit("time_decay", some, total=200 * WHOLE)
    assert [round(part / WHOLE, 2) for part in parts] == [4.73, 8.56, 15.51, 28.10, 50.90, 92.20]


@pytest.mark.parametrize(
    ("model", "path", "wanted"),
    [
        ("first", "abc", [1, 0, 0]),
        ("last", "abc", [0, 0, 1]),
        ("last_click", "abc", [0, 0, 1]),  # no click: as last
        ("last_click", "aCb", [0, 1, 0]),
        ("last_click", "CbC", [0, 0, 1]),
        ("position", "a", [1]),
        ("position", "ab", ["1/2", "1/2"]),
        ("position", "abc", ["2/5", "1/5", "2/5"]),
        ("shapley", "a", [1]),
        ("shapley", "aab", ["1/4", "1/4", "1/2"]),
        ("shapley", "abab", ["1/4", "1/4", "1/4", "1/4"]),
        ("linear", "aaaa", ["1/4", "1/4", "1/4", "1/4"]),
        ("time_decay", "ab", ["1/2", "1/2"]),
    ],
)
def test_shares_of_one_journey(model: str, path: str, wanted: list[str | int]) -> None:
    ((*parts,),) = credit(model, journeys(path, clicks="C"))
    assert parts == [WHOLE * Fraction(share) for share in wanted]


def test_what_is_left_over_goes_to_the_largest_remainders_and_ties_to_the_earlier() -> None:
    assert credit("linear", journeys("abc")) == [[333_334, 333_333, 333_333]]
    assert credit("linear", journeys("abc"), total=2) == [[1, 1, 0]]
    assert credit("position", journeys("abc"), total=1) == [[1, 0, 0]]
    assert credit("position", journeys("abcd"), total=2) == [[1, 0, 0, 1]]


def test_time_decay_ties_where_ages_are_whole_weeks_apart() -> None:
    some = journeys("abc", ages=[[WEEK, WEEK, 0]])  # weights 1, 1 and 2
    assert credit("time_decay", some, total=4) == [[1, 1, 2]]
    assert credit("time_decay", some, total=2) == [[1, 0, 1]]
    twins = journeys("abcd", ages=[[3 * WEEK, 2 * WEEK, 2 * WEEK, 0]])  # 1, 2, 2 and 8 of 13
    assert credit("time_decay", twins, total=13) == [[1, 2, 2, 8]]
    assert credit("time_decay", twins, total=26_000_013) == [[2_000_001, 4_000_002, 4_000_002, 16_000_008]]


def test_time_decay_of_touches_at_one_time_is_the_same() -> None:
    some = journeys("abcd", ages=[[5 * HOUR + 1] * 3 + [0]])
    ((*parts,),) = credit("time_decay", some, total=LARGEST)
    assert max(parts[:3]) - min(parts[:3]) <= 1
    assert parts[:3] == sorted(parts[:3], reverse=True)


def test_a_touch_of_a_hundred_years_ago_decays_to_nothing_and_hurts_nobody() -> None:
    some = journeys("ab", ages=[[36_500 * DAY, 0]])
    assert credit("time_decay", some) == [[0, WHOLE]]


def test_journeys_do_not_touch_each_other() -> None:
    some = journeys("abc", "a", "ba", clicks="b")
    for model in MODELS:
        apart = [credit(model, journeys(path, clicks="b"))[0] for path in ("abc", "a", "ba")]
        assert credit(model, some) == apart


def test_no_journeys_have_no_credit() -> None:
    nothing = Journeys(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64))
    for shares in (MODELS["first"], MODELS["linear"], MODELS["position"]):
        assert split(np.zeros(0, np.int64), shares(nothing), nothing).tolist() == []


PATH = st.lists(st.tuples(st.sampled_from("aabC"), st.integers(0, 4 * WEEK) | st.integers(0, 4).map(WEEK.__mul__)))
TOTAL = st.integers(0, LARGEST) | st.integers(0, 9) | st.sampled_from((WHOLE, LARGEST))


@given(st.lists(st.tuples(PATH.filter(bool), TOTAL), min_size=1), st.sampled_from(list(MODELS)))
def test_every_model_shares_exactly_everything(cases: list[tuple[list[tuple[str, int]], int]], model: str) -> None:
    paths = [sorted(path, key=lambda touch: -touch[1]) for path, _ in cases]
    some = journeys(*([n for n, _ in p] for p in paths), ages=[[a for _, a in p] for p in paths], clicks="C")
    shares = MODELS[model](some)
    parts = np.split(split(np.array([total for _, total in cases]), shares, some), some.starts[1:-1])
    exact = [Fraction(int(n), int(d)) for n, d in zip(*shares, strict=True)]
    for i, (part, (_, total)) in enumerate(zip(parts, cases, strict=True)):
        mine = exact[some.starts[i] : some.starts[i + 1]]
        assert sum(mine) == 1
        assert sum(part.tolist()) == total
        if model != "time_decay":
            assert part.tolist() == split_by_fractions(total, mine)


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("total", [LARGEST, LARGEST - 1, WHOLE, 1])
def test_the_longest_journey_is_shared_exactly(model: str, total: int) -> None:
    path = [f"{i % 7}" if i % 5 else "C" for i in range(1001)]
    some = journeys(path, ages=[[(1000 - i) * 600_011 for i in range(1001)]], clicks="C")
    ((*parts,),) = credit(model, some, total)
    assert sum(parts) == total
    assert min(parts) >= 0
