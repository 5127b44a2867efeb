"""Which source offsets the segments of a journal cover: each goes on where the one before it ended, or state is wrong.

A range is (next offset before, next offset after): what lies between belongs to the segment, records or not (a topic
may be compacted, and transactions leave marks).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from streams.core.journal.segment import Segment

Range = tuple[int, int]


class Coverage:
    """The end of what is covered so far, by topic, and how many offsets are missing or covered twice."""

    def __init__(self) -> None:
        self.gap = 0
        self._ends: dict[str, int] = {}

    def add(self, topic: str, start: int, end: int) -> None:
        """Go on with a segment that covers [start, end)."""
        before = self._ends.get(topic, start)
        self.gap += start - before if start > before else min(end, before) - start
        self._ends[topic] = max(before, end)


def covered(segments: Sequence[Segment]) -> Coverage:
    """What valid segments cover, in the order of the fold."""
    coverage = Coverage()
    for topic, ranges in _ranges(segments).items():
        for start, end in _outer(ranges):
            coverage.add(topic, start, end)
    return coverage


def _ranges(segments: Iterable[Segment]) -> dict[str, list[Range]]:
    ranges: defaultdict[str, list[Range]] = defaultdict(list)
    for segment in segments:
        # One written before segments had `starts` is taken at its word.
        for topic in segment.starts or segment.offsets:
            end = segment.offsets[topic]
            known = ranges[topic][-1][1] if ranges[topic] else end
            ranges[topic].append((segment.starts.get(topic, min(known, end)), end))
    return ranges


def _outer(ranges: Sequence[Range]) -> list[Range]:
    """Without those inside the one after them: it was merged from them, and they were not removed yet."""
    kept: list[Range] = []
    for start, end in reversed(ranges):
        if not kept or start < kept[-1][0] or end > kept[-1][1]:
            kept.append((start, end))
    return kept[::-1]
