"""Values of any size as records of a topic that is compacted: what Kafka would refuse is cut into chunks.

A record under the value's own key names its chunks and is written after them, so that it changes to another value at
once. The chunks lie under that key and a tag of what they are parts of: those of two values are never mixed up.
"""

import struct
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

_HEAD = struct.Struct(">8s8sI")  # _MARK, the tag, how many
_SUFFIX = struct.Struct(">8sI")  # the tag, which one
_MARK = b"\0chunks\0"
KEY_BYTES = 28  # of a segment


class ChunkError(ValueError):
    """A chunk is missing."""


class Chunked(NamedTuple):
    """A value as it is written: chunks by what comes after its key, and then the `head`."""

    head: bytes
    chunks: dict[bytes, bytes]


def chunked(value: bytes, limit: int) -> Chunked:
    """The value in records of at most `limit` bytes; one that fits is its own head."""
    if len(value) <= limit:
        return Chunked(value, {})
    tag = blake2b(value, digest_size=8).digest()
    parts = [value[start : start + limit] for start in range(0, len(value), limit)]
    return Chunked(_HEAD.pack(_MARK, tag, len(parts)), {_SUFFIX.pack(tag, i): part for i, part in enumerate(parts)})


def is_chunk(key: bytes) -> bool:
    """Whether a record with that key is a chunk of a segment."""
    return len(key) == KEY_BYTES + _SUFFIX.size


def owner(key: object) -> int | None:
    """The partition that a record of the journal belongs to by its key; None where that is no key of the journal."""
    if not isinstance(key, bytes) or not (len(key) == KEY_BYTES or is_chunk(key)):
        return None
    return int.from_bytes(key[:4], "big")


def suffixes(head: bytes | None) -> list[bytes]:
    """What comes after the key in those of the chunks that this record names."""
    if head is None or len(head) != _HEAD.size or not head.startswith(_MARK):
        return []
    _, tag, count = _HEAD.unpack(head)
    return [_SUFFIX.pack(tag, i) for i in range(count)]


def whole(head: bytes, chunk: Callable[[bytes], bytes | None]) -> bytes:
    """The value that `chunked` was given; `chunk` finds one by what comes after the key. Raises ChunkError where one is
    missing."""
    named = suffixes(head)
    if not named:
        return head
    parts = [part for suffix in named if (part := chunk(suffix)) is not None]
    if len(parts) < len(named):
        raise ChunkError(f"{len(named) - len(parts)} of its {len(named)} chunks are missing")
    return b"".join(parts)
