"""Did it pay? What each campaign cost and brought in a period, by channel too, and what no campaign can be given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from streams.reports.goal_progress import MARKOV
from streams.reports.later import later
from streams.reports.period import IN_PERIOD, Period
from streams.sinks.clickhouse.client import Client

_COUNTING = "SELECT id, name FROM goals FINAL WHERE counts_for_return ORDER BY name"
_CREDITED = f"""
SELECT
    campaign,
    toString(currency) AS currency,
    toDate(window_start, {{zone:String}}) AS day,
    toDecimal128(sum(conversions), 6) AS conversions,
    toDecimal128(sum(value), 6) AS value
FROM goal_attribution_now
WHERE model = {{model:String}} AND campaign != '' AND goal IN {{goals:Array(String)}} AND {IN_PERIOD}
GROUP BY campaign, currency, day
"""
# Of all conversions together: their value is converted by the newest rate.
_REMOVAL_EFFECTS = """
SELECT
    campaign,
    toString(currency) AS currency,
    toDate('2149-06-06') AS day,
    toDecimal128(conversions, 6) AS conversions,
    toDecimal128(value, 6) AS value
FROM removal_effects_now
WHERE goal IN {goals:Array(String)} AND (conversions != 0 OR value != 0)
"""
_SPENT = """
SELECT
    campaign,
    toString(currency) AS currency,
    day,
    toDecimal128(if(kind = 'hours', 0, amount), 6) AS money,
    toDecimal128(if(kind = 'hours', amount, 0), 6) AS hours,
    toDecimal128(toDecimal128(amount, 6) * if(kind = 'hours', rate, toDecimal64(1, 6)), 6) AS cost
FROM costs FINAL
WHERE day >= toDate({first_day:String}) AND day <= toDate({last_day:String})
"""
# In the base currency by the rate of the day or the last one before it, as the view campaign_return does it.
_PAID = """
WITH (SELECT toString(any(currency)) FROM goals FINAL) AS base_currency
SELECT r.*, if(c.name = '', r.campaign, c.name) AS name, c.means AS channel
FROM
(
    SELECT
        campaign,
        if(has_rate, base_currency, own_currency) AS currency,
        toDecimal128(round(sum(money * factor), 6), 6) AS money,
        sum(hours) AS hours,
        toDecimal128(round(sum(cost * factor), 6), 6) AS cost,
        sum(conversions) AS conversions,
        toDecimal128(round(sum(value * factor), 6), 6) AS value
    FROM
    (
        SELECT
            a.campaign AS campaign,
            a.currency AS own_currency,
            a.currency != base_currency AND e.currency != '' AS has_rate,
            toDecimal256(a.money, 6) AS money,
            a.hours AS hours,
            toDecimal256(a.cost, 6) AS cost,
            a.conversions AS conversions,
            toDecimal256(a.value, 6) AS value,
            if(has_rate, e.rate, toDecimal256(1, 18)) AS factor
        FROM
        (
            SELECT toString(campaign) AS campaign, currency, day, toDecimal128(0, 6) AS money,
                toDecimal128(0, 6) AS hours, toDecimal128(0, 6) AS cost, conversions, value
            FROM ({credited})
            UNION ALL
            SELECT toString(campaign) AS campaign, currency, day, money, hours, cost, toDecimal128(0, 6) AS conversions,
                toDecimal128(0, 6) AS value
            FROM ({spent})
        ) AS a
        ASOF LEFT JOIN base_rates AS e ON e.currency = a.currency AND e.day <= a.day
    )
    GROUP BY campaign, currency
) AS r
LEFT JOIN (SELECT id, name, means FROM campaigns FINAL) AS c ON c.id = r.campaign
ORDER BY cost DESC, value DESC, name, currency
"""
_UNATTRIBUTED = f"""
SELECT toString(reason) AS reason, toString(currency) AS currency,
    toDecimal128(sum(conversions), 6) AS conversions, toDecimal128(sum(value), 6) AS value
