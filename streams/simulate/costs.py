"""What the simulated town spends on its campaigns: money, and hours of people, by day."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from streams.core.events.topics import COSTS
from streams.simulate.envelopes import Simulated
from streams.simulate.scenario import Scenario

FRIDAY = 4


class _Budget(NamedTuple):
    """What one campaign costs on each of its days: NOK, or hours at a rate. `day` is of the week; None is every day."""

    campaign: str
    amount: str
    rate: str = ""
    day: int | None = None


_BUDGETS = (
    _Budget("autumn", "1900.00"),
    _Budget("makers", "2400.00"),
    _Budget("friday-paper", "7900.00", day=FRIDAY),
    _Budget("shop-window", "1.50", rate="420.00"),
    _Budget("search", "850.00"),
    _Budget("newsletter", "6.00", rate="420.00", day=FRIDAY),
    _Budget("ask-online", "310.00"),
)


def costs(scenario: Scenario) -> Iterator[Simulated]:
    """The cost records of a scenario, by day; the same scenario gives the same bytes."""
    for day in (scenario.start + timedelta(n) for n in range(scenario.days)):
        for budget in _BUDGETS:
            if budget.day in (None, day.weekday()):
                kind = {"kind": "hours", "rate": budget.rate} if budget.rate else {"kind": "money"}
                record = {"campaign": budget.campaign, "day": str(day), **kind, "amount": budget.amount}
                written = json.dumps(record | {"currency": "NOK", "id": f"{budget.campaign} {day}"})
                yield Simulated(COSTS, budget.campaign, written.encode())
