"""The contract in code: a naive attribution of everything at once, for comparing the real one with.

Written from the contract alone and for reading: plain dicts, exact fractions, no state that is carried along. It
takes all records in the order of their arrival, and only then works out each conversion. Like `replay` it has
neither a retention nor a clock. Credit and money are in millionths, times in ms, minutes (`window_start`) in s.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import chain
from typing import Any, NamedTuple

from streams.core.catalogue import Catalogue, Goal
from tests import reference_paths
from tests.reference_events import CLASS, REVERSALS, DeadLetter, Event, Number, decode

ONE = 1_000_000
WEEK = 7 * 86_400_000
MODELS = ("first", "last", "last_click", "linear", "position", "time_decay", "shapley")
CUSTOMER = {True: "new", False: "returning", None: "unknown"}


class Touch(NamedTuple):
    """In the order in which touches are credited, but for the added one (action `token`), which comes last."""

    time: int
    message_id: str
    campaign: str
    network: str
    action: str


class Touched(NamedTuple):
    """What somebody may have in a journey: the touches that are surely theirs, and those that may be another's."""

    own: list[Touch]
    doubtful: list[Touch]


Figures = dict[tuple[int, str, str, str, str, str, str, str], list[int]]


@dataclass
class Result:
    """The final tables. Rows of `goal_attribution` that are zero throughout are left out.

    goal_attribution: (window_start, goal, model, campaign, network, customer, reason, currency)
        -> [conversions, value, reversed_conversions, reversed_value]
    figures: (goal, conversion_id) -> what it adds to goal_attribution, in the same form
    conversions: (goal, conversion_id) -> columns; `user` is the canonical token itself, that of the checkout where
        it is ambiguous; `credit` has a list for each model
    engagement_counts: (window_start, campaign, network, action) -> events
    path_transitions: (goal, day, source, target) -> [converted, ended]
    outcomes: (topic, outcome, reason of a dead letter or '') -> records; a reversal is accepted even when it is in
    unknown_orders: the message ids of the reversals whose order never came
    """

    goal_attribution: Figures = field(default_factory=dict)
    figures: dict[tuple[str, str], Figures] = field(default_factory=dict)
    conversions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    engagement_counts: Counter[tuple[int, str, str, str]] = field(default_factory=Counter)
    path_transitions: reference_paths.Transitions = field(default_factory=dict)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unknown_orders: set[str] = field(default_factory=set)


def attribute(catalogue: Catalogue, records: Iterable[tuple[str, bytes | None]]) -> Result:
    """The final tables after all `records` (topic and value, in the order of their arrival). The value of one of
    `erasures` is the token itself: what came before it is nobody's."""
    result = Result()
    engagement, checkout, identity = _accepted(catalogue, records, result)
    for event in engagement:
        result.engagement_counts[_minute(event.time), event.campaign, event.network, event.action] += 1
    people = People(event.link for event in (*engagement, *checkout, *identity) if event.link)
    touched = _touched(engagement, people)
    reversals: dict[str, list[Event]] = defaultdict(list)
    orders: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in checkout:
        if event.name in REVERSALS:
            reversals[event.order_id].append(event)
        else:
            orders[event.name, event.order_id].append(event)
    for (name, order_id), completions in orders.items():
        order = max(completions, key=lambda event: (event.time, event.message_id))
        for goal in catalogue.goals:
            if goal.event == name and _meets(goal, order):
                seen = None if people.ambiguous(order.token) else touched[people.canonical(order.token)]
                _convert(goal, order, seen, reversals[order_id], result)
                result.conversions[goal.id, order_id]["user"] = people.canonical(order.token)
    own = {user: touches.own for user, touches in touched.items()}
    result.path_transitions = reference_paths.transitions(catalogue, result.conversions, own)
    known = {order_id for _, order_id in orders}
    unknown = (reversal for order_id in reversals.keys() - known for reversal in reversals[order_id])
    result.unknown_orders = {reversal.message_id for reversal in unknown if not reversal.erased}
    return result


