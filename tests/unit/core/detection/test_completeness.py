"""Up to which minute all is counted: whatever the partitions do, and however fast time goes by."""

from collections.abc import Mapping

import pytest

from streams.core.detection.completeness import CompletenessWatermark, SourcePartition
from streams.core.events.continuity import Available
from streams.core.parsing.units import MINUTE

BEGIN = 29_000_000  # minutes
ONE, TWO = SourcePartition("checkout", 0), SourcePartition("engagement", 1)


def ms(minute: float) -> int:
    return round((BEGIN + minute) * MINUTE)


def read(end: int, unread: int = 0) -> Available:
    return Available(0, end, end - unread)


def looks(*steps: tuple[float, Mapping[SourcePartition, float], Mapping[SourcePartition, Available]]) -> list[int]:
    """What each look says, in minutes after BEGIN; a step is (now, newest by source, offsets by source)."""
    complete = CompletenessWatermark()
    return [
        complete.advance(ms(now), {source: ms(at) for source, at in newest.items()}, sources) - BEGIN
        for now, newest, sources in steps
    ]


def test_what_was_there_at_one_look_is_committed_at_the_next_and_counted_at_the_one_after() -> None:
    steady = [(n + 0.5, {ONE: n, TWO: n}, {ONE: read(100 * n, 7), TWO: read(900 * n, 80)}) for n in range(5, 10)]
    assert looks(*steady) == [-BEGIN, 4, 4, 5, 6]


def test_a_partition_that_is_behind_holds_back_the_others() -> None:
    steps = [(n, {ONE: n, TWO: 20}, {ONE: read(100), TWO: read(500 + n, 300)}) for n in range(30, 33)]
    assert looks(*steps) == [-BEGIN, 19, 19]
    caught_up = [(n, {ONE: n, TWO: n}, {ONE: read(100), TWO: read(600)}) for n in (33, 34)]
    assert looks(*steps, *caught_up)[-2:] == [19, 31]


def test_a_partition_of_which_nothing_is_known_stops_everything() -> None:
    assert looks(*[(n, {ONE: n}, {ONE: read(n), TWO: Available(0, 10, None)}) for n in range(30, 33)]) == [-BEGIN] * 3


def test_an_empty_partition_holds_back_nothing() -> None:
    sources = {ONE: read(10), TWO: Available(7, 7, None)}
    assert looks(*[(n, {ONE: n}, sources) for n in (30, 31, 32)]) == [-BEGIN, -BEGIN, 29]


def test_time_goes_on_where_no_event_comes() -> None:
    silent = [(n, {ONE: 30}, {ONE: read(10)}) for n in (30, 31, 40, 60)]
    assert looks(*silent) == [-BEGIN, -BEGIN, 29, 30]


def test_a_month_that_is_played_in_seconds_is_no_silence() -> None:
    days = [(100_000 + n / 60, {ONE: n * 1440}, {ONE: read(n)}) for n in range(4)]
    assert looks(*days) == [-BEGIN, -BEGIN, -1, 1439]


@pytest.mark.parametrize("ahead", [0, 50])
def test_a_clock_that_is_ahead_does_not_pull_time_along(ahead: int) -> None:
    assert looks(*[(n, {ONE: n + ahead}, {ONE: read(n)}) for n in (30, 31, 32, 33)]) == [-BEGIN, -BEGIN, 29, 30]


def test_it_never_goes_back() -> None:
    back = [(n, {ONE: n}, {ONE: read(9)}) for n in (30, 31)] + [(n, {ONE: 4}, {ONE: read(50, 45)}) for n in (32, 33)]
    assert looks(*back) == [-BEGIN, -BEGIN, 29, 29]


def test_it_says_since_when_the_pipeline_is_late() -> None:
    complete = CompletenessWatermark()
    for now, unread in ((30, 0), (31, 0), (35, 0), (50, 80)):
        complete.advance(ms(now), {ONE: ms(30)}, {ONE: read(50 + unread, unread), TWO: read(10, 0)})
    complete.advance(ms(51), {ONE: ms(30)}, {ONE: read(130, 70), TWO: read(10, 0)})
    assert (complete.caught_up, complete.unread) == (ms(50), 70)
