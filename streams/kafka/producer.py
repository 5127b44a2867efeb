"""Producer of the records that a worker sends to dead-letter topics and to other partitions."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

from streams.core.events.batch import Forward
from streams.core.events.dead_letters import Failure, encode_headers
from streams.core.events.topics import ALERTS, FORWARDED, dead_letters_of
from streams.core.events.watermark import DeadLetter
from streams.core.exchange.seal import Seal


class RecordProducer:
    """Sends through the app's producer, to topics as they are `named` in Kafka. All methods raise KafkaError where the
    broker did not take all of it."""

    def __init__(self, app: faust.App, seal: Seal, named: Callable[[str], str]) -> None:
        self._app, self._seal, self._named = app, seal, named

    async def send_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Send records that could not be used to `<topic>.dlq`, as they came."""
        await _all([await self._bury(letter) for letter in letters])

    async def _bury(self, letter: DeadLetter) -> Awaitable[Any]:
        source = (self._named(letter.topic), letter.partition, letter.offset)
        headers = encode_headers(Failure(letter.reason, letter.error, *source, time.time_ns() // 1_000_000))
        topic = dead_letters_of(letter.topic)
        value = b"" if letter.key is None and letter.value is None else letter.value  # Kafka's client wants one of them
        return await self._send(topic, letter.key, value, None, headers)

    async def forward(self, forwards: Sequence[Forward]) -> None:
        """Send records on to the partitions they are for."""
        await _all([await self._forward(each) for each in forwards])

    async def _forward(self, each: Forward) -> Awaitable[Any]:
        return await self._send(FORWARDED, each.key, each.value, each.target, self._seal.headers(each))

    async def alert(self, goal: str, record: bytes) -> None:
        """Send the record of an alert, with the goal's id as its key."""
        await (await self._send(ALERTS, goal.encode(), record, None, []))

    async def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        headers: list[tuple[str, bytes]],
    ) -> Awaitable[Any]:
        try:
            sent: Awaitable[Any] = await self._app.producer.send(
                self._named(topic), key, value, partition, None, headers
            )
        except ProducerSendError as error:
            raise KafkaError(str(error)) from error
        return sent


async def _all(sent: Sequence[Awaitable[Any]]) -> None:
    await asyncio.gather(*sent)
