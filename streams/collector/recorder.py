"""Records on their way to Kafka: taken once all of them are acknowledged by every replica in step, else refused."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.kafka.clients import Address, brokers_at, librdkafka_settings
from streams.telemetry import collector_metrics as metrics

MOST_BYTES = 32 << 20  # of records that wait for their acknowledgement
MOST_RECORDS = 100_000
PATIENCE = 5.0  # s without an acknowledgement, after which a record is refused
LARGEST = 2 << 20  # bytes of a record
MOST_OFFERS = 10_000  # that are tried again and again at once
OFFER_SECONDS = 300.0  # for which they are
_AGAIN = 1.0  # s between two tries
_LOOK = 2.0  # s between looks at the broker, and in which it has to answer
_EVERY = 0.002  # s between looks for acknowledgements, while anything waits
_IDLE = 0.5  # s, while nothing does
_LINGER_MS = 5  # for records to share a request to the broker
log = structlog.get_logger(__name__)


class Outgoing(NamedTuple):
    """What Kafka is to keep: the key decides the partition, as Java's producers have it."""

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()

    @property
    def size(self) -> int:
        """About how much memory it takes while it waits."""
        return len(self.key) + len(self.value) + 200


class NotTakenError(Exception):
    """Kafka has not acknowledged all of it; the text says why. It may come again: nothing is counted twice."""


