"""Hours of reports: which one is next, whatever the clock does.

Rows of an hour are absolute, and made of what a ledger holds of that hour. So a partition reports in the hour that it
is in, or in one in which it never did. A clock that goes back a little changes nothing; after one that was ahead, and
is right again, reports come back to the hours of now, as far as those were not used.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from streams.core.events.watermark import SKEW
from streams.core.journal.segment import Segment, SegmentKey
from streams.core.parsing.units import HOUR


class Span(NamedTuple):
    """Of one segment in the journal: the hours (since the epoch) that were reported in it, and the first of the
    sequence numbers that it was merged from, or its own."""

    hours: frozenset[int]
    first: int


def span(key: SegmentKey, hours: Iterable[int], since: int) -> Span:
    """The span of a segment with its `hours` and `since`."""
    return Span(frozenset({key.hour, *hours}), since if since >= 0 else key.sequence)


def hour_of_reports(now: int, current: int, spans: Sequence[Span], newest: Mapping[str, int]) -> int:
    """The hour to report in at `now` (ms), after the `current` one. `spans` are those of the journal, in order;
    `newest` is the newest event time by topic, ms."""
    if now // HOUR < current and not may_go_back(now, newest):
        return current
    return next_hour(now // HOUR, current, [each.hours for each in spans], not spans or spans[0].first == 0)


def hours_of(keys: Iterable[SegmentKey], segments: Iterable[Segment]) -> list[int]:
    """The hours that were reported in segments with those keys, where they are several: what one says of them that all
    were merged into."""
    used = {hour for key, segment in zip(keys, segments, strict=True) for hour in (key.hour, *segment.hours)}
    return sorted(used) if len(used) > 1 else []


def next_hour(now: int, current: int, used: Sequence[Collection[int]], whole: bool) -> int:
    """The hour (all since the epoch) to report in when the clock says `now`, after the `current` one. `used` are those
    of each segment in the journal, in order; `whole` = it has all segments there ever were."""
    known = {hour for hours in used for hour in hours}
    if now >= current:
        return now if now == current else next(_unused(now, known))
    for hour in takewhile(lambda hour: hour < current, _unused(now, known)):
        if whole or any(min(hours) < hour for hours in used):
            return hour
    return current


def _unused(hour: int, known: Collection[int]) -> Iterator[int]:
    while True:
        if hour not in known:
            yield hour
        hour += 1


def may_go_back(now: int, newest: Mapping[str, int]) -> bool:
    """Whether a clock that says `now` (ms) is no more behind than events may be ahead: by the newest event time of some
    topic (ms). Else it is the one that is wrong, and what was reported by a certain time stays as it is."""
    return now + SKEW >= min(newest.values(), default=0)
