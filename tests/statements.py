"""Statements to test with: an order at noon, and touches in the hours before it."""

import numpy as np

from streams.core.codes import Kind, Kinds
from streams.core.orders import OPEN
from streams.core.statements import TOUCH, Statement
from tests.messages import HOUR, NOON

WHOLE = 1_000_000


def kinds() -> Kinds:
    made = Kinds()
    made.codes([Kind("a", "x", "click"), Kind("b", "x", "click"), Kind("a", "y", "click"), Kind("a", "x", "view")])
    return made


def statement(*touches: int, **more: object) -> Statement:
    """An order of 1.00 at noon, with touches of those kinds in the hours before."""
    blob = np.array([(NOON - (len(touches) - i) * HOUR, kind) for i, kind in enumerate(touches)], TOUCH).tobytes()
    plain = {"goal": "g", "order_id": "o", "time": NOON, "user": 1, "customer": "new", "currency": "NOK", "reason": ""}
    money = {"value": WHOLE, "remaining": WHOLE, "status": OPEN, "newest": NOON, "first": NOON, "updated": NOON}
    return Statement(**(plain | money | {"touches": blob} | more))  # type: ignore[arg-type]
