"""A journal that a ledger is made of, read twice: which of its segments count is known once all are there.

Between the two readings it lies in a file without a name, or in memory where none can be written: never are more of its
segments unpacked than one.
"""

import os
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from streams.core.journal.hours import Span, span
from streams.core.journal.segment import Segment, SegmentKey, head
from streams.worker.ledgers.segments import read
from streams.worker.state_files import nameless, write_at


class SegmentInfo(NamedTuple):
    """What is remembered of a segment: its bytes before it is compressed, the latest event time in it, ms; whether it
    asks to forget somebody, until which hour statements are kept that others have replaced (-1 = for good), and the
    hours that were reported in it."""

    size: int
    latest: int
    asks: bool
    thin: int
    span: Span


def segment_info(key: SegmentKey, segment: Segment, size: int) -> SegmentInfo:
    """What to remember of a segment of that size."""
    spanned = span(key, segment.hours, segment.since)
    return SegmentInfo(size, segment.latest, bool(segment.erased), segment.thin, spanned)


class JournalSpool:
    """The segments of one partition's journal."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is where the file may be; None = in memory."""
        self.heads: dict[SegmentKey, Segment] = {}
        self.infos: dict[SegmentKey, SegmentInfo] = {}
        self._file, self._end = self._opened(folder), 0
        self._places: dict[SegmentKey, tuple[int, int]] = {}
        self._held: dict[SegmentKey, bytes] = {}  # what the file did not take

    def add(self, values: Iterable[tuple[SegmentKey, bytes]]) -> None:
        """Read a part of the journal. Raises UnreadableError."""
        for key, value in values:
            segment, size = read(key, value)
            self.heads[key], self.infos[key] = head(segment), segment_info(key, segment, size)
            self._put(key, value)

    def segments(self, keys: Iterable[SegmentKey]) -> Iterator[tuple[SegmentKey, Segment]]:
        """Segments with those keys, each unpacked as it is asked for. Raises OSError, UnreadableError."""
        for key in keys:
            yield key, read(key, self._get(key))[0]

    def _opened(self, folder: Path | None) -> int | None:
        try:
            if folder is None:
                return None
            folder.mkdir(parents=True, exist_ok=True)
            file = nameless(folder)
        except OSError:
            return None
        weakref.finalize(self, os.close, file)
        return file

    def _put(self, key: SegmentKey, value: bytes) -> None:
        try:
            if self._file is None:
                self._held[key] = value
                return
            write_at(self._file, value, self._end)
            self._places[key], self._end = (self._end, len(value)), self._end + len(value)
        except OSError:
            self._held[key] = value

    def _get(self, key: SegmentKey) -> bytes:
        if self._file is None or key in self._held:
            return self._held[key]
        at, length = self._places[key]
        return os.pread(self._file, length, at)
