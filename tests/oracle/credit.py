"""How credit is shared, and how journeys go from campaign to campaign (`markov`)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from tests.oracle.door.meanings import CLASS
from tests.oracle.journeys import Touch
from tests.oracle.settings import Catalogue

ONE = 1_000_000
DAY = 86_400_000
WEEK = 7 * DAY
MODELS = ("first", "last", "last_click", "linear", "position", "time_decay", "shapley")
Transitions = dict[tuple[str, int, str, str], list[int]]


def split(total: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole parts of `total`: floors, then one more to the largest remainders, ties to the earlier."""
    exact = [share * total for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: parts[i] - exact[i])
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def shares(model: str, journey: Sequence[Touch], time: int) -> list[Fraction]:
    """The share of each touch of a conversion at that time; of none, all of it to nobody."""
    if not journey:
        return [Fraction(1)]
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


@lru_cache(10_000)
def _half(age: int) -> Fraction:
    """2^(-age / 7 days), exact for whole weeks, else to 60 digits."""
    if age % WEEK == 0:
        return Fraction(1, 2 ** (age // WEEK))
    with localcontext(prec=60):
        return Fraction(Decimal(2) ** (Decimal(-age) / WEEK))


def transitions(
    catalogue: Catalogue, conversions: Mapping[tuple[str, str], Mapping[str, Any]], own: Mapping[str, Sequence[Touch]]
) -> Transitions:
    """(goal, day, source, target) -> [in journeys that converted, in journeys that ended]; '' is outside.

    `own` is everybody's touches in order, by canonical token. Days are UTC, as in every table.
    """
    found: Transitions = {}
    for goal in catalogue.goals:
        window = max(goal.windows.values())
        bought = [row for key, row in conversions.items() if key[0] == goal.id and row["status"] != "reversed"]
        times: dict[str, list[int]] = defaultdict(list)
        for row in bought:
            if row["reason"] != "no_consent":
                times[row["user"]].append(row["occurred_at"])
            if row["touch_campaign"]:
                for step in pairwise(["", *row["touch_campaign"], ""]):
                    _add(found, goal.id, row["occurred_at"], *step, 0)
        for user, touches in own.items():
            left = [t for t in touches if not any(t.time <= time <= t.time + window for time in times[user])]
            for at, touch in enumerate(left):
                if at == 0 or touch.time - left[at - 1].time > window:
                    _add(found, goal.id, touch.time, "", touch.campaign, 1)
                goes_on = at + 1 < len(left) and left[at + 1].time - touch.time <= window
                _add(found, goal.id, touch.time, touch.campaign, left[at + 1].campaign if goes_on else "", 1)
    return found


def _add(found: Transitions, goal: str, time: int, source: str, target: str, column: int) -> None:
    found.setdefault((goal, time // DAY, source, target), [0, 0])[column] += 1
