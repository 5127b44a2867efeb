"""Segments as the journal has them: encoded and compressed."""

import cramjam

from streams.core.segment import Segment, decode, encode


def packed(segment: Segment) -> tuple[bytes, int]:
    """A segment as a value of the journal, and its bytes before it was compressed."""
    raw = encode(segment)
    return bytes(cramjam.zstd.compress(raw, level=1)), len(raw)


def unpacked(value: bytes) -> tuple[Segment, int]:
    """What `packed` was given, and that number."""
    raw = bytes(cramjam.zstd.decompress(value))
    return decode(raw), len(raw)