class People:
    """Who is behind a token, as all links together say (contract 6)."""

    def __init__(self, links: Iterable[tuple[str, str]]) -> None:
        self.users: dict[str, set[str]] = defaultdict(set)
        for anonymous, user in links:
            self.users[anonymous].add(user)

    def ambiguous(self, token: str) -> bool:
        return len(self.users.get(token, ())) > 1

    def canonical(self, token: str) -> str:
        """The one user id that it is linked to; itself where there is none, or more than one."""
        users = self.users.get(token, ())
        return next(iter(users)) if len(users) == 1 else token


def _accepted(catalogue: Catalogue, records: Iterable[tuple[str, bytes | None]], result: Result) -> list[list[Event]]:
    """The engagement, checkout and identity events that are valid, wanted by some goal and not seen before."""
    accepted: dict[str, dict[str, Event]] = {"engagement": {}, "checkout": {}, "identity": {}}
    for topic, raw in records:
        if topic == "erasures":
            for event in chain.from_iterable(events.values() for events in accepted.values()):
                event.forget((raw or b"").decode())
            continue
        outcome, reason = "accepted", ""
        try:
            event = decode(catalogue, topic, raw)
        except DeadLetter as dead_letter:
            outcome, reason = "dead_letter", str(dead_letter)
        else:
            if event is None:
                outcome = "ignored"
            elif event.message_id in accepted[topic]:
                outcome = "duplicate"
            else:
                accepted[topic][event.message_id] = event
                if event.denied and event.name not in REVERSALS:
                    outcome = "no_consent"
        result.outcomes[topic, outcome, reason] += 1
    return [list(events.values()) for events in accepted.values()]


def _touched(engagement: Iterable[Event], people: People) -> dict[str, Touched]:
    """By canonical token, what can be in a journey at all, in order."""
    touched: dict[str, Touched] = defaultdict(lambda: Touched([], []))
    for event in sorted(engagement, key=lambda event: (event.time, event.message_id)):
        if event.token and event.campaign and CLASS[event.action] and not event.denied:
            touch = Touch(event.time, event.message_id, event.campaign, event.network, event.action)
            if people.ambiguous(event.token):
                for user in people.users[event.token]:
                    touched[user].doubtful.append(touch)
            else:
                touched[people.canonical(event.token)].own.append(touch)
    return touched


def _meets(goal: Goal, order: Event) -> bool:
    return all(name in order.properties and _equal(order.properties[name], v) for name, v in goal.where.items())


def _equal(given: Any, wanted: str | int | float | bool) -> bool:
    """Equal as JSON values: 1 and 1.0 are one number, true is no number, "1" is a text."""
    if isinstance(wanted, bool | str):
        return type(given) is type(wanted) and bool(given == wanted)
    return isinstance(given, Number) and float(given) == wanted


def _journey(goal: Goal, order: Event, touched: Touched | None) -> tuple[list[Touch], str]:
    """The touches that the conversion sees, and the reason where there are none (contract 4 and 6); `touched` is None
    where nobody knows whose order it is."""
    if order.denied:
        return [], "no_consent"
    if order.erased:
        return [], "erased"
    journey = _inside(goal, order, touched.own)[-1000:] if touched else []
    if order.campaign and order.campaign not in {touch.campaign for touch in journey}:
        journey.append(Touch(order.time, "", order.campaign, order.network, "token"))
    if journey:
        return journey, ""
    if not order.token:
        return [], "no_token"
    if touched is None or _inside(goal, order, touched.doubtful):
        return [], "ambiguous_identity"
    return [], "out_of_window" if any(touch.time <= order.time for touch in touched.own) else "no_touch"


def _inside(goal: Goal, order: Event, touches: Iterable[Touch]) -> list[Touch]:
    window = {"click": goal.windows.click, "engage": goal.windows.engage, "view": goal.windows.view}
    return [touch for touch in touches if 0 <= order.time - touch.time <= window[CLASS[touch.action]]]


