"""Segments as the journal has them: encoded and compressed."""

import cramjam

from streams.core.journal.segment import Segment, SegmentError, decode, encode


def packed(segment: Segment) -> tuple[bytes, int]:
    """A segment as a value of the journal, and its bytes before it was compressed."""
    raw = encode(segment)
    return bytes(cramjam.zstd.compress(raw, level=1)), len(raw)


def unpacked(value: bytes) -> tuple[Segment, int]:
    """What `packed` was given, and that number. Raises SegmentError."""
    try:
        raw = bytes(cramjam.zstd.decompress(value))
    except cramjam.DecompressionError as error:
        raise SegmentError(f"it is no segment of maalstrom ({error})") from None
    return decode(raw), len(raw)
