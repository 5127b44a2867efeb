"""One conversion in the final tables: its row, and what it adds to the totals."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.oracle.credit import MODELS, ONE, shares, split
from tests.oracle.journeys import Touch
from tests.oracle.orders import Order
from tests.oracle.settings import Goal

CUSTOMER = {True: "new", False: "returning", None: "unknown"}
Contribution = dict[tuple[int, str, str, str, str, str, str, str], list[int]]


def row(goal: Goal, standing: Order, seen: Sequence[Touch], reason: str) -> dict[str, Any]:
    whole, net = standing.value(goal)
    time = standing.first.message.time
    credit = {model: split(ONE, shares(model, seen, time)) if seen else [] for model in MODELS}
    if standing.status == "reversed":
        credit = {model: [0] * len(parts) for model, parts in credit.items()}
    return {
        "occurred_at": time,
        "value": net,
        "value_known": int(standing.known(goal)),
        "reversed_value": whole - net,
        "currency": standing.currency,
        "customer": CUSTOMER[standing.first.new_customer],
        "reason": reason,
        "touch_at": [touch.time for touch in seen],
        "touch_campaign": [touch.campaign for touch in seen],
        "touch_network": [touch.network for touch in seen],
        "touch_action": [touch.action for touch in seen],
        "credit": credit,
        "status": standing.status,
    }


def figures(goal: Goal, standing: Order, seen: Sequence[Touch], row: Mapping[str, Any]) -> Contribution:
    """What a conversion adds to goal_attribution."""
    found: Contribution = {}
    whole, net = standing.value(goal)
    places = [(touch.campaign, touch.network) for touch in seen] or [("", "")]
    for model in MODELS:
        parts = shares(model, seen, row["occurred_at"])
        for place, c, w, n in zip(places, split(ONE, parts), split(whole, parts), split(net, parts), strict=True):
            cell = (minute(row["occurred_at"]), goal.id, model, *place, row["customer"], row["reason"])
            amounts = [0, n, c, w - n] if row["status"] == "reversed" else [c, n, 0, w - n]
            if any(amounts):
                add(found, (*cell, row["currency"]), amounts)
    return {cell: amounts for cell, amounts in found.items() if any(amounts)}


def add(sums: dict[Any, list[int]], key: Any, amounts: Sequence[int]) -> None:
    sums[key] = [a + b for a, b in zip(sums.get(key, [0] * len(amounts)), amounts, strict=True)]


def minute(time: int) -> int:
    return time // 60_000 * 60
