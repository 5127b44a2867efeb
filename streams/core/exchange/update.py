"""Updates: what one partition publishes to another of tokens, links and orders; in Kafka each has a segment's form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from streams.core.columns.dictionary import Dictionary
from streams.core.columns.run import KeyedRows, none
from streams.core.identity.links import Links
from streams.core.journal.cutting import RAW_LIMIT, cut
from streams.core.journal.segment import Segment, columns, decode, encode, new_codes, rows
from streams.core.journeys.kinds import TouchKind
from streams.core.orders.order import Order
from streams.core.orders.shared import OrderLocations


@dataclass
class PartitionUpdate:
    """Touches of the sender's tokens, with the words of their `kinds`; words of consent; `texts` of the long ids of
    both, by key; links; orders of tokens that are linked to the receiver's users, and orders that it has completed too,
    as the sender knows them; and where orders were completed."""

    touches: KeyedRows = field(default_factory=none)
    consents: KeyedRows = field(default_factory=none)
    links: Links = field(default_factory=lambda: Links.joined(()))
    orders: list[Order] = field(default_factory=list)
    shared_orders: list[Order] = field(default_factory=list)
    places: list[OrderLocations] = field(default_factory=list)
    kinds: Mapping[int, TouchKind] = field(default_factory=dict)
    texts: list[tuple[int, int, str]] = field(default_factory=list)

    def recoded(self, kinds: Dictionary[TouchKind]) -> KeyedRows:
        """The touches, with their kinds numbered as in `kinds`."""
        table = new_codes(self.kinds, kinds)
        return self.touches if table is None else self.touches._replace(kind=table[self.touches.kind])


def encoded(update: PartitionUpdate) -> Iterator[bytes]:
    """The update as values of records, each small enough for Kafka; none where it says nothing."""
    segment = Segment(
        kinds=dict(update.kinds),
        replicated=columns(update.touches),
        texts=update.texts,
        consents=columns(update.consents),
        links=columns(update.links.rows),
        foreign_orders=update.orders,
        places=update.places,
        shared_orders=update.shared_orders,
    )
    yield from (encode(part) for part in cut(segment, RAW_LIMIT) if part != Segment())


def decoded(value: bytes) -> PartitionUpdate:
    """An update that `encoded` gave, or a part of it. Raises ValueError where it is none."""
    segment = decode(value)
    return PartitionUpdate(
        touches=rows(segment.replicated),
        consents=rows(segment.consents),
        links=segment.new_links,
        orders=segment.foreign_orders,
        shared_orders=segment.shared_orders,
        places=segment.places,
        kinds=segment.kinds,
        texts=segment.texts,
    )
