"""Removal effects: worked examples, and against the definition, campaign by campaign in exact fractions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.attribution.markov import (
    MAX_CAMPAIGNS,
    OUTSIDE,
    Transition,
    UnsolvableError,
    credit,
    finished,
    removal_effects,
)

Path = tuple[str, bool]  # campaigns, a letter each; whether it converted
WORKED = [("123", True), ("1", False), ("23", False)]


def transitions(paths: Iterable[Path]) -> list[Transition]:
    converted, ended = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for path, converts in paths:
        (converted if converts else ended).update(pairwise([OUTSIDE, *path, OUTSIDE]))
    return [Transition(*pair, converted[pair], ended[pair]) for pair in converted.keys() | ended.keys()]


def probability(paths: Sequence[Path], removed: str = "-") -> Fraction:
    """That a walk through the chain converts, which ends where `removed` would have come; by elimination."""
    out: dict[str, Counter[str]] = {}
    for path, converts in paths:
        for source, target in pairwise([OUTSIDE, *path, "conversion" if converts else "nowhere"]):
            out.setdefault(source, Counter())["nowhere" if target == removed else target] += 1
    goes = {s: {t: Fraction(n, targets.total()) for t, n in targets.items()} for s, targets in out.items()}
    for gone in [state for state in goes if state != OUTSIDE]:
        leaves = goes.pop(gone)
        stays = leaves.pop(gone, Fraction(0))
        for targets in goes.values():
            enters = targets.pop(gone, Fraction(0))
            for target, share in leaves.items():
                targets[target] = targets.get(target, Fraction(0)) + enters * share / (1 - stays)
    return goes[OUTSIDE].get("conversion", Fraction(0))


def test_the_worked_example() -> None:
    effects = removal_effects(transitions(WORKED))
    assert effects == pytest.approx({"1": 0.5, "2": 1, "3": 1})
    assert credit(1_000_000, effects) == {"1": 200_000, "2": 400_000, "3": 400_000}


def test_one_campaign_has_it_all() -> None:
    assert removal_effects(transitions([("1", True), ("1", False)])) == {"1": 1}
    assert credit(7, {"1": 1.0}) == {"1": 7}


def test_independent_campaigns_have_their_conversions() -> None:
    effects = removal_effects(transitions([("1", True)] * 3 + [("2", True)] + [("2", False)] * 5))
    assert effects == pytest.approx({"1": 0.75, "2": 0.25})


def test_what_is_in_no_converting_journey_has_nothing_though_the_chain_goes_through_it() -> None:
    paths = [("12", True), ("1", True), ("132", False)]
    assert 1 - probability(paths, "3") / probability(paths) > 0
    assert removal_effects(transitions(paths))["3"] == 0


def test_without_conversions_or_journeys_nobody_has_anything() -> None:
    assert removal_effects(transitions([("12", False)])) == {"1": 0, "2": 0}
    assert removal_effects([]) == {}
    assert credit(1_000_000, {"1": 0.0}) == {}
    assert credit(1_000_000, {}) == {}


def test_a_chain_without_a_way_out_is_an_error_that_says_where() -> None:
    endless = [*transitions(WORKED), Transition("3", "4", 0, 1), Transition("4", "5", 0, 2), Transition("5", "5", 0, 2)]
    with pytest.raises(UnsolvableError, match="no journey that came to 4, 5 has ended yet; wait until one has"):
        removal_effects(endless)
    assert removal_effects(finished(endless)) == removal_effects(transitions(WORKED))


def test_too_many_campaigns_are_an_error_that_says_what_to_do() -> None:
    many = [Transition(OUTSIDE, f"c{n}", 1, 0) for n in range(MAX_CAMPAIGNS + 1)]
    with pytest.raises(UnsolvableError, match="2001 campaigns are more than the 2000 that"):
        removal_effects(many)


paths = st.lists(st.tuples(st.text("12345", min_size=1, max_size=6), st.booleans()), min_size=1, max_size=12)


@given(paths)
def test_they_are_what_their_definition_says(journeys: list[Path]) -> None:
    converting = {campaign for path, converts in journeys if converts for campaign in path}
    whole = probability(journeys)
    wanted = {
        campaign: float(1 - probability(journeys, campaign) / whole) if campaign in converting else 0
        for campaign in {campaign for path, _ in journeys for campaign in path}
    }
    assert removal_effects(transitions(journeys)) == pytest.approx(wanted, abs=1e-9)


@given(paths)
def test_repeats_collapsed_or_not_give_the_same(journeys: list[Path]) -> None:
    collapsed = [("".join(campaign for campaign, _ in groupby(path)), converts) for path, converts in journeys]
    whole, short = (removal_effects(transitions(each)) for each in (journeys, collapsed))
    assert whole == pytest.approx(short, abs=1e-9)


@given(paths, st.randoms(use_true_random=False))
def test_the_order_of_what_is_counted_changes_nothing(journeys: list[Path], random: object) -> None:
    counts = transitions(journeys)
    shuffled = sorted(counts, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert removal_effects(shuffled) == removal_effects(counts)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8), st.integers(0, 10**18 - 1))
def test_credit_adds_up_exactly_and_follows_the_effects(effects: dict[str, float], total: int) -> None:
    shares = credit(total, effects)
    weights = {name: round(effect * 10**9) for name, effect in effects.items()}
    assert sum(shares.values()) == (total if any(weights.values()) else 0)
    for name, share in shares.items():
        assert abs(share - Fraction(total * weights[name], sum(weights.values()))) < 1
