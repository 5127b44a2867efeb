"""The truth beside a simulated site: what each order is worth and through which campaigns, told by its story alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from streams.core.parsing.units import DAY
from streams.simulate.site.orders import Purchase, added
from streams.simulate.site.stories import CLASSES, Met, Sent
from streams.simulate.site.words import GOALS_OF, WINDOWS

_MICRO = 1_000_000
_DESK_VALUE = 2_680_000  # millionths: what an enquiry that is answered on the web saves
_CUSTOMER = {True: "new", False: "returning", None: "unknown"}


def conversions(orders: Iterable[Purchase]) -> Iterator[dict[str, Any]]:
    """What each order is for each goal that it counts for. Values in millionths of the currency, times in ms."""
    for order in orders:
        for goal in GOALS_OF[order.event]:
            if goal != "new-customers" or order.new:
                yield _conversion(order, goal)


def _conversion(order: Purchase, goal: str) -> dict[str, Any]:
    seen, reason = journey(order, goal)
    whole = _DESK_VALUE if goal == "enquiries" else order.worth * 10_000
    net = int(whole * order.remaining)
    gone = order.remaining == 0
    return {
        "goal": goal,
        "order_id": order.id,
        "occurred_at": order.time,
        "value": net,
        "reversed_value": whole - net,
        "value_known": goal == "enquiries" or bool(order.amounts),
        "currency": order.currency,
        "customer": _CUSTOMER[order.new],
        "status": "reversed" if gone else "open" if order.remaining == 1 else "partly_reversed",
        "reason": reason,
        "touches": [[met.time, met.campaign, met.network, met.action] for met in seen],
        "credit": {} if gone else credit(seen),
    }


def journey(order: Purchase, goal: str) -> tuple[list[Met], str]:
    """The touches before an order that count for a goal, and why there are none where there are none."""
    who, time = order.visitor, order.time
    if who.denied(time):
        return [], "no_consent"
    seen = _inside(goal, time, who.own)
    seen += added(order, seen)
    if seen:
        return seen, ""
    if not who.token(time):
        return [], "no_token"
    if _inside(goal, time, who.doubtful or []):
        return [], "ambiguous_identity"
    return [], "out_of_window" if any(met.time <= time for met in who.own) else "no_touch"


def _inside(goal: str, time: int, touches: Iterable[Met]) -> list[Met]:
    windows = WINDOWS[goal]
    return sorted(met for met in touches if 0 <= time - met.time <= windows[CLASSES[met.action]] * DAY)


def credit(seen: list[Met]) -> dict[str, dict[str, int]]:
    """Millionths of the conversion by model and campaign, of the models that can be told by counting."""
    if not seen:
        return {}
    clicks = [met for met in seen if met.action == "token" or CLASSES[met.action] == "click"] or seen
    one = {"first": seen[0], "last": seen[-1], "last_click": clicks[-1]}
    found = {model: {met.campaign: _MICRO} for model, met in one.items()}
    each, left = divmod(_MICRO, len(seen))
    linear: Counter[str] = Counter()
    for i, met in enumerate(seen):
        linear[met.campaign] += each + (i < left)
    return found | {"linear": dict(linear)}


class Told:
    """What becomes of the messages: counted while they are written, with what is sent twice."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.dead_letters: list[dict[str, Any]] = []
        self.unsettled: dict[str, list[str]] = {"unknown_order": [], "currency_mismatch": []}

    def add(self, sent: Sent, line: int, again: bool) -> None:
        """One message in that line of the file (from 1)."""
        kept = sent.outcome not in ("ignored", "dead_letter")
        self.outcomes["duplicate" if again and kept else sent.outcome] += 1
        if sent.outcome == "ignored":
            self.ignored[sent.name] += 1
        if sent.outcome == "dead_letter":
            self.dead_letters.append({"line": line, "reason": sent.name})
        if kept and not again:
            self.faults.update(sent.faults)
        if sent.unsettled and not again:
            self.unsettled[sent.unsettled].append(str(sent.message["messageId"]))

    def all(self) -> dict[str, Any]:
        counts = {name: dict(getattr(self, name).most_common()) for name in ("outcomes", "ignored", "faults")}
        return counts | {"dead_letters": self.dead_letters, "unsettled": self.unsettled}
