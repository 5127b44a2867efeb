"""The journal: segments of state in a Faust table, durable in its compacted changelog topic.

A segment is opaque here: bytes of any number under a key (hour, epoch, sequence) in one partition. The journal stores,
lists and removes; what a segment means and which are void is the ledger's business. A worker has them on its disk.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from pathlib import Path

import faust
import structlog
from faust.types import TP, EventT

from streams import failpoints
from streams.core.journal.chunks import KEY_BYTES, ChunkError, chunked, is_chunk, owner, suffixes, whole
from streams.core.journal.segment import SegmentKey
from streams.sources.kafka.table_store import GIVEN, STORE
from streams.worker.journal_values import JournalValues
from streams.worker.ports import RevokedError

#: A record has at most so many bytes, a larger segment is chunked; Kafka refuses a record of 1 MiB.
MAX_RECORD_BYTES = 768 * 1024

# Partition, hour, epoch, sequence. The partition is in the key because a table holds all its partitions in one map.
_KEY = struct.Struct(">Iqqq")
# Chunks that no segment names are remains of a writer that has ended, or of one that was stopped between them and their
# segment, and may go on. Nobody goes on after `_LONGEST_WRITE`, so after ten times that they are remains.
_LONGEST_WRITE = 60.0  # s
_REMAINS_AFTER = 600.0  # s
# Recovery holds back this many segments before it applies them; Faust's default would be 1000, up to 512 MB.
_RECOVERY_BUFFER = 32

Restored = Callable[[set[int]], Awaitable[None]]
log = structlog.get_logger(__name__)


class Journal:
    """The segments of the partitions that this worker owns.

    `append` and `remove` may be called for a partition from its restoration until it is revoked.
    """

    def __init__(self, app: faust.App, name: str = "journal") -> None:
        self._app, self._values = app, JournalValues(Path(app.conf.datadir))
        self._table: faust.Table[bytes, bytes] = app.Table(
            name,
            store=STORE,
            options={GIVEN: self._values},
            key_type=bytes,
            value_type=bytes,
            recovery_buffer_size=_RECOVERY_BUFFER,
            on_changelog_event=self._on_record,
        )
        self._offsets: dict[bytes, int] = {}  # where records were found, by key
        self._unnamed: dict[bytes, float] = {}  # since when (monotonic, s) chunks are known that no segment names
        self._restored: list[Restored] = []
        self._table.on_recover(self._on_recover)
        app.on_partitions_revoked.connect(self._on_revoked)

    @property
    def topic(self) -> str:
        """The name of the changelog topic; it needs as many partitions as the topics whose effects it keeps."""
        name: str = self._table.changelog_topic_name
        return name

    def on_restored(self, callback: Restored) -> Restored:
        """Have `callback(partitions)` awaited after each assignment, when all segments of these partitions are here.

        No agent gets a batch before it returns. An error in it stops the worker, since the state would be wrong.
        """
        self._restored.append(callback)
        return callback

    async def append(self, partition: int, key: SegmentKey, value: bytes) -> None:
        """Store a segment, in place of what is there under its key; returns when the broker has acknowledged it.

        Raises:
            aiokafka.errors.KafkaError: the broker did not take it; what was there is still there, trying again is safe.
        """
        raw = _KEY.pack(partition, *key)
        before, (head, chunks) = self._values.get(raw), chunked(value, MAX_RECORD_BYTES)
        if chunks:
            await self._store_chunks(partition, {raw + suffix: chunk for suffix, chunk in chunks.items()})
            failpoints.passing("chunked")
        await self._store(partition, raw, head)
        if old := [raw + suffix for suffix in suffixes(before) if suffix not in chunks]:
            failpoints.passing("named")
            await self._discard(partition, old)

    async def _store_chunks(self, partition: int, chunks: dict[bytes, bytes]) -> None:
        """Store them; all again where that took so long that the next owner may have discarded the first."""
        begun = float("-inf")
        while time.time() - begun > _LONGEST_WRITE:
            begun = time.time()  # goes on while the process is stopped
            for raw, chunk in chunks.items():
                await self._store(partition, raw, chunk)

    def segments(
        self, partition: int, only: Collection[SegmentKey] | None = None
    ) -> Iterator[tuple[SegmentKey, bytes]]:
        """The segments of a partition, or `only` those, in the order of (epoch, sequence), each read as it is asked
        for. Raises ChunkError for one with a chunk missing, which says where it lies, and RevokedError."""
        keys = self._keys(partition) if only is None else only
        for key in sorted(keys, key=lambda key: (key.epoch, key.sequence)):
            raw = _KEY.pack(partition, *key)
            head = self._values.get(raw)
            if head is None:
                raise RevokedError
            yield key, self._whole(partition, key, raw, head)

    def _keys(self, partition: int) -> list[SegmentKey]:
        return [
            SegmentKey(*_KEY.unpack(raw)[1:])
            for raw in self._values
            if owner(raw) == partition and len(raw) == KEY_BYTES
        ]

    def _whole(self, partition: int, key: SegmentKey, raw: bytes, head: bytes) -> bytes:
        try:
            return whole(head, lambda suffix: self._values.get(raw + suffix))
        except ChunkError as error:
            raise ChunkError(f"{self.place(partition, key)}: {error}") from None

    def place(self, partition: int, key: SegmentKey) -> str:
        """Where that segment lies, in words: topic, partition, and offset where it was read from the topic."""
        offset = self._offsets.get(_KEY.pack(partition, *key))
        return f"{self.topic}/{partition} offset {'not known' if offset is None else offset}, segment {tuple(key)}"

    async def remove(self, partition: int, keys: Iterable[SegmentKey]) -> None:
        """Delete segments for good; returns when the broker has acknowledged all of it.

        Raises:
            aiokafka.errors.KafkaError: the broker did not take all of it; trying again is safe.
        """
        raws = [_KEY.pack(partition, *key) for key in keys]
        chunks = [raw + suffix for raw in raws for suffix in suffixes(self._values.get(raw))]
        await asyncio.gather(*(self._send(partition, raw, None) for raw in raws))
        await self._discard(partition, chunks)
        self._drop(raws)

    async def discard_remains(self, partition: int) -> None:
        """Delete chunks that no segment has named since long ago. Nothing may be appended to the partition meanwhile.

        Raises:
            aiokafka.errors.KafkaError: the broker did not take all of it; trying again is safe.
        """
        chunks = {raw for raw in self._values if is_chunk(raw) and owner(raw) == partition}
        heads = {raw[:KEY_BYTES] for raw in chunks}
        named = {raw + suffix for raw in heads for suffix in suffixes(self._values.get(raw))}
        now, unnamed = time.monotonic(), chunks - named
        for raw in unnamed:
            self._unnamed.setdefault(raw, now)
        for raw in named:
            self._unnamed.pop(raw, None)
        remains = sorted(raw for raw in unnamed if now - self._unnamed[raw] >= _REMAINS_AFTER)
        if remains:
            log.info(
                "what is left of segments whose writing broke off is deleted", partition=partition, chunks=len(remains)
            )
            await self._discard(partition, remains)

    def forget(self, partition: int) -> None:
        """Free what a partition's segments take; the next assignment brings them back from the broker."""
        for raw in [raw for raw in self._values if owner(raw) == partition]:
            self._offsets.pop(raw, None)
            self._unnamed.pop(raw, None)
        self._values.drop(partition)

    async def _store(self, partition: int, raw: bytes, value: bytes) -> None:
        await self._send(partition, raw, value)
        self._values[raw] = value
        self._offsets.pop(raw, None)

    async def _discard(self, partition: int, raws: list[bytes]) -> None:
        await asyncio.gather(*(self._send(partition, raw, None) for raw in raws))
        self._drop(raws)

    async def _send(self, partition: int, raw: bytes, value: bytes | None) -> None:
        # Shielded, so that a cancelled caller does not cancel a record that the broker may have.
        await asyncio.shield(self._table.send_changelog(partition, raw, value, value_serializer="raw"))

    def _drop(self, raws: Iterable[bytes]) -> None:
        for raw in raws:
            self._offsets.pop(raw, None)
            self._unnamed.pop(raw, None)
            self._values.pop(raw, None)

    async def _on_record(self, event: EventT[bytes]) -> None:
        message = event.message
        if owner(message.key) != message.partition:
            where = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
            log.warning("a record in the journal is none of ours: it is passed over", **where)
        elif message.value is not None:
            self._offsets[message.key] = message.offset

    async def _on_revoked(self, _app: faust.App, revoked: set[TP], **_kwargs: object) -> None:
        for tp in revoked:
            if tp.topic == self.topic:
                self.forget(tp.partition)

    async def _on_recover(self) -> None:
        partitions = {tp.partition for tp in self._app.assignor.assigned_actives() if tp.topic == self.topic}
        try:
            for callback in self._restored:
                await callback(partitions)
        except Exception as error:
            await self._app.crash(error)
