"""The history by quarter-hours: minute by minute or at once, it is the same, and it forgets."""

import numpy as np
import pytest

from streams.core.columns.arrays import F64, Mask
from streams.core.detection.history import DAY, MEMORY, History

BEGIN = 20_000 * DAY


def random(goals: int, minutes: int, seed: int = 1) -> tuple[F64, Mask]:
    rng = np.random.default_rng(seed)
    return rng.poisson(2.0, (goals, minutes)).astype(float), rng.random((goals, minutes)) < 0.98


def equal(one: History, other: History) -> None:
    assert one.first_day == other.first_day
    for name in ("counts", "squares", "minutes", "alarmed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(("first", "minutes"), [(BEGIN, 30), (BEGIN + 700, 2000), (BEGIN + 1439, 2), (BEGIN, 1440)])
def test_at_once_or_minute_by_minute_it_is_the_same(first: int, minutes: int) -> None:
    counts, known = random(2, minutes)
    fed = History.of(first, counts[:, :0], known[:, :0])
    for at in range(minutes):
        fed.add(first + at, counts[:, at], known[:, at], np.zeros(2, np.bool_))
    equal(fed, History.of(first, counts, known))


def test_a_quarter_hour_adds_up() -> None:
    counts, known = random(1, 60)
    history = History.of(BEGIN + 15, counts, known | True)
    assert history.counts[0, 0, 1:5].tolist() == counts.reshape(4, 15).sum(1).tolist()
    assert history.minutes[0, 0, :6].tolist() == [0, 15, 15, 15, 15, 0]


def test_six_weeks_are_remembered() -> None:
    history = History.of(BEGIN, np.ones((1, (MEMORY + 2) * DAY)), np.ones((1, (MEMORY + 2) * DAY), np.bool_))
    assert (history.first_day, history.counts.shape) == (20_002, (1, MEMORY, 96))
    history.add(BEGIN + (MEMORY + 2) * DAY, np.ones(1), np.ones(1, np.bool_), np.zeros(1, np.bool_))
    assert (history.first_day, history.counts.shape) == (20_003, (1, MEMORY, 96))
    assert history.counts[0, -1].sum() == 1


def test_nothing_is_learnt_from_an_alarm() -> None:
    counts = np.random.default_rng(1).poisson(1.0, (1, 8 * DAY)).astype(float)
    counts[:, 7 * DAY :] = 0
    history = History.of(BEGIN, counts, np.ones(counts.shape, np.bool_))
    fallen = history.forecast().level[0]
    history.mark(0, BEGIN + 7 * DAY, BEGIN + 8 * DAY - 1, True)
    assert history.forecast().level[0] == pytest.approx(1, rel=0.1)
    history.mark(0, BEGIN + 7 * DAY, BEGIN + 8 * DAY - 1, False)
    assert history.forecast().level[0] == fallen < 0.7


def test_the_last_day_of_a_shape_leaves_out_what_is_not_known() -> None:
    counts = np.ones((1, 2 * DAY))
    known = np.ones(counts.shape, np.bool_)
    known[0, DAY + 100 : DAY + 200] = False
    history = History.of(BEGIN, counts, known)
    assert history.recent_exposure(np.ones((1, 672)), BEGIN + 2 * DAY).tolist() == [96 - 8]
    assert history.recent_exposure(np.ones((1, 672)), BEGIN + DAY // 2).tolist() == [48]


@pytest.mark.parametrize("hourly", [2, 60, 2000])
def test_counts_by_chance_are_not_dispersed_whatever_their_rhythm(hourly: int) -> None:
    rate = hourly / 60 * (1 + np.sin(np.arange(14 * DAY) / DAY * 2 * np.pi))
    counts = np.random.default_rng(1).poisson(rate)[None].astype(float)
    counts[0, 5000:5060] += 3 * hourly / 60
    known = np.ones(counts.shape, np.bool_)
    assert History.of(BEGIN, counts, known).dispersion()[0] < 1.03
    assert History.of(BEGIN, 3 * counts, known).dispersion()[0] == pytest.approx(3, rel=0.15)
