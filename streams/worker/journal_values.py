"""The values of the journal in files on disk, so that memory has their keys alone.

There is a file a partition: a SQLite database that no folder names. Nothing of it is left however the process ends, and
none of it need last, since Kafka has all of it. What the disk does not take stays in memory.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import weakref
import zlib
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from streams.core.journal.chunks import owner
from streams.telemetry import metrics

# Nothing waits for the disk. What is deleted is given back to it, and not left readable in the file.
_PRAGMAS = (
    "auto_vacuum=FULL",
    "cache_size=-256",  # KiB
    "journal_mode=MEMORY",  # what a full disk took half of is undone
    "locking_mode=EXCLUSIVE",
    "secure_delete=FAST",
    "synchronous=OFF",
)
log = structlog.get_logger(__name__)


class _Kept(NamedTuple):
    """What is remembered of a value."""

    length: int
    sum: int


class JournalValues(MutableMapping[bytes, bytes]):
    """Values by key, in files in that folder, which is made where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[bytes, _Kept] = {}
        self._held: dict[bytes, bytes] = {}  # those that the disk did not take
        self._files: dict[int | None, _File] = {}
        self._bytes = self._bytes_held = 0
        self._measure()

    def __getitem__(self, key: bytes) -> bytes:
        """Raises KeyError, and OSError where the disk does not have it any more as it was written."""
        kept = self._kept[key]
        if key in self._held:
            return self._held[key]
        value = self._files[owner(key)].read(key)
        if value is None or kept != _Kept(len(value), zlib.crc32(value)):
            raise OSError(errno.EIO, "what was written there is not there any more", str(self._folder))
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        kept = _Kept(len(value), zlib.crc32(value))
        refused = self._refused(key, value)
        if refused and not self._held:
            log.warning("a part of the journal stays in memory: the disk does not take it", reason=refused)
        self._uncount(key)
        self._count(key, kept, value if refused else None)
        if self._held and not refused:
            self._bring_back()
        self._measure()

    def __delitem__(self, key: bytes) -> None:
        if key not in self._kept:
            raise KeyError(key)
        self._uncount(key)
        if file := self._files.get(owner(key)):
            with suppress(sqlite3.Error):  # what stays there is not found any more
                file.delete(key)
        self._measure()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, partitions: set[int]) -> None:
        """Remove the values of all other partitions."""
        for partition in {owner(key) for key in self._kept} - partitions:
            self.drop(partition)

    def drop(self, partition: int | None) -> None:
        """Remove all values of a partition, and its file."""
        for key in [key for key in self._kept if owner(key) == partition]:
            self._uncount(key)
        self._files.pop(partition, None)
        self._measure()

    def _refused(self, key: bytes, value: bytes) -> str:
        """Write it to the disk; why that was not possible, or nothing."""
        try:
            part = owner(key)
            if part not in self._files:
                self._files[part] = _File(self._folder)
            self._files[part].write(key, value)
        except (OSError, sqlite3.Error) as error:
            return str(error)
        return ""

    def _bring_back(self) -> None:
        """Try one of those in memory again."""
        key, value = next(iter(self._held.items()))
        if not self._refused(key, value):
            self._uncount(key)
            self._count(key, _Kept(len(value), zlib.crc32(value)), None)
            if not self._held:
                log.info("the disk takes the journal again: nothing of it is in memory")

    def _count(self, key: bytes, kept: _Kept, held: bytes | None) -> None:
        self._kept[key] = kept
        self._bytes += kept.length
        if held is not None:
            self._held[key] = held
            self._bytes_held += kept.length

    def _uncount(self, key: bytes) -> None:
        if kept := self._kept.pop(key, None):
            self._bytes -= kept.length
            if self._held.pop(key, None) is not None:
                self._bytes_held -= kept.length

    def _measure(self) -> None:
        metrics.JOURNAL_BYTES.labels("disk").set(self._bytes - self._bytes_held)
        metrics.JOURNAL_BYTES.labels("memory").set(self._bytes_held)


class _File:
    """Values by key in one file. Raises OSError and sqlite3.Error where the disk does not do it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="journal-", dir=folder)
        os.close(handle)
        try:
            self._database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self._database.close)
            for pragma in _PRAGMAS:
                self._database.execute(f"PRAGMA {pragma}")
            self._database.execute("CREATE TABLE kept (key BLOB PRIMARY KEY, value BLOB NOT NULL)")
        finally:
            os.unlink(name)

    def read(self, key: bytes) -> bytes | None:
        found = self._database.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return found and bytes(found[0])

    def write(self, key: bytes, value: bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

    def delete(self, key: bytes) -> None:
        self._database.execute("DELETE FROM kept WHERE key = ?", (key,))
