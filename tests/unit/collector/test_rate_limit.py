"""Limits of how much may come in a second."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.answers import RefusedError
from streams.collector.rate_limit import BURST, RateLimit, RateLimits


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, number: int) -> bool:
    try:
        limit.take(number)
    except RefusedError as refused:
        return (refused.status, refused.retry >= 1) != (429, True)
    return True


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 40)), max_size=60))
def test_no_more_is_taken_than_the_rate_and_its_burst(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    log = [(clock.now, 0)]
    for wait, number in steps:
        clock.now += wait
        if taken(limit, number):
            log.append((clock.now, number))
    for at, (begun, _) in enumerate(log):
        for end in range(at, len(log)):
            within = [number for _, number in log[at : end + 1]]
            most = 10 * (log[end][0] - begun) + 10 * BURST
            assert sum(within) <= most + max(within) + 1e-6  # what is more than ever fits comes alone


def test_after_a_wait_as_long_as_was_said_it_is_taken() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    limit.take(20)
    with pytest.raises(RefusedError) as refused:
        limit.take(15)
    assert refused.value.retry == 2
    clock.now += 2
    limit.take(15)


def test_what_never_fits_at_once_comes_alone() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    limit.take(50)
    assert not taken(limit, 1)
    clock.now += 3.2
    assert taken(limit, 1)


def test_none_is_no_limit() -> None:
    limit = RateLimit(0)
    assert all(taken(limit, 10**9) for _ in pairwise(range(10)))


def test_who_was_limited_before_stays_so_when_the_keys_are_read_again() -> None:
    limits = RateLimits(["shop", "gone"], 10, 0)
    limits.of("shop").take(20)
    limits.use(["shop", "new"])
    assert not taken(limits.of("shop"), 1)
    assert taken(limits.of("new"), 20)
    with pytest.raises(KeyError):
        limits.of("gone")
