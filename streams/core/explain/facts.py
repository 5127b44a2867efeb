"""What came of what was read, counted while it is read: the facts that a summary tells."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from streams.core.door import canonical
from streams.core.door.canonical import Event, Item, Touch
from streams.core.door.orders import NEW_CUSTOMER
from streams.core.events.campaigns import Campaigns
from streams.core.events.watermark import DeadLetter, Outcomes
from streams.core.journal.segment import Segment
from streams.core.orders.keys import field_of
from streams.core.orders.order import Completion, Order, amount_of
from streams.core.orders.value import in_force


@dataclass
class Completed:
    """How many conversions an event completed, and of how many there is no user, no value, no `new_customer`; the
    properties that any of them `carried`."""

    orders: int = 0
    nobody: int = 0
    worthless: int = 0
    unknown: int = 0
    carried: set[str] = field(default_factory=set)

    def add(self, nobody: bool, worthless: bool, new: bool, properties: Iterable[str]) -> None:
        """Count one; `new` says whether it tells new customers from others."""
        self.orders += 1
        self.nobody += nobody
        self.worthless += worthless
        self.unknown += not new
        self.carried.update(properties, [NEW_CUSTOMER] if new else [])


@dataclass
class Facts:
    """Messages by outcome, dead letters by reason with the first one in words, names of what was ignored, places and
    JSON types of fields that were left out, ids of nobody, and touches of nobody (`userless`); messages of orders with
    the messageId of another, and orders completed again with another buyer or currency; campaigns by how many messages
    are of them, and what is known of completions by the normalised name of their event."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    first: str = ""
    ignored: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    placeholders: int = 0
    userless: int = 0
    conflicting_ids: int = 0
    order_conflicts: int = 0
    campaigns: Counter[str] = field(default_factory=Counter)
    completed: defaultdict[str, Completed] = field(default_factory=lambda: defaultdict(Completed))
    _orders: dict[str, Order] = field(default_factory=dict, repr=False)

    @property
    def events(self) -> int:
        """All messages that were read."""
        return self.outcomes.total()

    @property
    def used(self) -> int:
        """Messages that had an effect."""
        took = sum(self.outcomes[name] for name in ("accepted", "repeated", "no_consent"))
        return took - self.reasons["unknown_order"] - self.reasons["currency_mismatch"]

    @property
    def unusable(self) -> int:
        """Messages, and fields of messages, that could not be used."""
        return self.reasons.total() + self.faults.total()

    def add_dead_letter(self, letter: DeadLetter, place: str) -> None:
        """Count a dead letter that came from that place."""
        self.reasons[letter.reason] += 1
        self.first = self.first or f"{place}: {letter.reason}: {letter.error}"

    def count(self, outcomes: Outcomes) -> None:
        """Count what became of a batch; its dead letters are counted where they are buried."""
        self.outcomes.update(outcomes.counts)
        self.ignored.update(outcomes.ignored)
        self.faults.update(outcomes.faults)
        self.placeholders += outcomes.placeholders
        self.userless += outcomes.userless
        self.conflicting_ids += outcomes.conflicting_ids
        self.order_conflicts += outcomes.order_conflicts

    def effects(self, segment: Segment) -> None:
        """Take note of the touches and orders of a batch."""
        kinds = np.bincount(segment.touches.kind, minlength=1)
        for code, kind in segment.kinds.items():
            if kind.words is not None and code < len(kinds):
                self._of_campaign(kind.campaign, int(kinds[code]))
        self._orders.update((order.order_id, order) for order in segment.orders)

    def _of_campaign(self, campaign: str, times: int) -> None:
        if campaign and times:
            self.campaigns[campaign] += times

    def orders(self, campaigns: Campaigns) -> None:
        """Count the completions of all orders noted, as the orders are now."""
        for event, order, completion in self._of_one_field():
            denied, new = completion.denied is True, completion.customer != "unknown"
            worthless = amount_of(in_force(order, completion)[0]) is None
            self.completed[event].add(not (completion.user or denied), worthless, new, completion.properties)
            self._of_campaign(campaigns.of_checkout(completion.words), 1)
        self._orders = {}

    def _of_one_field(self) -> Iterator[tuple[str, Order, Completion]]:
        """The completions of all orders noted: one that several goals know by other fields is one, and of orders with
        one messageId each is."""
        known, times = dict[tuple[str, str, int], tuple[Order, Completion]](), Counter[tuple[str, str, str]]()
        for order in self._orders.values():
            for event, completion in order.completions.items():
                of_field = event, completion.message_id, field_of(order.order_id)
                known[event, completion.message_id, times[of_field]] = order, completion
                times[of_field] += 1
        return ((event, order, completion) for (event, *_), (order, completion) in known.items())

    def item(self, item: Item, campaigns: Campaigns) -> None:
        """Count a message that was read and is not to be taken in."""
        self.faults.update((fault.place, fault.type) for fault in item.faults)
        self.placeholders += item.placeholders
        for event in item.events:
            self._event(event, campaigns)

    def _event(self, event: Event, campaigns: Campaigns) -> None:
        if isinstance(event, Touch):
            self._of_campaign(campaigns.of_touch(event.words), 1)
            self.userless += not (event.message.token or event.message.denied)
        elif isinstance(event, canonical.CompletionEvent):
            worthless = amount_of(event.amounts) is None
            self.completed[event.event].add(not event.message.token, worthless, event.new is not None, event.properties)
            self._of_campaign(campaigns.of_checkout(event.words), 1)
