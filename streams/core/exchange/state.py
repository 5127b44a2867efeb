"""The state of a partition: what it knows of touches, people and orders, its own and those of others."""

from collections.abc import Collection
from typing import Any

from streams.core.catalogue.model import Catalogue
from streams.core.columns.message_ids import MessageIds
from streams.core.columns.stored.keeper import IN_MEMORY, RunKeeper
from streams.core.columns.stored.runs import Runs
from streams.core.events.watermark import Watermark
from streams.core.exchange.router import Router
from streams.core.exchange.subscriptions import Subscriptions
from streams.core.identity.consents import Consents
from streams.core.identity.linker import Linker
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import Segment, rows
from streams.core.journeys.kinds import TouchKinds
from streams.core.journeys.touches import TouchIndex
from streams.core.journeys.unlisted import MOST, Unlisted
from streams.core.orders.shared import SharedOrders
from streams.core.orders.store import OrderStore


class PartitionState:
    """All that one partition knows, empty at first. Who works on it keeps nothing of it for itself."""

    def __init__(
        self,
        catalogue: Catalogue,
        clock: Watermark,
        tokens: Tokens,
        router: Router,
        campaigns: int = MOST,
        scoped: bool = False,
    ) -> None:
        """`campaigns`: how many that the catalogue does not list are told apart in a day; `scoped`: whether orders have
        scopes."""
        self.tokens = tokens
        self.ids, self.kinds, self.clock = MessageIds(), TouchKinds(catalogue), clock
        self.touches = TouchIndex(self.ids.text, self.kinds.shown)
        self.linking = Linker(tokens, router.partitions)
        self.consents = Consents(tokens)
        self.unlisted = Unlisted(catalogue, campaigns)
        self.shared = SharedOrders(router.partition, router.partitions, scoped)
        self.book = OrderStore(catalogue, tokens, self.unlisted, self.shared)
        self.subscriptions = Subscriptions(self.linking.links, router.partition)
        self.keeper: RunKeeper = IN_MEMORY

    def keep(self, keeper: RunKeeper) -> None:
        """Have what is beyond the room of that keeper in its files, from now on."""
        self.keeper = keeper
        for each in self._runs:
            each.keeper = keeper

    @property
    def _runs(self) -> list[Runs]:
        """All that may be in files."""
        return [self.touches.runs, self.touches.replicated.runs, self.linking.seen.runs]

    def settle(self) -> None:
        """Move runs to files while those in memory are more than there is room for, the largest first."""
        room, runs = self.keeper.room, self._runs
        while room is not None and sum(each.staying for each in runs) > room:
            most = max(runs, key=lambda each: each.largest)
            if not most.largest or not most.move():
                return

    def rest(self) -> None:
        """What was read of files need not be in memory now."""
        for each in self._runs:
            each.rest()

    def use(self, catalogue: Catalogue) -> None:
        """Go by that catalogue from now on."""
        self.kinds.use(catalogue)
        self.unlisted.use(catalogue)
        self.book.use(catalogue)

    def fold(self, segment: Segment) -> None:
        """Take in what a segment has beside its own touches."""
        self.touches.replicated.add(rows(segment.replicated))
        self.subscriptions.put(segment.foreign_orders)
        self.shared.locate(segment.places)
        self.shared.put(segment.shared_orders)
        self.consents.restore(rows(segment.consents), segment.texts)
        self.linking.links.add(segment.new_links)
        self.linking.seen.add(rows(segment.identified))
        self.unlisted.put(segment.unlisted.items())
        for order in segment.orders:
            self.book.put(order)
        self.settle()

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What is kept in Python objects, by sort: to be measured."""
        parts = (self.book, self.subscriptions, self.shared, self.linking, self.kinds, self.unlisted)
        return {"texts": self.ids.texts} | {sort: things for part in parts for sort, things in part.held.items()}

    @property
    def disk(self) -> int:
        """The bytes of all files."""
        return sum(each.disk for each in self._runs)

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays in memory: of touches, links, identity messages and consents."""
        linking = self.linking.links.nbytes + self.linking.seen.nbytes
        return self.touches.nbytes + linking + self.consents.nbytes
