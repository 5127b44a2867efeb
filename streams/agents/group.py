"""The consumer group of a worker: what it commits, how far behind it is, and its end."""

import signal
from collections.abc import Iterable

import faust
from faust.types import TP

from streams.config.brokers import Brokers
from streams.core.events.continuity import Available


class StoppedError(Exception):
    """The worker ended by itself; the text says why."""


class ConsumerGroup:
    """The consumer group, as the worker sees it."""

    def __init__(self, app: faust.App, brokers: Brokers) -> None:
        self._app, self._brokers = app, brokers

    async def commit(self) -> bool:
        """Commit what is acknowledged; whether the coordinator accepted it, and this worker."""
        return bool(await self._app.consumer.commit_now())

    def lag(self) -> dict[tuple[str, int], int]:
        """Records not worked on yet, by topic and partition."""
        plain = self._brokers.plain
        return {(plain(tp.topic), tp.partition): records for tp, records in self._app.consumer.lag().items()}

    async def available(self, topics: Iterable[str], partition: int) -> dict[str, Available]:
        """What that partition of each topic holds. Raises KafkaError."""
        found = await self._app.consumer.available([TP(self.topic(topic), partition) for topic in topics])
        return {self._brokers.plain(tp.topic): available for tp, available in found.items()}

    @property
    def name(self) -> str:
        """The group's id, as Kafka's own tools want it."""
        return str(self._app.conf.id)

    def topic(self, name: str) -> str:
        """What a topic is called in Kafka."""
        return self._brokers.topic(name)

    def stop(self, reason: str) -> None:
        """End the process as SIGTERM does, what was done written and committed, but with exit status 1."""
        self._app.beacon.root.data.crash_reason = StoppedError(reason)
        signal.raise_signal(signal.SIGTERM)
