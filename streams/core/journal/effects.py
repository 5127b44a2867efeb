"""What came of a batch, on its way from ingestion to the ledger and its journal."""

from dataclasses import dataclass, field

from streams.core.columns.run import KeyedRows
from streams.core.events.batch import Batch, Forward
from streams.core.events.watermark import Outcomes
from streams.core.identity.links import Links
from streams.core.orders.cause import Cause
from streams.core.orders.order import Order
from streams.core.orders.shared import OrderLocations


@dataclass
class BatchEffects:
    """New touches, replicated ones, links that messages here told of and those that other partitions did, identity
    messages, words of consent; orders that changed and why, by id; foreign orders, and what is new of shared ones;
    outcomes, and what to send to others."""

    touches: list[KeyedRows] = field(default_factory=list)
    replicated: list[KeyedRows] = field(default_factory=list)
    local_links: list[Links] = field(default_factory=list)
    remote_links: list[Links] = field(default_factory=list)
    identified: list[KeyedRows] = field(default_factory=list)
    consents: list[KeyedRows] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    foreign_orders: list[Order] = field(default_factory=list)
    places: list[OrderLocations] = field(default_factory=list)
    shared_orders: list[Order] = field(default_factory=list)
    outcomes: list[Outcomes] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)

    @property
    def links(self) -> list[Links]:
        """All new links."""
        return self.local_links + self.remote_links

    def begin(self, batch: Batch) -> Outcomes:
        """What becomes of that batch, nothing yet."""
        self.outcomes.append(Outcomes(batch))
        return self.outcomes[-1]

    def note(self, order: Order, cause: Cause) -> None:
        """The order has changed, for that cause or a stronger one."""
        self.orders[order.order_id] = order
        self.causes[order.order_id] = max(cause, self.causes.get(order.order_id, cause))
