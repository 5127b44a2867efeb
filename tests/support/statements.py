"""Statements to test with: an order at noon, and touches in the hours before it."""

import numpy as np

from streams.core.attribution.conversion import TOUCH, Conversion
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.orders.value import OPEN
from tests.support.messages import HOUR, NOON

WHOLE = 1_000_000


def kinds() -> TouchKinds:
    made = TouchKinds()
    made.codes(
        [
            TouchKind("a", "x", "click"),
            TouchKind("b", "x", "click"),
            TouchKind("a", "y", "click"),
            TouchKind("a", "x", "view"),
        ]
    )
    return made


def statement(*touches: int, **more: object) -> Conversion:
    """An order of 1.00 at noon, with touches of those kinds in the hours before."""
    blob = np.array([(NOON - (len(touches) - i) * HOUR, kind) for i, kind in enumerate(touches)], TOUCH).tobytes()
    plain = {"goal": "g", "order_id": "o", "time": NOON, "user": 1, "customer": "new", "currency": "NOK", "reason": ""}
    money = {"value": WHOLE, "remaining": WHOLE, "status": OPEN, "newest": NOON, "first": NOON, "updated": NOON}
    return Conversion(**(plain | money | {"touches": blob} | more))  # type: ignore[arg-type]
