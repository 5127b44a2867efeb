"""The part of the reference that counts how journeys go from campaign to campaign (contract 5, `markov`)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from streams.core.catalogue import Catalogue

DAY = 86_400_000
Transitions = dict[tuple[str, int, str, str], list[int]]


class Touch(Protocol):
    """What is looked at of a touch: when (ms), and of which campaign."""

    @property
    def time(self) -> int: ...
    @property
    def campaign(self) -> str: ...


def transitions(
    catalogue: Catalogue,
    conversions: Mapping[tuple[str, str], Mapping[str, Any]],
    touched: Mapping[str, Sequence[Touch]],
) -> Transitions:
    """(goal, day, source, target) -> [in journeys that converted, in journeys that ended]; '' is outside.

    `conversions` are those of the reference, `touched` is everybody's touches in order, by canonical token.
    """
    found: Transitions = {}
    for goal in catalogue.goals:
        window = max(goal.windows.click, goal.windows.engage, goal.windows.view)
        bought = [row for key, row in conversions.items() if key[0] == goal.id and row["status"] != "reversed"]
        times: dict[str, list[int]] = defaultdict(list)
        for row in bought:
            if row["reason"] != "no_consent":
                times[row["user"]].append(row["occurred_at"])
            if row["touch_campaign"]:
                for step in pairwise(["", *row["touch_campaign"], ""]):
                    _add(found, goal.id, row["occurred_at"], *step, 0)
        for user, touches in touched.items():
            left = [t for t in touches if not any(t.time <= time <= t.time + window for time in times[user])]
            for at, touch in enumerate(left):
                if at == 0 or touch.time - left[at - 1].time > window:
                    _add(found, goal.id, touch.time, "", touch.campaign, 1)
                goes_on = at + 1 < len(left) and left[at + 1].time - touch.time <= window
                _add(found, goal.id, touch.time, touch.campaign, left[at + 1].campaign if goes_on else "", 1)
    return found


def _add(found: Transitions, goal: str, time: int, source: str, target: str, column: int) -> None:
    found.setdefault((goal, time // DAY, source, target), [0, 0])[column] += 1
