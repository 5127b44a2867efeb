"""Whether the source topics still hold what this worker is to read next, as the broker says."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError

from streams.core.events.continuity import Available, GroupPartition, broken, out_of_range
from streams.core.events.topics import ERASURES, FORWARDED

LOOKS = 3  # at a topic that seems shorter than before: a new leader knows its end only after a moment
AGAIN = 1.0  # s between looks

log = structlog.get_logger(__name__)


class SourceGroup(Protocol):
    """What is needed of the consumer group."""

    @property
    def name(self) -> str: ...

    def topic(self, name: str) -> str: ...

    async def available(self, topics: Iterable[str], partition: int) -> Mapping[str, Available]: ...


class SourceOffsets:
    """The source topics of the partitions that a group reads: `topics`, and the internal ones."""

    def __init__(self, group: SourceGroup, topics: Iterable[str]) -> None:
        self._group, self._topics = group, {*topics, ERASURES, FORWARDED}

    async def broken(self, partition: int, restored: Mapping[str, int], closed: Callable[[], bool]) -> str | None:
        """What is wrong with going on from the `restored` offsets (next ones, by topic); None where nothing is, or the
        partition was closed meanwhile."""
        for look in range(LOOKS):
            wrong = await self._wrong(partition, restored, closed)
            if wrong is None or closed():
                return None
            if look + 1 < LOOKS:
                await asyncio.sleep(AGAIN)
        return wrong

    async def _wrong(self, partition: int, restored: Mapping[str, int], closed: Callable[[], bool]) -> str | None:
        topics = self._topics | restored.keys()
        found = await self._available(sorted(topics), partition, closed)
        said = (broken(self._place(t, partition), restored.get(t), found[t]) for t in found)
        return next(filter(None, said), None)

    async def out_of_range(self, topic: str, partition: int, offset: int, closed: Callable[[], bool]) -> str | None:
        """Why the broker has no such offset, and what to do; None when it does not matter any more."""
        found = await self._available([topic], partition, closed)
        return out_of_range(self._place(topic, partition), offset, found[topic]) if found else None

    async def _available(
        self, topics: list[str], partition: int, closed: Callable[[], bool]
    ) -> Mapping[str, Available]:
        while not closed():
            try:
                return await self._group.available(topics, partition)
            except KafkaError as error:
                log.warning("the broker does not say what it has, trying again", partition=partition, error=repr(error))
                await asyncio.sleep(AGAIN)
        return {}

    def _place(self, topic: str, partition: int) -> GroupPartition:
        return GroupPartition(self._group.name, self._group.topic(topic), partition)
