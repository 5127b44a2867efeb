"""Files of events, plain or compressed; and the dead letters of a replay, as one."""

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

from streams.core.events.watermark import DeadLetter
from streams.sources.file_forms import events

BLOCK = 8 * 1024 * 1024  # bytes read at once
STDIN = "-"
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


def size(path: str) -> int:
    """Bytes of the file as it lies on disk; 0 for standard input. Raises OSError where there is none."""
    return 0 if path == STDIN else Path(path).stat().st_size


def lines(path: str) -> Iterator[tuple[list[bytes], int]]:
    """The events of a file (`.gz` and `.zst` too; `-` is standard input), many at a time, by `file_forms.events`.

    With each lot the bytes of the file that were read for it, 0 for standard input. Raises OSError, also for what is
    damaged, cut short, not compressed as its name says, or holds no events.
    """
    return events(path, _blocks(path))


def whole(path: Path) -> bytes:
    """All that is in a file (`.gz` and `.zst` too; `-` is standard input). Raises OSError."""
    return b"".join(block for block, _ in _blocks(str(path)))


def _blocks(path: str) -> Iterator[tuple[bytes, int]]:
    """What is in a file, a block at a time, each with the bytes of the file that were read for it."""
    with _raw(path) as raw, _plain(path, raw) as plain:
        place = 0
        while block := _block(path, plain):
            place, before = 0 if path == STDIN else raw.tell(), place
            yield block, place - before


def _block(path: str, plain: IO[bytes]) -> bytes:
    try:
        return plain.read(BLOCK)
    except OSError as error:
        if Path(path).suffix not in _COMPRESSIONS:
            raise
        advice = "make the file again, or name it as what it is"
        raise OSError(f"{path}: cannot be decompressed to its end ({error}); {advice}") from None


def _raw(path: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if path == STDIN else cast(BinaryIO, open(path, "rb"))


def _plain(path: str, raw: BinaryIO) -> AbstractContextManager[IO[bytes]]:
    compression = _COMPRESSIONS.get(Path(path).suffix)
    if compression is None:
        return nullcontext(raw)
    import pyarrow

    return cast(IO[bytes], pyarrow.CompressedInputStream(raw, compression))


class DeadLetterFile:
    """`dead-letters.ndjson`: one object a dead letter. The file is made with the first one; an older one goes, unless
    it is to `keep` for `go_on`."""

    def __init__(self, path: Path, keep: bool = False) -> None:
        self.path = path
        self._file: IO[str] | None = None
        if not keep:
            path.unlink(missing_ok=True)

    def go_on(self, size: int) -> None:
        """Keep the first so many bytes of an older file, or none."""
        if not size:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            self._file = self.path.open("r+", encoding="utf-8")
            self._file.truncate(size)
            self._file.seek(size)

    @property
    def size(self) -> int:
        """Bytes that are written."""
        if self._file is None:
            return 0
        self._file.flush()
        return self._file.tell()

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
