"""Time ranges as Grafana writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.page.times import Range, RangeError, duration_ms, in_words, interval, time_range

NOW = datetime(2026, 3, 31, 14, 35, 20, 500_000, tzinfo=UTC)  # a Tuesday
HOUR, DAY = 3_600_000, 86_400_000


def at(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        ("now-6h", "now", Range(at(2026, 3, 31, 8, 35, 20) + 500, at(2026, 3, 31, 14, 35, 20) + 500)),
        ("now/d", "now/d", Range(at(2026, 3, 31), at(2026, 4, 1) - 1)),
        ("now-1d/d", "now-1d/d", Range(at(2026, 3, 30), at(2026, 3, 31) - 1)),
        ("now/w", "now/w", Range(at(2026, 3, 30), at(2026, 4, 6) - 1)),
        ("now-1M/M", "now/y", Range(at(2026, 2, 1), at(2027, 1, 1) - 1)),
        ("now-1M", "now", Range(at(2026, 2, 28, 14, 35, 20) + 500, at(2026, 3, 31, 14, 35, 20) + 500)),
        ("now-1y-1h", "now", Range(at(2025, 3, 31, 13, 35, 20) + 500, at(2026, 3, 31, 14, 35, 20) + 500)),
        ("1700000000000", "1700000001000", Range(1_700_000_000_000, 1_700_000_001_000)),
    ],
)
def test_a_range(start: str, end: str, wanted: Range) -> None:
    assert time_range(start, end, NOW) == wanted


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("yesterday", "now", "'yesterday' is no time; write now, now-6h"),
        ("now-6h", "now; DROP", "'now; DROP' is no time"),
        ("now", "now-1h", "the time range from now to now-1h is empty"),
        ("now-99999y", "now", "'now-99999y' is too far away"),
        ("99999999999999", "now", "is no time"),
    ],
)
def test_a_range_that_cannot_be(start: str, end: str, says: str) -> None:
    with pytest.raises(RangeError, match=says):
        time_range(start, end, NOW)


@given(st.integers(1, 400 * DAY), st.integers(1, 2000))
def test_an_interval_is_round_and_gives_no_more_points_than_asked(length: int, points: int) -> None:
    ms = interval(Range(0, length), points)
    assert ms >= 1000
    assert length / ms <= points or ms == 7 * DAY
    assert duration_ms(in_words(ms)) == ms


def test_an_interval_has_a_least() -> None:
    assert interval(Range(0, HOUR), 1000, "1m") == 60_000
    assert interval(Range(0, 30 * DAY), 100, ">1m") == 12 * HOUR
    assert [in_words(ms) for ms in (1, 1_500, 60_000, 5_400_000, 7 * DAY)] == ["1ms", "1500ms", "1m", "90m", "7d"]


@pytest.mark.parametrize("text", ["", "1", "m", "1 parsec", "0s", "-5m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(RangeError, match="write for example 30s"):
        duration_ms(text)


@given(st.integers(10**9, 4 * 10**9), st.sampled_from("smhdwMy"))
def test_a_unit_begins_before_now_and_ends_after_it(seconds: int, unit: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    found = time_range(f"now/{unit}", f"now/{unit}", now)
    assert found.start <= now.timestamp() * 1000 <= found.end + 1
    after = datetime.fromtimestamp(found.start / 1000, UTC) - timedelta(milliseconds=1)
    assert time_range(f"now/{unit}", f"now/{unit}", after).end == found.start - 1
