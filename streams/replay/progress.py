"""How far a replay of topics is, in a file: what each batch did, as a journal has it, so that a replay that was killed
goes on where it ended.

The file is a head and a step for each batch, each with its length and digest before it. Whatever follows the last whole
one was being written when the replay ended, and is cut off.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Self, TypeVar

import msgspec
from msgspec import Struct

from streams.core.events.batch import OffsetRange
from streams.core.journal.segment import Segment
from streams.kafka.segment_codec import packed, unpacked

VERSION = 1
_LENGTH, _DIGEST = 4, 8  # bytes of each before an object
T = TypeVar("T", bound=Struct)


class ReplayHead(Struct):
    """What a file begins with: of what replay it is, and what that reads."""

    version: int
    identity: str
    ranges: list[OffsetRange]


class Counted(Struct):
    """What was counted up to a step."""

    outcomes: dict[str, int] = {}
    reasons: dict[str, int] = {}
    first: str = ""
    ignored: dict[str, int] = {}
    faults: list[tuple[str, str, int]] = []
    placeholders: int = 0
    userless: int = 0


class Step(Struct, array_like=True):
    """A batch of the range of that number, up to the offset `next`: what it did, all counts so far, and how long the
    file of dead letters was then (bytes). A step without a segment says that the rows began to be written."""

    at: int
    next: int
    segment: bytes | None
    counts: Counted
    letters: int


class ProgressFile:
    """The steps so far (`before`) of the replay with that `identity`; of another one the file is begun anew."""

    def __init__(self, path: Path, identity: str, ranges: Sequence[OffsetRange], anew: bool = False) -> None:
        """`ranges` is what a new one reads. Raises OSError."""
        self._file, self.path = _locked(path), path
        found = [] if anew else list(_objects(path))
        head, self.before = self._known(identity, found), list[Step]()
        whole = sum(len(raw) + _LENGTH + _DIGEST for raw in found) if head else 0
        if head:
            self.before = [msgspec.msgpack.decode(raw, type=Step) for raw in found[1:]]
        #: Whether all was read, and the rows began to be written.
        self.writing = bool(self.before) and self.before[-1].segment is None
        self.ranges = head.ranges if head else list(ranges)
        self._file.truncate(whole)
        if not head:
            self._put(ReplayHead(VERSION, identity, self.ranges))

    @classmethod
    def of(cls, folder: Path, identity: str, ranges: Sequence[OffsetRange], anew: bool = False) -> Self:
        """The progress of a replay in a folder."""
        return cls(folder / f"replay-{identity}.progress", identity, ranges, anew)

    @staticmethod
    def _known(identity: str, found: Sequence[bytes]) -> ReplayHead | None:
        try:
            head = msgspec.msgpack.decode(found[0], type=ReplayHead) if found else None
        except msgspec.DecodeError:
            return None  # of another version
        return head if head and (head.version, head.identity) == (VERSION, identity) else None

    def segments(self) -> Iterator[Segment]:
        """What the steps before did."""
        return (unpacked(step.segment)[0] for step in self.before if step.segment is not None)

    def step(self, at: int, end: int, segment: Segment, counts: Counted, letters: int) -> None:
        """A batch was taken in."""
        self._put(Step(at, end, packed(segment)[0], counts, letters))

    def write(self, counts: Counted, letters: int) -> None:
        """All was taken in: the rows begin to be written."""
        if not self.writing:
            self.writing = True
            self._put(Step(len(self.ranges), 0, None, counts, letters))

    def forget(self) -> None:
        """Free the memory that the steps before take."""
        self.before = []

    def done(self) -> None:
        """All is written: nothing is to be resumed."""
        self._file.close()
        self.path.unlink()

    def _put(self, each: Struct) -> None:
        raw = msgspec.msgpack.encode(each)
        self._file.write(len(raw).to_bytes(_LENGTH, "big") + _digest(raw) + raw)
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _locked(path: Path) -> IO[bytes]:
    """The file, to add to; for one process at a time."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OSError(f"another process is at this replay ({path} is open); wait for it, or end it") from None
    return file


def _objects(path: Path) -> Iterator[bytes]:
    """The whole objects of that file."""
    with path.open("rb") as file:
        while len(before := file.read(_LENGTH + _DIGEST)) == _LENGTH + _DIGEST:
            raw = file.read(int.from_bytes(before[:_LENGTH], "big"))
            if _digest(raw) != before[_LENGTH:]:
                return
            yield raw


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=_DIGEST).digest()