def _convert(goal: Goal, order: Event, touched: Touched | None, reversals: Sequence[Event], result: Result) -> None:
    """Add one conversion to the tables."""
    journey, reason = _journey(goal, order, touched)
    whole, net, status = _remaining(goal, order, reversals)
    customer = CUSTOMER[order.properties.get("new_customer")]
    credit: dict[str, list[int]] = {}
    figures_of: Figures = {}
    result.figures[goal.id, order.order_id] = figures_of
    for model in MODELS:
        shares = _shares(model, journey, order.time) if journey else [Fraction(1)]
        units, wholes, nets = split(ONE, shares), split(whole, shares), split(net, shares)
        credit[model] = [0 if status == "reversed" else c for c in units] if journey else []
        places = [(touch.campaign, touch.network) for touch in journey] or [("", "")]
        for place, c, w, n in zip(places, units, wholes, nets, strict=True):
            key = (_minute(order.time), goal.id, model, *place, customer, reason, order.currency)
            figures = (0, n, c, w - n) if status == "reversed" else (c, n, 0, w - n)
            if any(figures):
                for rows in (result.goal_attribution, figures_of):
                    sums = rows.setdefault(key, [0, 0, 0, 0])
                    sums[:] = [a + b for a, b in zip(sums, figures, strict=True)]
    result.conversions[goal.id, order.order_id] = {
        "occurred_at": order.time,
        "value": net,
        "reversed_value": whole - net,
        "currency": order.currency,
        "customer": customer,
        "reason": reason,
        "touch_at": [touch.time for touch in journey],
        "touch_campaign": [touch.campaign for touch in journey],
        "touch_network": [touch.network for touch in journey],
        "touch_action": [touch.action for touch in journey],
        "credit": credit,
        "status": status,
    }


def _remaining(goal: Goal, order: Event, reversals: Sequence[Event]) -> tuple[int, int, str]:
    """The conversion's whole value, what remains of it, and its status (contract 5)."""
    price = order.amount or 0
    whole = price if goal.value is None else goal.value
    if any(reversal.name == "Order Cancelled" or reversal.amount is None for reversal in reversals):
        return whole, 0, "reversed"
    taken = min(sum(reversal.amount or 0 for reversal in reversals), price)
    net = whole * (price - taken) // price if price else whole
    if whole and not net:
        return whole, net, "reversed"
    return whole, net, "partly_reversed" if taken else "open"


def split(total: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole parts of `total`: floors, then one more to the largest remainders, ties to the earlier."""
    exact = [share * total for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: parts[i] - exact[i])
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _shares(model: str, journey: Sequence[Touch], time: int) -> list[Fraction]:
    weights = [Fraction(weight) for weight in _weights(model, journey, time)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _weights(model: str, journey: Sequence[Touch], time: int) -> Sequence[Fraction | int]:
    count = len(journey)
    if model == "first":
        return [1] + [0] * (count - 1)
    if model in ("last", "last_click"):
        clicks = [i for i, touch in enumerate(journey) if touch.action == "token" or CLASS[touch.action] == "click"]
        winner = clicks[-1] if model == "last_click" and clicks else count - 1
        return [int(i == winner) for i in range(count)]
    if model == "position" and count > 2:
        return [Fraction(4, 10), *[Fraction(2, 10) / (count - 2)] * (count - 2), Fraction(4, 10)]
    if model == "time_decay":
        # Only ratios matter: from the latest touch on, ages whole weeks apart stay exact.
        return [_half(journey[-1].time - touch.time) for touch in journey]
    if model == "shapley":
        touches_of = Counter(touch.campaign for touch in journey)
        return [Fraction(1, touches_of[touch.campaign]) for touch in journey]
    return [1] * count


def _half(age: int) -> Fraction:
    """2^(-age / 7 days), exact for whole weeks, else to 60 digits."""
    if age % WEEK == 0:
        return Fraction(1, 2 ** (age // WEEK))
    with localcontext(prec=60):
        return Fraction(Decimal(2) ** (Decimal(-age) / WEEK))


def _minute(time: int) -> int:
    return time // 60_000 * 60
