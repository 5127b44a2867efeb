"""All that a report says, read once; every form of it shows the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from streams.reports.audiences.reached import Reached, reached
from streams.reports.goal_progress import DEFAULT_MODEL, MARKOV, Progress, progress
from streams.reports.later import later
from streams.reports.payback import Payback, payback
from streams.reports.period import Period, period_of
from streams.sinks.clickhouse.client import Client

# The same for every model, but for what that credits; so markov's holdouts are read at another one.
_LIFT = """
SELECT campaign, name, goal, status, toUInt64(missing_users) AS missing_users, users, held_users, leaked, balance,
    incremental, incremental_low, incremental_high, attributed
FROM campaign_lift
WHERE model = {model:String} AND measure = 'conversions'
ORDER BY goal, name
"""


@dataclass(frozen=True, slots=True)
class Caused:
    """What a campaign caused by its holdout, with its 95 % interval; None until enough users are seen.

    `missing_users` are still to be seen then. `balance` next to 0 says that the groups cannot be compared.
    """

    campaign: str
    name: str
    goal: str
    status: str
    missing_users: int
    users: int
    held_users: int
    leaked: int
    balance: float
    incremental: float | None
    incremental_low: float | None
    incremental_high: float | None
    attributed: Decimal | float


@dataclass(frozen=True, slots=True)
class Report:
    """Goals, what paid, whom campaigns reached, and what holdouts measured, as one model credits it."""

    model: str
    period: Period
    goals: Sequence[Progress]
    payback: Payback
    reached: Sequence[Reached]
    caused: Sequence[Caused]

    @property
    def data_until(self) -> datetime | None:
        """The newest minute of a conversion, in the catalogue's zone; None before the first."""
        newest = self.goals[0].as_of if self.goals else None
        return self.period.local(newest) if newest and newest.timestamp() > 0 else None


def read(client: Client, goal: str | None = None, model: str = DEFAULT_MODEL, period: Period | None = None) -> Report:
    """The report of every goal, or one; without goals where the database holds none.

    Raises ValueError, listing what there is, for an unknown goal or model.
    """
    chosen = period or period_of(client)
    goals = progress(client, goal, model, chosen)
    if not goals:
        return Report(model, chosen, (), Payback({}, (), (), ()), (), ())
    ids = {each.goal for each in goals}
    caused = [each for each in _caused(client, model) if each.goal in ids]
    paid = payback(client, goal, model, chosen)
    return Report(model, chosen, goals, paid, reached(client, paid, chosen), caused)


def _caused(client: Client, model: str) -> list[Caused]:
    return [Caused(**row) for row in later(client, _LIFT, {"model": DEFAULT_MODEL if model == MARKOV else model})]
