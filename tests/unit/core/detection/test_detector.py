"""A watch on goals: what raises an alarm, what ends it, and what does neither."""

import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.core.detection.detector import FALSE_ALARM, PATIENCE, DropDetector
from streams.core.detection.history import DAY

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
BEGIN = 20_000 * DAY
WEEKS = 14 * DAY
HOUR = 60


def rhythm(minutes: int) -> F64:
    return np.asarray(1 + 0.8 * np.sin(np.arange(minutes) / DAY * 2 * np.pi))


def simulated(hourly: float, minutes: int, seed: int = 1) -> F64:
    """Counts (1, minutes) of a goal with so many conversions an hour, by day and night."""
    return np.random.default_rng(seed).poisson(rhythm(minutes) * hourly / 60)[None].astype(float)


def learnt(counts: F64, until: int = WEEKS, first: int = BEGIN) -> DropDetector:
    return DropDetector.after(first, counts[:, :until], np.ones((len(counts), until), np.bool_))


def fed(watch: DropDetector, counts: F64, known: bool = True) -> I64:
    """Feed counts (goals, minutes); the minutes from the first in which an alarm was on, by goal (-1: never)."""
    begun = np.full(len(counts), -1)
    for at in range(counts.shape[1]):
        watch.add(counts[:, at], np.full(len(counts), known))
        begun[(begun < 0) & watch.alarms.on] = at
    return begun


def fallen(counts: F64, start: int, share: float) -> F64:
    after = np.random.default_rng(9).binomial(counts[:, start:].astype(int), 1 - share)
    return np.concatenate([counts[:, :start], after], axis=1)


@pytest.mark.parametrize(("share", "soonest", "latest"), [(1.0, 5, 25), (0.5, 20, 160)])
def test_a_drop_is_noticed_and_dated(share: float, soonest: int, latest: int) -> None:
    start = WEEKS + 2 * HOUR
    counts = fallen(simulated(60, WEEKS + 8 * HOUR), start, share)
    watch = learnt(counts)
    minute = BEGIN + WEEKS
    while not watch.drops:
        watch.add(counts[:, minute - BEGIN], np.ones(1, np.bool_))
        minute += 1
    (drop,) = watch.drops
    assert soonest <= drop.raised - BEGIN - start + 1 <= latest
    assert abs(drop.since - BEGIN - start) <= 40
    assert drop.goal == 0
    assert drop.seen == counts[0, drop.since - BEGIN : drop.raised - BEGIN + 1].sum()
    assert drop.expected == pytest.approx(
        rhythm(WEEKS * 2)[drop.since - BEGIN : drop.raised - BEGIN + 1].sum(), rel=0.1
    )
    assert watch.probability[0] > 0.5
    assert watch.history.alarmed.sum() == drop.raised // 15 - drop.since // 15 + 1


def expected_of_seen(watch: DropDetector) -> F64:
    """The ratio for the starts (of the only goal) that stand for something and have seen enough to tell."""
    facts = watch.evidence.facts[:, 0, (watch.evidence.weight[0] > 0) & (watch.evidence.facts[1, 0] > 3000)]
    return np.asarray(facts[2] / facts[1])


def test_growth_goes_on_for_starts_long_ago() -> None:
    grown = np.exp(0.1 * np.arange(36 * DAY) / DAY)
    counts = np.random.default_rng(1).poisson(grown * rhythm(36 * DAY))[None].astype(float)
    watch = learnt(counts, 34 * DAY)
    fed(watch, counts[:, 34 * DAY :])
    assert expected_of_seen(watch)[0] == pytest.approx(1, abs=0.05)


def test_a_rhythm_learnt_meanwhile_does_not_change_what_starts_expect() -> None:
    counts = np.random.default_rng(1).poisson(rhythm(3 * DAY) * 30)[None].astype(float)
    watch = DropDetector.begin(1, BEGIN)
    fed(watch, counts[:, :DAY])
    fed(watch, counts[:, DAY:])
    np.testing.assert_allclose(expected_of_seen(watch)[1:], 1, atol=0.15)


def test_a_usual_week_is_no_drop() -> None:
    counts = simulated(60, WEEKS + 3 * DAY)
    watch = learnt(counts)
    assert fed(watch, counts[:, WEEKS:]) == [-1]
    assert watch.probability[0] < 0.1
    assert watch.expected[0] == pytest.approx(rhythm(1)[0], rel=0.15)


def test_a_shop_that_closes_at_night_is_no_drop() -> None:
    open_ = (np.arange(WEEKS + 3 * DAY) % DAY >= 7 * HOUR) & (np.arange(WEEKS + 3 * DAY) % DAY < 23 * HOUR)
    counts = np.random.default_rng(1).poisson(open_ * 10.0)[None].astype(float)
    assert fed(learnt(counts), counts[:, WEEKS:]) == [-1]


