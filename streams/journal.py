"""The journal: segments of state in a Faust table, durable in its compacted changelog topic.

A segment is opaque here: bytes under a key (hour, epoch, sequence) in one partition. The journal stores, lists and
removes; what a segment means and which are void is the ledger's business.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable

import faust
from faust.types import TP

from streams.core.segment import SegmentKey

#: A segment is smaller than this; Kafka refuses a record of 1 MiB.
MAX_SEGMENT_BYTES = 512 * 1024

# Partition, hour, epoch, sequence. The partition is in the key because a table holds all its partitions in one map.
_KEY = struct.Struct(">Iqqq")
# Recovery holds back this many segments before it applies them; Faust's default would be 1000, up to 512 MB.
_RECOVERY_BUFFER = 32

Restored = Callable[[set[int]], Awaitable[None]]


class Journal:
    """The segments of the partitions that this worker owns.

    `append` and `remove` may be called for a partition from its restoration until it is revoked.
    """

    def __init__(self, app: faust.App, name: str = "journal") -> None:
        self._app = app
        self._table: faust.Table[bytes, bytes] = app.Table(
            name, key_type=bytes, value_type=bytes, recovery_buffer_size=_RECOVERY_BUFFER
        )
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
        """Store a segment; returns when the broker has acknowledged it.

        Raises:
            ValueError: it is too large: cut the batch.
            aiokafka.errors.KafkaError: the broker did not take it; nothing is stored here either, trying again is safe.
        """
        if len(value) >= MAX_SEGMENT_BYTES:
            raise ValueError(
                f"segment {key} has {len(value)} bytes, allowed are {MAX_SEGMENT_BYTES - 1}: cut the batch"
            )
        raw = _KEY.pack(partition, *key)
        await self._send(partition, raw, value)
        self._table.data[raw] = value

    def segments(self, partition: int) -> list[tuple[SegmentKey, bytes]]:
        """The segments of a partition in the order of (epoch, sequence)."""
        found = [
            (SegmentKey(hour, epoch, sequence), value)
            for (owner, hour, epoch, sequence), value in ((_KEY.unpack(k), v) for k, v in self._table.data.items())
            if owner == partition
        ]
        return sorted(found, key=lambda segment: (segment[0].epoch, segment[0].sequence))

    async def remove(self, partition: int, keys: Iterable[SegmentKey]) -> None:
        """Delete segments for good; returns when the broker has acknowledged all of it.

        Raises:
            aiokafka.errors.KafkaError: the broker did not take all of it; trying again is safe.
        """
        raws = [_KEY.pack(partition, *key) for key in keys]
        await asyncio.gather(*(self._send(partition, raw, None) for raw in raws))
        self._drop(raws)

    def forget(self, partition: int) -> None:
        """Free the memory of a partition's segments; the next assignment brings them back from the broker."""
        self._drop([raw for raw in self._table.data if _KEY.unpack(raw)[0] == partition])

    async def _send(self, partition: int, raw: bytes, value: bytes | None) -> None:
        # Shielded, so that a cancelled caller does not cancel a record that the broker may have.
        await asyncio.shield(self._table.send_changelog(partition, raw, value, value_serializer="raw"))

    def _drop(self, raws: Iterable[bytes]) -> None:
        data = self._table.data
        for raw in raws:
            if raw in data:
                del data[raw]

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
