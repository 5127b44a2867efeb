"""Routing: what a partition sends to others, through the internal topic `forwarded`, and what it makes of theirs.

A record that lies in another partition than its routing key hashes to goes on to that one. A reversal that finds no
order is offered to every other partition; the one that has the order claims it from the reversal's own. What is known
of linked tokens is published (see publisher.py), and erased in all of them (see privacy/eraser.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import structs

from streams.core.catalogue.model import Catalogue
from streams.core.columns.arrays import I64
from streams.core.columns.murmur2 import partitions_of
from streams.core.door.canonical import CompletionEvent, Event, Message, Reversal, Update
from streams.core.events.batch import Batch, Forward, Origin
from streams.core.exchange.messages import packed
from streams.core.orders.keys import keys_of
from streams.core.orders.order import Pending

# Purposes of a forwarded record.
EVENT, OFFER, CLAIM, UPDATE, ERASE = "event", "offer", "claim", "lend", "erase"
FOREIGN = "foreign"  # none of ours


def routing_key(event: Any, catalogue: Catalogue) -> str:
    """What decides the partition of an event: its user token, else its order, else its own id. So an order that is
    completed twice without a token meets itself."""
    message: Message = event.message
    ordered = not message.token and isinstance(event, CompletionEvent | Update | Reversal)
    return keys_of(event, catalogue)[0].key if ordered else message.routing_key


class Router:
    """Knows its own partition, and how many there are that keys live in; what is in one beyond those is sent on."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.partition, self.partitions = partition, partitions

    @property
    def alone(self) -> bool:
        """Whether nothing is ever forwarded."""
        return self.partitions == 1 and self.partition == 0

    def targets(self, keys: Sequence[str]) -> I64:
        """The partitions that those routing keys belong to."""
        return partitions_of([key.encode("utf-8", "surrogatepass") for key in keys], self.partitions)

    def misrouted(self, batch: Batch, at: int, event: Event, raw: bytes, target: int) -> Forward:
        """To the partition that an event of that batch belongs to: the event."""
        origin = Origin(EVENT, batch.topic, self.partition, batch.offsets[at])
        return Forward(target, origin, batch.keys[at], packed(event, raw))

    def offers(self, event: Update | Reversal, pending: Pending) -> list[Forward]:
        """To every other partition: does the order of this message live there?"""
        value = packed(event, pending.value, structs.replace(pending, home=self.partition))
        return self.to_others(Origin(OFFER, pending.topic, self.partition, pending.offset), pending.key, value)

    def to_others(self, origin: Origin, key: bytes | None, value: bytes | None) -> list[Forward]:
        """A record for every other partition."""
        others = (number for number in range(self.partitions) if number != self.partition)
        return [Forward(number, origin, key, value) for number in others]

    def claim(self, pending: Pending, home: int) -> Forward:
        """To the partition that a message waits in: its order is here."""
        origin = Origin(CLAIM, pending.topic, self.partition, pending.offset)
        return Forward(home, origin, pending.key, packed(None, pending=pending))


def by_origin(batch: Batch) -> Iterator[tuple[str, Batch]]:
    """The records of a batch of `forwarded` as batches of the topics and partitions they come from, by purpose."""
    groups: dict[tuple[str, str, int], list[int]] = {}
    for at, origin in enumerate(batch.origins):
        groups.setdefault(origin[:3], []).append(at)
    for (purpose, topic, partition), places in groups.items():
        offsets = [batch.origins[i].offset for i in places]
        values, keys = [batch.values[i] for i in places], [batch.keys[i] for i in places]
        yield purpose, Batch(topic, values, keys, offsets, partition, [batch.origins[i] for i in places])
