"""Routing: what a partition sends to others, through the internal topic `forwarded`, and what it makes of theirs.

A record that lies in another partition than its routing key hashes to goes on to that one. A reversal that finds no
order is offered to every other partition; the one that has the order claims it from the reversal's own. What is known
of linked tokens is lent (see lending.py), and erased in all of them (see eraser.py).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.admission import Batch, Origin
from streams.core.events import Checkout, Engagement
from streams.core.identity import Identification
from streams.core.orders import Reversal
from streams.core.partitioner import partitions_of
from streams.core.runs import Mask
from streams.core.tokens import token_of, tokens_of

FORWARDED = "forwarded"
# Purposes of a forwarded record.
EVENT, OFFER, CLAIM, LEND, ERASE = "event", "offer", "claim", "lend", "erase"


class Forward(NamedTuple):
    """A record for another partition, as it came; what is lent is a segment."""

    target: int
    origin: Origin
    key: bytes | None
    value: bytes | None


def engagement_keys(events: Sequence[Engagement]) -> list[str]:
    """The routing keys of engagement events: the user token, else the message's own id."""
    return [token or event.message_id for token, event in zip(tokens_of(events), events, strict=True)]


def checkout_keys(events: Sequence[Checkout]) -> list[str]:
    """Those of checkout events: the user token, else the order's id, so that an order completed twice without a token
    meets itself (that is the message's own where it has none)."""
    return [token_of(event.envelope) or event.order_id for event in events]


def identity_keys(events: Sequence[Identification]) -> list[str]:
    """Those of identity messages: the anonymous token."""
    return [event.anonymous for event in events]


class Router:
    """Knows its own partition and how many there are."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.partition, self.partitions = partition, partitions

    def astray(self, batch: Batch, at: Sequence[int], keys: Sequence[str]) -> tuple[Mask, list[Forward]]:
        """Which of the events (at those positions of the batch) belong elsewhere by their keys; what to send there."""
        target = partitions_of([key.encode() for key in keys], self.partitions)
        away = target != self.partition
        places = [(at[i], int(target[i])) for i in np.flatnonzero(away).tolist()]
        origins = (Origin(EVENT, batch.topic, self.partition, batch.offsets[i]) for i, _ in places)
        sent = zip(places, origins, strict=True)
        return away, [Forward(to, origin, batch.keys[i], batch.values[i]) for (i, to), origin in sent]

    def offers(self, reversal: Reversal, topic: str) -> list[Forward]:
        """To every other partition: does the order of this reversal live there?"""
        return self.to_others(Origin(OFFER, topic, self.partition, reversal.offset), reversal.key, reversal.value)

    def to_others(self, origin: Origin, key: bytes | None, value: bytes | None) -> list[Forward]:
        """That record to every other partition."""
        others = (number for number in range(self.partitions) if number != self.partition)
        return [Forward(number, origin, key, value) for number in others]

    def claim(self, reversal: Reversal, topic: str) -> Forward:
        """To the reversal's own partition: its order is here."""
        origin = Origin(CLAIM, topic, self.partition, reversal.offset)
        return Forward(reversal.home, origin, reversal.key, reversal.value)


def by_origin(batch: Batch) -> Iterator[tuple[str, Batch]]:
    """The records of a batch of `forwarded` as batches of the topics and partitions they come from, by purpose."""
    groups: dict[tuple[str, str, int], list[int]] = {}
    for at, origin in enumerate(batch.origins):
        groups.setdefault(origin[:3], []).append(at)
    for (purpose, topic, partition), places in groups.items():
        offsets = [batch.origins[i].offset for i in places]
        values, keys = [batch.values[i] for i in places], [batch.keys[i] for i in places]
        yield purpose, Batch(topic, values, keys, offsets, partition)
