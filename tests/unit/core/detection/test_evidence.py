"""Evidence of a drop: the likelihood ratios as they are defined, and that chance keeps to the martingale."""

import math

import numpy as np
import pytest

from streams.core.columns.arrays import Mask
from streams.core.detection.evidence import DROPS, Evidence
from streams.core.detection.forecast import Forecast

ONE = np.ones(1, np.bool_)


def expecting(
    rate: float,
    certainty: float = 1e12,
    wander: float = 0.0,
    goals: int = 1,
    dispersion: float = 1.0,
    unrest: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Forecast:
    full = np.ones(goals)
    return Forecast(
        shape=np.ones((goals, 672)),
        level=full * rate,
        certainty=full * certainty,
        growth=full * 0,
        dispersion=full * dispersion,
        unrest=np.tile(unrest, (goals, 1)),
        wander=np.full((goals, 168), wander),
    )


EXPECTING = expecting(1.0)


def fed(counts: list[int], expectation: Forecast, known: Mask = ONE) -> Evidence:
    evidence = Evidence.none(1)
    for minute, count in enumerate(counts):
        evidence.add(minute, np.full(1, float(count)), known, expectation, ONE)
    return evidence


def defined(counts: list[int], rate: float, certainty: float) -> float:
    """The mean over drops of L, for one start, from the two marginal likelihoods (gamma-Poisson)."""
    n, due, a = sum(counts), rate * len(counts), certainty
    mean: float = sum((1 - drop) ** n * ((a + due) / (a + (1 - drop) * due)) ** (a + n) for drop in DROPS) / len(DROPS)
    return mean


@pytest.mark.parametrize("certainty", [0.5, 20, 1e9])
def test_a_ratio_is_that_of_the_counts_since_its_start(certainty: float) -> None:
    counts = [2, 0, 0, 1, 0]
    found = fed(counts, expecting(1.5, certainty)).ratios(EXPECTING)[0]
    expected = [defined(counts[start:], 1.5, certainty) for start in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_level_known_for_sure_gives_poisson_ratios() -> None:
    found = fed([1, 0, 0], expecting(2.0)).ratios(EXPECTING)[0, 0]
    assert found == pytest.approx(sum((1 - d) * math.exp(d * 6) for d in DROPS) / len(DROPS), rel=1e-6)


def test_an_unknown_level_is_no_evidence() -> None:
    np.testing.assert_allclose(fed([0] * 30, expecting(2.0, certainty=0)).ratios(EXPECTING), 1, atol=1e-5)


def test_a_level_that_wanders_proves_less() -> None:
    sure, unsure = (fed([0] * 9, expecting(2.0, 1e6, wander)).ratios(EXPECTING)[0, 0] for wander in (0, 0.05))
    assert 1 < unsure < sure / 10


def test_dispersed_counts_prove_less() -> None:
    evidence = fed([0] * 8, expecting(2.0))
    dispersed = evidence.ratios(expecting(2.0, dispersion=4.0))[0, 0]
    assert dispersed == pytest.approx(fed([0] * 2, expecting(2.0)).ratios(EXPECTING)[0, 0])


def test_a_rate_that_varies_from_hour_to_hour_proves_less_of_little_and_as_much_of_none() -> None:
    for counts, least, most in (([1] * 30, 0, 0.1), ([0] * 30, 1e4, 1)):
        evidence = fed(counts, expecting(2.0))
        sure, restless = (evidence.ratios(expecting(2.0, unrest=(0, of_hours, 0)))[0, 0] for of_hours in (0, 0.04))
        assert least < restless < most * sure


@pytest.mark.parametrize(("minutes", "as_one"), [(10, 0.08), (60, 0.04), (240, 0.03), (2880, 0.015)])
def test_the_restlessness_of_the_time_that_has_passed_counts(minutes: int, as_one: float) -> None:
    evidence = fed([1] * minutes, expecting(2.0))
    found = evidence.ratios(expecting(2.0, unrest=(0.08, 0.04, 0.03)))[0, 0]
    assert found == pytest.approx(fed([1] * minutes, expecting(2.0, 1 / as_one)).ratios(EXPECTING)[0, 0])


def test_what_is_not_known_proves_nothing() -> None:
    np.testing.assert_allclose(fed([0] * 30, expecting(2.0), known=~ONE).ratios(EXPECTING), 1)


def test_by_chance_the_evidence_is_the_number_of_minutes_on_average() -> None:
    goals, minutes = 4000, 12
    rng = np.random.default_rng(1)
    level = rng.gamma(30, 1 / 30, goals) * 0.4
    evidence, all_ = Evidence.none(goals), np.ones(goals, np.bool_)
    for minute in range(minutes):
        evidence.add(minute, rng.poisson(level).astype(float), all_, expecting(0.4, 30.0, goals=goals), all_)
    total = (evidence.ratios(expecting(0.4, goals=goals)) * evidence.weight).sum(1)
    assert total.mean() == pytest.approx(minutes, abs=4 * total.std() / math.sqrt(goals))
    assert total.std() / math.sqrt(goals) < 0.5


def test_starts_stand_for_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.core.detection.evidence.MAX_DELAY", 2000)
    evidence = Evidence.none(1)
    for minute in range(3000):
        evidence.add(minute, np.zeros(1), ONE, expecting(0.001), ONE)
        evidence.thin()
    age = 2999 - evidence.born
    assert len(age) < 80
    assert (np.diff(evidence.born) <= np.maximum(age[:-1] / 8, 1)).all()
    assert evidence.weight.sum() == pytest.approx(age[0] + 1, rel=0.01)
    assert 1700 < age[0] < 2000


def test_forgotten_starts_count_no_more_and_new_ones_do() -> None:
    evidence = fed([0] * 20, expecting(2.0))
    evidence.forget(0)
    evidence.add(20, np.zeros(1), ONE, expecting(2.0), ONE)
    for _ in range(15):
        evidence.thin()
    assert evidence.weight.sum() == 1
    assert evidence.likeliest(0, evidence.ratios(EXPECTING)) == (20, 0, 2)
