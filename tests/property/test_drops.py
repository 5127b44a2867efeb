"""A watch keeps to what it promises, whatever is counted."""

from copy import deepcopy

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.detector import DropDetector

BEGIN = 20_000 * 1440 + 1380


@st.composite
def series(draw: st.DrawFn) -> tuple[F64, Mask, int]:
    """Counts (goals, minutes) with stops and rushes, which minutes are known, and how many are learnt at once."""
    goals, minutes = draw(st.integers(1, 3)), draw(st.integers(1, 400))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    rate = rng.choice([0.0, 0.02, 1.0, 30.0, 5000.0], goals)
    runs = rng.choice([0.0, 0.5, 1.0, 1.0, 1.0, 9.0], (goals, minutes // 60 + 1)).repeat(60, axis=1)[:, :minutes]
    counts = rng.poisson(rate[:, None] * runs).astype(float)
    return counts, rng.random((goals, minutes)) < draw(st.sampled_from([1, 0.98, 0.3])), draw(st.integers(0, minutes))


def fed(counts: F64, known: Mask, learnt: int) -> DropDetector:
    """A watch after all of that, having seen to its promises minute by minute."""
    watch = DropDetector.after(BEGIN, counts[:, :learnt], known[:, :learnt])
    for at in range(learnt, counts.shape[1]):
        watch.add(counts[:, at], known[:, at])
        keeps_its_promises(watch)
    return watch


def keeps_its_promises(watch: DropDetector) -> None:
    assert ((watch.probability >= 0) & (watch.probability <= 1)).all()
    assert (np.isfinite(watch.expected) & (watch.expected >= 0)).all()
    assert np.array_equal(
        watch.alarms.on, [goal in {drop.goal for drop in watch.drops} for goal in range(len(watch.expected))]
    )
    for drop in watch.drops:
        assert BEGIN <= drop.since <= drop.raised < watch.minute
        assert watch.probability[drop.goal] > 0 if drop.raised < watch.minute - 1 else drop.seen < drop.expected


def outcome(watch: DropDetector) -> tuple[F64, F64, NDArray[np.int64]]:
    return watch.probability, watch.expected, watch.alarms.since


@settings(max_examples=30, deadline=None)
@given(series())
def test_goals_in_another_order_have_the_same_drops(given_: tuple[F64, Mask, int]) -> None:
    counts, known, learnt = given_
    straight, turned = fed(counts, known, learnt), fed(counts[::-1], known[::-1], learnt)
    for one, other in zip(outcome(straight), outcome(turned), strict=True):
        np.testing.assert_allclose(one, other[::-1], rtol=1e-6, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(series())
def test_what_is_not_known_does_not_matter(given_: tuple[F64, Mask, int]) -> None:
    counts, known, learnt = given_
    one, other = fed(counts, known, learnt), fed(np.where(known, counts, 777), known, learnt)
    for mine, theirs in zip(outcome(one), outcome(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=20, deadline=None)
@given(series(), st.integers(0, 400))
def test_a_copy_goes_on_as_the_original(given_: tuple[F64, Mask, int], cut: int) -> None:
    counts, known, learnt = given_
    cut = min(max(cut, learnt), counts.shape[1])
    whole = fed(counts, known, learnt)
    copied = deepcopy(fed(counts[:, :cut], known[:, :cut], learnt))
    for at in range(cut, counts.shape[1]):
        copied.add(counts[:, at], known[:, at])
    for one, other in zip(outcome(whole), outcome(copied), strict=True):
        np.testing.assert_array_equal(one, other)
