"""A token's records in Kafka: the request to forget it, what the journal has of it, and its dead letters.

Kafka lets go of records only up to an offset. So dead letters of others that lie before the last one of the token are
written again, as they were, and then everything up to it is deleted. A crash between leaves copies, which `dlq replay`
sends once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import cramjam
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.core.columns.murmur2 import partitions_of
from streams.core.events.topics import ERASURES, FORWARDED, KEYED, dead_letters_of
from streams.core.identity.tokens import Tokens
from streams.core.journal.chunks import is_chunk, suffixes
from streams.core.journal.segment import SegmentError, decode
from streams.core.privacy.requests import request, scrubbed
from streams.kafka.clients import Address, BrokerError, aiokafka_settings, brokers_at, refusal

_PATIENCE_MS = 500
_UNTIL_READ, _LOOK = 10.0, 0.2  # s that reading what is to be deleted may take, and between looks
_UNTIL_ENDED = 3.0  # s until a client is asked to end once more
_FETCH_MS = 20  # that the broker waits for more; meanwhile it answers for no other partition
_LARGEST = 64 << 20  # bytes of a request


class Person:
    """Who is to be forgotten: the `token`, and its `hash`."""

    def __init__(self, token: str, tokens: Tokens) -> None:
        self.token, self.hash, self._tokens = token, tokens.hash(token), tokens
        self._bytes = [self.hash.to_bytes(8, order) for order in ("little", "big")]
        self._texts = {msgspec.json.encode(token), f'"{_ascii(token)}"'.encode()}

    def in_segment(self, value: bytes) -> bool:
        """Whether that record of the journal has anything of the person. Raises ValueError where its users are hashed
        with another key."""
        try:
            segment = decode(raw := bytes(cramjam.zstd.decompress(value)))
        except (cramjam.DecompressionError, SegmentError):
            return any(form in value for form in self._bytes)  # none of ours: a worker says what to do
        if segment.token_key not in (0, self._tokens.fingerprint):
            raise ValueError(
                "users in the journal are hashed with another MAALSTROM_TOKEN_KEY, so nothing was looked for; set the "
                "worker's"
            )
        if any(form in raw for form in self._bytes):
            return True
        waits = any(order.waiting or order.priced for order in segment.orders)
        return waits and scrubbed(segment, self.hash) != segment

    def in_letter(self, key: bytes | None, value: bytes | None) -> bool:
        """Whether a dead letter with that key and those bytes is the person's, or names them; of bytes that are no
        JSON, whether they have the token in quotation marks."""
        if key == self.token.encode():
            return True
        try:
            message = msgspec.json.decode(value or b"")
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return any(text in (value or b"") for text in self._texts)
        names = ("userId", "anonymousId", "previousId")
        return isinstance(message, dict) and self.token in [message.get(name) for name in names]


def _ascii(token: str) -> str:
    """The token as JSON text without letters beyond ASCII."""
    units = token.encode("utf-16-be")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)


@asynccontextmanager
async def topics_of(bootstrap: Address, group: str, keyed: Sequence[str] = KEYED) -> AsyncIterator[Topics]:
    """The topics at that broker, as the consumer group `group` reads them; messages come in the `keyed` ones. Raises
    BrokerError."""
    settings, named = aiokafka_settings(bootstrap), brokers_at(bootstrap).topic
    # Who reads by offsets is in no group: the routine of a group fails while partitions are assigned anew.
    consumer = AIOKafkaConsumer(**settings, enable_auto_commit=False, fetch_max_wait_ms=_FETCH_MS)
    worker = AIOKafkaConsumer(**settings, group_id=group, enable_auto_commit=False)
    producer = AIOKafkaProducer(**settings, acks="all", max_request_size=_LARGEST)
    try:
        await _started(bootstrap, consumer, worker, producer)
        yield Topics(consumer, worker, producer, settings, named, keyed)
    except KafkaError as error:
        raise BrokerError(f"the Kafka broker at {bootstrap} failed a request: {error}") from error
    finally:
        for client in (consumer, worker, producer):
            await _stopped(client)


async def _started(bootstrap: Address, *clients: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    try:
        for client in clients:
            await client.start()
    except KafkaError as error:
        raise await refusal(brokers_at(bootstrap), error) from error


async def _stopped(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client; one whose routine lost the first request to end, as just after `assign`, is asked again."""
    with suppress(TimeoutError):
        await asyncio.wait_for(client.stop(), _UNTIL_ENDED)