def test_the_first_night_of_a_campaign_is_no_drop_and_its_end_in_the_first_hours_is() -> None:
    counts = simulated(600, 2 * DAY)
    watch = DropDetector.begin(1, BEGIN)
    assert fed(watch, counts) == [-1]
    stopped = fallen(counts, 4 * HOUR, 1.0)
    assert 4 * HOUR <= fed(DropDetector.begin(1, BEGIN), stopped[:, : 8 * HOUR])[0] <= 6 * HOUR


def test_a_rush_and_its_end_are_no_drop() -> None:
    counts = simulated(60, WEEKS + DAY)
    counts[:, WEEKS + 5 * HOUR : WEEKS + 7 * HOUR] *= 6
    assert fed(learnt(counts), counts[:, WEEKS:]) == [-1]


def test_minutes_that_are_not_known_are_no_drop() -> None:
    counts = simulated(600, WEEKS + 3 * HOUR)
    watch = learnt(counts)
    assert fed(watch, np.zeros((1, 6 * HOUR)), known=False) == [-1]
    assert watch.probability[0] < 0.01


def test_an_alarm_ends_soon_after_counts_are_back_and_can_come_again() -> None:
    counts = simulated(60, WEEKS + DAY)
    down, again = slice(WEEKS + 2 * HOUR, WEEKS + 5 * HOUR), slice(WEEKS + 8 * HOUR, WEEKS + 10 * HOUR)
    counts[:, down] = counts[:, again] = 0
    watch = learnt(counts)
    on = []
    for at in range(WEEKS, WEEKS + 10 * HOUR):
        watch.add(counts[:, at], np.ones(1, np.bool_))
        on.append(bool(watch.drops))
    changes = np.flatnonzero(np.diff(on)) / HOUR
    assert changes == pytest.approx([2.1, 5.2, 8.1], abs=0.25)
    assert watch.drops[0].since >= BEGIN + WEEKS + 7.5 * HOUR
    assert watch.expectation.level[0] == pytest.approx(1, rel=0.1)


def test_a_drop_that_lasts_is_the_new_normal() -> None:
    counts = fallen(simulated(60, WEEKS + PATIENCE + 2 * DAY), WEEKS, 0.7)
    watch = learnt(counts)
    assert fed(watch, counts[:, WEEKS : WEEKS + DAY])[0] > 0
    assert watch.expectation.level[0] == pytest.approx(1, rel=0.1)
    fed(watch, counts[:, WEEKS + DAY : WEEKS + PATIENCE + DAY])
    assert watch.drops == []
    fed(watch, counts[:, WEEKS + PATIENCE + DAY :])
    assert watch.drops == []
    assert watch.expectation.level[0] == pytest.approx(0.3, rel=0.15)


def test_a_goal_that_never_had_conversions_raises_none() -> None:
    watch = DropDetector.begin(1, BEGIN)
    assert fed(watch, np.zeros((1, 2 * DAY))) == [-1]
    assert watch.probability[0] == pytest.approx(0, abs=1e-6)
    assert watch.expected[0] == 0


def test_goals_are_watched_each_by_itself() -> None:
    minutes = WEEKS + 5 * HOUR
    goals = [simulated(60, minutes), fallen(simulated(60, minutes, 2), WEEKS + HOUR, 1.0), simulated(6, minutes, 3)]
    together = learnt(np.concatenate(goals))
    fed(together, np.concatenate(goals)[:, WEEKS:])
    for at, counts in enumerate(goals):
        alone = learnt(counts)
        fed(alone, counts[:, WEEKS:])
        np.testing.assert_allclose(together.probability[at], alone.probability[0], rtol=1e-6)
        np.testing.assert_allclose(together.expected[at], alone.expected[0], rtol=1e-6)
        np.testing.assert_allclose(
            [drop[1:] for drop in together.drops if drop.goal == at], [d[1:] for d in alone.drops]
        )


def test_a_watch_that_was_stored_goes_on_as_if_it_never_was() -> None:
    counts = fallen(simulated(60, WEEKS + 5 * HOUR), WEEKS + 3 * HOUR, 0.8)
    watch = learnt(counts)
    fed(watch, counts[:, WEEKS : WEEKS + 200])
    stored = pickle.loads(pickle.dumps(watch))
    for one in (watch, stored):
        fed(one, counts[:, WEEKS + 200 :])
    assert stored.drops == watch.drops
    assert len(watch.drops) == 1
    np.testing.assert_array_equal(stored.probability, watch.probability)


def test_an_alarm_is_a_probability_of_a_half() -> None:
    watch = learnt(fallen(simulated(60, WEEKS + HOUR), WEEKS, 1.0))
    before = 0.0
    while not watch.drops:
        before = watch.probability[0]
        watch.add(np.zeros(1), np.ones(1, np.bool_))
    assert 0.05 < before < 0.5
    assert FALSE_ALARM == 43_200
