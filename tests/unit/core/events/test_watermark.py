"""The watermark: what is too early or too late, to the millisecond, and how outcomes are kept."""

import numpy as np
import pytest

from streams.core.events.batch import Batch, Origin
from streams.core.events.watermark import SKEW, Outcomes, Watermark, ahead_of_now, too_late
from streams.core.parsing.decoding import END_OF_TIME, Rejected
from tests.support.messages import DAY, NOON

RETENTION = 45 * DAY


def late_or_early(clock: Watermark, *times: int, now: int | None = None, topic: str = "engagement") -> str:
    """One letter an event: `a`head, `l`ate or taken `in`."""
    ahead, late = clock.late_or_early(topic, np.array(times, np.int64), now)
    return "".join("a" if early else "l" if past else "i" for early, past in zip(ahead, late, strict=True))


def test_a_clock_may_be_ahead_by_an_hour_and_no_millisecond_more() -> None:
    assert late_or_early(Watermark(RETENTION), NOON + SKEW, NOON + SKEW + 1, now=NOON) == "ia"


def test_a_replay_has_no_now_and_no_retention() -> None:
    clock = Watermark(None)
    assert late_or_early(clock, NOON + 9999 * DAY, NOON, 0) == "iii"
    assert clock.low_watermark(None) == 0


@pytest.mark.parametrize("now", [None, NOON, END_OF_TIME])
def test_a_time_that_no_column_holds_is_refused_whatever_the_time_is(now: int | None) -> None:
    assert late_or_early(Watermark(RETENTION), -1, END_OF_TIME, now=now) == "aa"
    assert late_or_early(Watermark(None), END_OF_TIME - 1) == "i"


def test_an_event_may_be_behind_by_the_retention_and_no_millisecond_more() -> None:
    clock = Watermark(RETENTION)
    assert late_or_early(clock, NOON, NOON - RETENTION, NOON - RETENTION - 1) == "iil"


def test_events_are_judged_in_the_order_of_their_arrival() -> None:
    clock = Watermark(RETENTION)
    assert late_or_early(clock, NOON, NOON + 2 * RETENTION, NOON) == "iil"
    assert late_or_early(Watermark(RETENTION), NOON, NOON + 2 * RETENTION, NOON, now=NOON) == "iai"


def test_a_bad_clock_does_not_push_the_others_out() -> None:
    clock = Watermark(RETENTION)
    late_or_early(clock, NOON + 100 * DAY, now=NOON)
    assert clock.newest == {}
    assert late_or_early(clock, NOON, now=NOON) == "i"


def test_an_event_that_comes_too_late_moves_nothing() -> None:
    clock = Watermark(RETENTION)
    late_or_early(clock, NOON)
    assert late_or_early(clock, NOON - RETENTION - 1) == "l"
    assert clock.newest == {"engagement": NOON}


def test_topics_have_their_own_clocks_and_the_slower_one_says_what_is_past() -> None:
    clock = Watermark(RETENTION)
    late_or_early(clock, NOON)
    assert clock.low_watermark(None) == 0
    late_or_early(clock, NOON - DAY, topic="checkout")
    assert clock.low_watermark(None) == NOON - DAY - RETENTION
    assert late_or_early(clock, NOON - DAY - RETENTION, topic="checkout") == "i"


def test_touches_are_past_sooner_where_they_may_come_less_late() -> None:
    clock = Watermark(RETENTION, 7 * DAY)
    late_or_early(clock, NOON)
    assert clock.low_watermark_of_touches(None) == 0
    late_or_early(clock, NOON, topic="checkout")
    assert clock.low_watermark_of_touches(None) == NOON - 7 * DAY
    late_or_early(clock, NOON - 3 * DAY, topic="identity")
    assert clock.low_watermark_of_touches(None) == NOON - 10 * DAY
    assert clock.low_watermark(None) == NOON - RETENTION


@pytest.mark.parametrize("clock", [Watermark(RETENTION), Watermark(RETENTION, RETENTION), Watermark(None)])
def test_touches_are_past_no_sooner_where_they_may_come_as_late_as_all(clock: Watermark) -> None:
    late_or_early(clock, NOON)
    late_or_early(clock, NOON, topic="checkout")
    assert clock.low_watermark_of_touches(None) == 0


def test_no_events_are_neither_early_nor_late() -> None:
    clock = Watermark(RETENTION)
    assert late_or_early(clock) == ""
    assert clock.newest == {}


def test_a_dead_letter_is_the_record_as_it_came_and_says_why() -> None:
    outcomes = Outcomes(Batch("checkout", [b"{", None], [b"k", None], [7, 9], partition=3))
    outcomes.reject(1, Rejected("malformed", "a tombstone"))
    outcomes.reject(0, Rejected("malformed", "no JSON"))
    assert outcomes.dead == [
        ("checkout", 3, 9, None, None, "malformed", "a tombstone"),
        ("checkout", 3, 7, b"k", b"{", "malformed", "no JSON"),
    ]
    outcomes.count(accepted=2, duplicate=0)
    assert outcomes.counts == {"dead_letter": 2, "accepted": 2}


def test_a_part_of_a_batch_keeps_its_records_together() -> None:
    origins = [Origin("event", "checkout", 1, n) for n in range(3)]
    batch = Batch("forwarded", [b"0", b"1", b"2"], [b"a", b"b", None], range(5, 8), 4, origins)
    assert batch.part(1) == Batch("forwarded", [b"1", b"2"], [b"b", None], range(6, 8), 4, origins[1:])
    assert batch.part(0, 1) == Batch("forwarded", [b"0"], [b"a"], range(5, 6), 4, origins[:1])


def test_refusals_say_by_how_much() -> None:
    assert "61 s ahead of now" in ahead_of_now(NOON + 61_000, NOON).error
    assert "outside 1970-01-01 to 2106-02-07" in ahead_of_now(-1, NOON).error
    assert "outside 1970-01-01 to 2106-02-07" in ahead_of_now(END_OF_TIME, None).error
    assert (too_late(NOON, NOON + 61_000).reason, "61 s behind" in too_late(NOON, NOON + 61_000).error) == (
        "too_late",
        True,
    )