class Topics:
    """What an erasure does with topics, named as in Kafka; `worker` knows what its group has read. All methods
    raise KafkaError, those that delete BrokerError."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        worker: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        settings: dict[str, Any],
        named: Callable[[str], str],
        keyed: Sequence[str],
    ) -> None:
        self._consumer, self._worker, self._producer = consumer, worker, producer
        self._settings, self._named = settings, named
        self._keyed = keyed

    async def ask(self, person: Person) -> tuple[int, int]:
        """Send the request to the partition that the token lives in; where it is: partition and offset."""
        topic = self._named(ERASURES)
        count = len(await self._producer.partitions_for(topic))
        partition = int(partitions_of([person.token.encode()], count)[0])
        sent = await self._producer.send_and_wait(topic, request(person.hash), partition=partition)
        return partition, sent.offset

    async def has(self, topic: str) -> bool:
        """Whether there is such a topic."""
        return topic in await self._consumer.topics()

    async def taken(self, partition: int, offset: int) -> bool:
        """Whether the group has read the request at that place."""
        return (await self._worker.committed(TopicPartition(self._named(ERASURES), partition)) or 0) > offset

    async def read(self, topic: str, since: dict[TopicPartition, int]) -> AsyncIterator[ConsumerRecord]:
        """What the topic holds now, from the offsets `since`, which move on."""
        parts = await self._partitions(topic)
        begins, ends = await self._consumer.beginning_offsets(parts), await self._consumer.end_offsets(parts)
        if self._consumer.assignment() != set(parts):
            self._consumer.assign(parts)
        for part, end in ends.items():
            self._consumer.seek(part, max(begins[part], since.get(part, 0)))
            while await self._consumer.position(part) < end:
                for records in (await self._consumer.getmany(part, timeout_ms=_PATIENCE_MS)).values():
                    for record in (record for record in records if record.offset < end):
                        yield record
            since[part] = end

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        numbers = await self._producer.partitions_for(topic) if await self.has(topic) else ()
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    async def letters(self, person: Person) -> list[ConsumerRecord]:
        """The person's dead letters."""
        return [
            record
            for topic in map(self._named, map(dead_letters_of, self._keyed))
            async for record in self.read(topic, {})
            if person.in_letter(record.key, record.value)
        ]

    async def remove(self, letters: Iterable[ConsumerRecord], person: Person) -> None:
        """Delete those dead letters of the person, and keep all others."""
        last: Counter[TopicPartition] = Counter()
        for letter in letters:
            part = TopicPartition(letter.topic, letter.partition)
            last[part] = max(last[part], letter.offset)
        for topic in {part.topic for part in last}:
            async for record in self.read(topic, {}):
                part = TopicPartition(topic, record.partition)
                if record.offset < last[part] and not person.in_letter(record.key, record.value):
                    await self._again(record)
        await self._delete({part: offset + 1 for part, offset in last.items()})

    async def _again(self, record: ConsumerRecord) -> None:
        where: dict[str, Any] = {"partition": record.partition, "timestamp_ms": record.timestamp}
        value = b"" if record.key is record.value is None else record.value  # the client wants one of them
        await self._producer.send_and_wait(record.topic, value, record.key, headers=list(record.headers), **where)

    async def trim(self) -> None:
        """Delete the forwarded records that there are, once the group has read them, at the latest in some seconds:
        they have tokens' hashes. The requests stay as long as the events that they are about, so that a replay of these
        follows them."""
        parts = await self._partitions(self._named(FORWARDED))
        ends, deadline = await self._consumer.end_offsets(parts), time.monotonic() + _UNTIL_READ
        read = await self._read(parts)
        while any(read[part] < ends[part] for part in parts) and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK)
            read = await self._read(parts)
        begins = await self._consumer.beginning_offsets(parts)
        await self._delete({part: offset for part, offset in read.items() if offset > begins[part]})

    async def _read(self, parts: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {part: await self._worker.committed(part) or 0 for part in parts}

    async def _delete(self, before: dict[TopicPartition, int]) -> None:
        if not before:
            return
        admin = AIOKafkaAdminClient(**self._settings)
        try:
            await admin.start()
            await admin.delete_records({part: RecordsToDelete(offset) for part, offset in before.items()})
        except KafkaError as error:
            raise BrokerError(f"the Kafka broker did not delete records: {error or type(error).__name__}") from error
        finally:
            await admin.close()


class JournalView:
    """What the journal's topic holds: the segments in force that have something of a person, and replaced records that
    do until Kafka compacts them."""

    def __init__(self, topics: Topics, topic: str, person: Person) -> None:
        self._topics, self._topic, self._person = topics, topic, person
        self._since: dict[TopicPartition, int] = {}
        self._named: dict[bytes | None, bool] = {}
        self._chunks: dict[bytes, bytes] = {}
        self.replaced = 0

    async def look(self) -> int:
        """How many segments in force have something of the person, as of now. Raises BrokerError."""
        if not await self._topics.has(self._topic):
            raise BrokerError(
                f"there is no topic {self._topic}, the journal; set MAALSTROM_APP_ID to that of the worker"
            )
        async for record in self._topics.read(self._topic, self._since):
            self.replaced += self._named.get(record.key, False)
            self._named[record.key] = bool(record.value) and self._has(record.key or b"", record.value)
        return sum(self._named.values())

    def _has(self, key: bytes, value: bytes) -> bool:
        """Whether that segment has anything of the person; its chunks have come before it."""
        if is_chunk(key):
            self._chunks[key] = value
            return False
        chunks = [key + suffix for suffix in suffixes(value)]
        parts = [self._chunks.pop(chunk, b"") for chunk in chunks]
        return self._person.in_segment(b"".join(parts) or value)