FROM goal_attribution_now
WHERE model = 'last_click' AND campaign = '' AND goal IN {{goals:Array(String)}} AND {IN_PERIOD}
GROUP BY reason, currency
HAVING conversions != 0 OR value != 0
ORDER BY conversions DESC, reason, currency
"""

_AMOUNTS = ("money", "hours", "cost", "conversions", "value")


@dataclass(frozen=True, slots=True)
class Paid:
    """What was spent on a campaign, on all of a channel (then `campaign` and `name` are ''), or on `everything`, and
    what that brought.

    `alone` is False where it has amounts in currencies without a rate too: cost and value cannot be compared then.
    """

    campaign: str
    name: str
    channel: str
    currency: str
    money: Decimal
    hours: Decimal
    cost: Decimal
    conversions: Decimal
    value: Decimal
    alone: bool = True
    everything: bool = False

    @property
    def cost_per_conversion(self) -> Decimal | None:
        """None where nothing was brought, or amounts cannot be compared."""
        return self.cost / self.conversions if self.conversions > 0 and self.alone else None

    @property
    def return_on_investment(self) -> Decimal | None:
        """(value - cost) / cost: 1.5 is 150 %. None where nothing was spent, or amounts cannot be compared."""
        return (self.value - self.cost) / self.cost if self.cost > 0 and self.alone else None


@dataclass(frozen=True, slots=True)
class Unattributed:
    """The conversions that no campaign can be given for one reason, in one currency as it was sent."""

    reason: str
    currency: str
    conversions: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class Payback:
    """What was spent and brought, for the goals that count for it, by campaign and by channel."""

    goals: Mapping[str, str]  # id to name
    campaigns: Sequence[Paid]
    channels: Sequence[Paid]
    unattributed: Sequence[Unattributed]

    @property
    def totals(self) -> Sequence[Paid]:
        """All campaigns together, a row for each currency."""
        return [replace(each, everything=True) for each in _summed(self.campaigns, lambda _: "")]


def payback(client: Client, goal: str | None, model: str, period: Period) -> Payback:
    """Of one goal, or of those that count for the return, so that a checkout's value is there once."""
    goals = {row["id"]: row["name"] for row in later(client, _COUNTING)}
    if goal is not None:
        named = client.query("SELECT id, name FROM goals FINAL WHERE id = {id:String}", {"id": goal})
        goals = {row["id"]: row["name"] for row in named}
    asked: dict[str, Any] = {"model": model, "goals": list(goals), **period.parameters}
    credited = _REMOVAL_EFFECTS if model == MARKOV else _CREDITED
    campaigns = _marked(
        Paid(**row)
        for row in later(client, _PAID.replace("{credited}", credited).replace("{spent}", _SPENT), asked)
        if row["cost"] or row["conversions"] or row["value"] or row["hours"]
    )
    unattributed = [Unattributed(**row) for row in client.query(_UNATTRIBUTED, asked)]
    return Payback(goals, campaigns, _summed(campaigns, lambda paid: paid.channel), unattributed)


def _marked(rows: Iterable[Paid], name: Callable[[Paid], str] = lambda paid: paid.campaign) -> list[Paid]:
    """Each with whether what is called so has one currency only."""
    found = list(rows)
    currencies: dict[str, set[str]] = defaultdict(set)
    for row in found:
        currencies[name(row)].add(row.currency)
    return [replace(row, alone=len(currencies[name(row)]) == 1) for row in found]


def _summed(rows: Iterable[Paid], channel: Callable[[Paid], str]) -> list[Paid]:
    """The sums of each channel and currency, the dearest first."""
    groups: dict[tuple[str, str], list[Paid]] = defaultdict(list)
    for row in rows:
        groups[channel(row), row.currency].append(row)
    found = [_sum(*key, members) for key, members in groups.items()]
    return sorted(_marked(found, lambda paid: paid.channel), key=lambda paid: (-paid.cost, -paid.value, paid.channel))


def _sum(channel: str, currency: str, rows: Sequence[Paid]) -> Paid:
    money, hours, cost, conversions, value = (
        sum((getattr(row, name) for row in rows), Decimal(0)) for name in _AMOUNTS
    )
    return Paid("", "", channel, currency, money, hours, cost, conversions, value)
