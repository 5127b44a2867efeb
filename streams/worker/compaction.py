"""Compaction: which segments of a journal are merged."""

from collections.abc import Iterator, Mapping

from streams.core.journal.cutting import RAW_LIMIT
from streams.core.journal.segment import SegmentKey
from streams.worker.ledgers.spool import SegmentInfo

SMALL = RAW_LIMIT // 4  # bytes of a segment that is worth merging
RUN = 32  # small segments in a row that are merged


def runs(kept: Mapping[SegmentKey, SegmentInfo], flushed: int, opened: int) -> Iterator[list[SegmentKey]]:
    """Small segments, written up to the sequence `flushed`, that follow each other, of one hour or of hours before
    `opened`, which are not open: so many, or as many as fit into one."""
    run, size = list[SegmentKey](), 0
    asked = any(each.asks for each in kept.values())  # what is before and after that must be told apart
    for key, each in kept.items():
        small = each.size < SMALL and key.sequence <= flushed and not asked
        together = small and run and (run[-1].hour == key.hour or key.hour < opened)
        if not together or size + each.size > RAW_LIMIT:
            if len(run) >= (2 if together else RUN):
                yield run
            run, size = [], 0
        if small:
            run, size = [*run, key], size + each.size
    if len(run) >= RUN:
        yield run
