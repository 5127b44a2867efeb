"""What came of a batch, on its way from the intake to the ledger."""

from dataclasses import dataclass, field

from streams.core.admission import Outcomes
from streams.core.orders import Order
from streams.core.restatements import Cause
from streams.core.rivals import Places
from streams.core.routing import Forward
from streams.core.runs import Touches


@dataclass
class Taken:
    """New touches, lent ones, links that events here `said` and those `heard` of others, identity messages; orders that
    changed and why, by id; lent orders, and what is new of orders' rivals; outcomes, and what to send to others."""

    touches: list[Touches] = field(default_factory=list)
    lent: list[Touches] = field(default_factory=list)
    said: list[Touches] = field(default_factory=list)
    heard: list[Touches] = field(default_factory=list)
    identified: list[Touches] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    lent_orders: list[Order] = field(default_factory=list)
    places: list[Places] = field(default_factory=list)
    rivals: list[Order] = field(default_factory=list)
    outcomes: list[Outcomes] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)

    @property
    def links(self) -> list[Touches]:
        """All new links."""
        return self.said + self.heard

    def note(self, order: Order, cause: Cause) -> None:
        """The order has changed, for that cause or a stronger one."""
        self.orders[order.order_id] = order
        self.causes[order.order_id] = max(cause, self.causes.get(order.order_id, cause))