class _Waiting:
    """Records that were sent together, until each of them is answered for."""

    __slots__ = ("done", "failed", "left", "size")

    def __init__(self, left: int, size: int, done: asyncio.Future[None]) -> None:
        self.left, self.size, self.done = left, size, done
        self.failed = ""

    def answered(self, error: KafkaError | None, _: Message | None = None) -> None:
        """Note that a record is acknowledged, or never will be."""
        self.over(error.str() if error is not None else "")

    def over(self, failed: str) -> None:
        """Note that a record is done with, and failed where there are words for it."""
        self.failed = failed or self.failed
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class Recorder:
    """Sends records to one topic. Never holds more than MOST_BYTES: what would be more is refused at once."""

    def __init__(self, bootstrap: Address, topic: str) -> None:
        self._settings = {
            **librdkafka_settings(bootstrap),
            "enable.idempotence": True,  # and with it acks=all, in order
            "partitioner": "murmur2_random",
            "message.timeout.ms": int(PATIENCE * 1000),
            "message.max.bytes": LARGEST,
            "queue.buffering.max.messages": 2 * MOST_RECORDS,
            "queue.buffering.max.kbytes": 4 * MOST_BYTES // 1024,
            "linger.ms": _LINGER_MS,
            "reconnect.backoff.max.ms": 1000,
            "log_level": 0,
        }
        self._topic = brokers_at(bootstrap).topic(topic)
        self._producer = self._made()
        self._dying: list[Producer] = []  # that broke; each answers for what it was given
        self._fatal = False
        self._bytes = self._records = 0
        self._why = ""  # the last record was refused
        self._absent = "it was not asked yet"
        self._given = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._offers: set[asyncio.Task[None]] = set()

    def _made(self) -> Producer:
        return Producer({**self._settings, "error_cb": self._broke})

    def _broke(self, error: KafkaError) -> None:
        self._fatal = self._fatal or error.fatal()

    async def start(self) -> None:
        """Begin to look for acknowledgements."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        """Wait, at most PATIENCE, until everything is answered for."""
        if self._tasks:
            async with asyncio.timeout(PATIENCE + 1):
                while self._records:
                    await asyncio.sleep(_EVERY)
            for task in (*self._tasks, *self._offers):
                task.cancel()

    @property
    def waiting(self) -> tuple[int, int]:
        """Records and bytes that wait for their acknowledgement."""
        return self._records, self._bytes

    @property
    def offered(self) -> int:
        """How often records were offered that are not taken yet."""
        return len(self._offers)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Kafka, where it does not answer, has no such topic, or did not take the last records."""
        if why := self._absent or self._why:
            yield "kafka", why

    async def record(self, records: Sequence[Outgoing]) -> None:
        """Return once Kafka has acknowledged all of them. Raises NotTakenError: then any of them may be there."""
        if not records:
            return
        size = sum(record.size for record in records)
        if self._bytes + size > MOST_BYTES or self._records + len(records) > MOST_RECORDS:
            metrics.REFUSED.labels("full").inc()
            raise NotTakenError("too much waits for Kafka")
        waiting = _Waiting(len(records), size, asyncio.get_running_loop().create_future())
        self._bytes, self._records = self._bytes + size, self._records + len(records)
        waiting.done.add_done_callback(lambda _: self._settle(waiting, len(records)))
        for record in records:
            self._give(record, waiting)
        self._given.set()
        await asyncio.shield(waiting.done)
        if waiting.failed:
            metrics.REFUSED.labels("kafka").inc()
            raise NotTakenError(f"Kafka did not take it: {waiting.failed}")

    def offer(self, records: Sequence[Outgoing]) -> bool:
        """Record them while nobody waits for it, and try for OFFER_SECONDS where Kafka does not take them; False where
        too many are tried already."""
        if len(self._offers) >= MOST_OFFERS:
            metrics.REFUSED.labels("offers").inc()
            return False
        task = asyncio.create_task(self._insist(records))
        self._offers.add(task)
        task.add_done_callback(self._offers.discard)
        return True

    async def _insist(self, records: Sequence[Outgoing]) -> None:
        deadline = time.monotonic() + OFFER_SECONDS
        while True:
            try:
                return await self.record(records)
            except NotTakenError:
                if time.monotonic() > deadline:
                    metrics.REFUSED.labels("offers").inc()
                    return None
            await asyncio.sleep(_AGAIN)

    def _settle(self, waiting: _Waiting, records: int) -> None:
        self._bytes, self._records = self._bytes - waiting.size, self._records - records
        why = waiting.failed
        if bool(why) != bool(self._why):
            log.warning("kafka does not take records", error=why) if why else log.info("kafka takes records again")
        self._why = why

    def _give(self, record: Outgoing, waiting: _Waiting) -> None:
        try:
            self._producer.produce(
                self._topic, record.value, record.key, headers=list(record.headers), on_delivery=waiting.answered
            )
        except BufferError:
            waiting.over("the queue is full")
        except KafkaException as error:
            waiting.answered(error.args[0])

    async def _run(self) -> None:
        while True:
            if not self._records:
                await self._idle()
            self._look()
            await asyncio.sleep(_EVERY)

    async def _watch(self) -> None:
        while True:
            self._absent = await asyncio.to_thread(self._look_for_the_topic)
            await asyncio.sleep(_LOOK)

    def _look_for_the_topic(self) -> str:
        """What is wrong with the broker or the topic, and what to do; '' where nothing is."""
        try:
            found = self._producer.list_topics(self._topic, timeout=_LOOK).topics[self._topic]
        except KafkaException as error:
            return f"no broker answers ({error.args[0].str()}); start one, or set BROKER_URL"
        if found.error is not None:
            return f"topic {self._topic}: {found.error.str()}; make it with `maalstrom topics create`"
        return ""

    async def _idle(self) -> None:
        self._given.clear()
        try:
            async with asyncio.timeout(_IDLE):
                await self._given.wait()
        except TimeoutError:
            pass

    def _look(self) -> None:
        """Hear what was acknowledged. A producer that broke for good is replaced."""
        self._producer.poll(0)
        for dying in self._dying:
            dying.poll(0)
        self._dying = [dying for dying in self._dying if len(dying)]
        if self._fatal:
            log.warning("the producer broke, and is made anew")
            self._dying.append(self._producer)
            self._producer, self._fatal = self._made(), False
