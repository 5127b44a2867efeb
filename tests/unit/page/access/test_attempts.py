"""Limits to guessing: how many attempts, for how long, and that memory stays bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.page.access import attempts
from streams.page.access.attempts import BY_ADDRESS, BY_NAME, BY_PAIR, PERIOD, Attempts

HERE = "192.0.2.1"


def _tried(made: Attempts, name: str, address: str, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        assert made.wait(name, address, now) == 0
        made.begin(name, address, now)


def test_a_name_from_one_address_waits_after_five() -> None:
    made = Attempts()
    _tried(made, "anna", HERE, BY_PAIR)
    assert made.wait("anna", HERE, 60) == PERIOD - 60
    assert made.wait("anna", "192.0.2.2", 60) == 0, "nobody locks somebody else out"
    assert made.wait("anna", HERE, PERIOD + 1) == 0


def test_an_address_waits_whatever_the_names_and_so_does_a_name_whatever_the_addresses() -> None:
    made = Attempts()
    for number in range(BY_ADDRESS):
        _tried(made, f"user-{number}", HERE, 1)
    assert made.wait("another", HERE, 1) > 0
    for number in range(BY_NAME):
        _tried(made, "anna", f"198.51.100.{number}", 1)
    assert made.wait("anna", "203.0.113.1", 1) > 0


def test_all_of_a_customers_ipv6_addresses_are_one() -> None:
    made = Attempts()
    for number in range(BY_PAIR):
        _tried(made, "anna", f"2001:db8::{number}", 1)
    assert made.wait("anna", "2001:db8::ffff", 0) > 0
    assert made.wait("anna", "2001:db8:0:1::", 0) == 0
    _tried(made, "ola", "::ffff:192.0.2.7", BY_PAIR)
    assert made.wait("ola", "::ffff:192.0.2.8", 0) == 0


def test_one_that_succeeds_takes_back_its_own_alone() -> None:
    made = Attempts()
    _tried(made, "anna", HERE, BY_PAIR - 1)
    made.begin("anna", HERE, 0)
    made.succeeded("anna", HERE)
    assert made.wait("anna", HERE, 0) == 0
    _tried(made, "ola", HERE, BY_PAIR)
    made.begin("anna", HERE, 0)
    made.succeeded("anna", HERE)
    assert made.wait("ola", HERE, 0) > 0, "who has a password of their own gets no more guesses at another's"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["192.0.2.1", "192.0.2.2"]), st.floats(0, 100))))
def test_no_more_than_the_limits_get_through_in_a_period(tries: list[tuple[str, str, float]]) -> None:
    made, through = Attempts(), list[tuple[str, str, float]]()
    now = 0.0
    for name, address, later in tries:
        now += later
        if made.wait(name, address, now) == 0:
            made.begin(name, address, now)
            through.append((name, address, now))
    for name, address, at in through:
        recent = [each for each in through if at - PERIOD < each[2] <= at]
        assert sum(each[:2] == (name, address) for each in recent) <= BY_PAIR
        assert sum(each[1] == address for each in recent) <= BY_ADDRESS


def test_memory_is_bounded() -> None:
    made = Attempts()
    for number in range(attempts.MOST_KEYS):
        made.begin(f"name-{number}", f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::", 0)
    assert len(made._made) == attempts.MOST_KEYS
