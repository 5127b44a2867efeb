"""NDJSON files, plain or compressed, as blocks of lines; and the dead letters of a replay, as one."""

import base64
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

import zstandard

from streams.core.admission import DeadLetter

BLOCK = 8 * 1024 * 1024  # bytes read at once
STDIN = "-"


def size(path: str) -> int:
    """Bytes of the file as it lies on disk; 0 for standard input. Raises OSError where there is none."""
    return 0 if path == STDIN else Path(path).stat().st_size


def lines(path: str, read: Callable[[int], None]) -> Iterator[list[bytes]]:
    """The lines of a file (`.gz` and `.zst` too; `-` is standard input), many at a time, without their ends.

    Calls `read` with the bytes of the file that were read since. Raises OSError, also for what is not compressed as
    its name says.
    """
    with _raw(path) as raw, _plain(path, raw) as plain:
        rest, place = b"", 0
        try:
            while block := plain.read(BLOCK):
                *whole, rest = (rest + block).split(b"\n")
                yield whole
                if path != STDIN:
                    place, before = raw.tell(), place
                    read(place - before)
        except (EOFError, zstandard.ZstdError) as error:
            raise OSError(f"{path}: {error}") from None
    if rest:
        yield [rest]


def _raw(path: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if path == STDIN else cast(BinaryIO, open(path, "rb"))


def _plain(path: str, raw: BinaryIO) -> AbstractContextManager[IO[bytes]]:
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if path.endswith(".zst"):
        return cast(IO[bytes], zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
    return nullcontext(raw)


class DeadLetterFile:
    """`dead-letters.ndjson`: one object a dead letter. The file is made with the first one; an older one goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        path.unlink(missing_ok=True)

    def write(self, letter: DeadLetter, source: str, line: int) -> None:
        """Keep a dead letter with the file and the line it came from."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        kept = {"file": source, "line": line, "topic": letter.topic, "reason": letter.reason, "error": letter.error}
        self._file.write(json.dumps(kept | _readable(letter.value or b"")) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()


def _readable(value: bytes) -> dict[str, str]:
    """The record as text, or in base64 where it is none."""
    try:
        return {"record": value.decode()}
    except UnicodeDecodeError:
        return {"record_base64": base64.b64encode(value).decode()}
