"""Whom each campaign reached: people of one's lists, and people who had bought before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streams.reports.later import later
from streams.reports.payback import Payback
from streams.reports.period import Period
from streams.sinks.clickhouse.client import Client

BOUGHT_BEFORE = "bought before"
# Campaigns of small groups are in none of the rows, and groups of few people have no figure: as on the dashboards.
_REACHED = """
WITH
    ifNull((SELECT toUInt64OrNull(any(value)) FROM settings FINAL WHERE id = 'smallest_group'), 10) AS smallest,
    toDate({first_day:String}) AS first_day,
    toDate({last_day:String}) AS last_day
SELECT toString(e.campaign) AS campaign, if(k.name = '', toString(e.campaign), k.name) AS name,
    toString(a.audience) AS audience,
    if(a.people >= smallest, a.people, NULL) AS people,
    if(a.people >= smallest, least(a.people / nullIf(e.seen, 0), 1), NULL) AS share,
    if(b.buyers >= smallest, b.buyers, NULL) AS converted
FROM
(
    SELECT campaign, uniqCombined64Merge(users) AS seen
    FROM engagement_sketches_now
    WHERE day >= first_day AND day <= last_day AND campaign IN (SELECT campaign FROM named_campaigns)
    GROUP BY campaign
    HAVING seen >= smallest AND (SELECT count() FROM engagement_audience FINAL) > 0
) AS e
LEFT JOIN
(
    SELECT campaign, audience, uniqExact(user) AS people
    FROM engagement_audience_shown
    WHERE day >= first_day AND day <= last_day
    GROUP BY campaign, audience
) AS a ON a.campaign = e.campaign
LEFT JOIN
(
    SELECT audience, arrayJoin(arrayDistinct(touch_campaign)) AS campaign, uniqExact(user) AS buyers
    FROM conversion_audiences
    WHERE goal IN {goals:Array(String)} AND occurred_at >= fromUnixTimestamp({since:Int64})
        AND occurred_at < fromUnixTimestamp({until:Int64})
    GROUP BY audience, campaign
) AS b ON b.audience = a.audience AND b.campaign = e.campaign
LEFT JOIN (SELECT id, name FROM campaigns FINAL) AS k ON k.id = e.campaign
ORDER BY e.seen DESC, name, people DESC, audience
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """People of one `audience` who engaged with a campaign; '' where it reached strangers only.

    `share` is of all who engaged. `people`, `share` and `converted` are None where a group is too small to be shown;
    `cost` is None where no cost is known in one currency.
    """

    campaign: str
    name: str
    audience: str
    people: int | None
    share: float | None
    converted: int | None
    cost: Decimal | None
    currency: str

    @property
    def cost_each(self) -> Decimal | None:
        """What each of these people cost."""
        return self.cost / self.people if self.cost and self.people else None


def reached(client: Client, payback: Payback, period: Period) -> Sequence[Reached]:
    """Of the campaigns that people engaged with in the period, the most seen first; none without any list.

    Those `converted` who bought, after a touch of the campaign, what counts for `payback`.
    """
    spent = {paid.campaign: (paid.cost, paid.currency) for paid in payback.campaigns if paid.alone}
    rows = later(client, _REACHED, {**period.parameters, "goals": list(payback.goals)})
    return [_reached(row, spent) for row in rows]


def _reached(row: Mapping[str, Any], spent: Mapping[str, tuple[Decimal, str]]) -> Reached:
    cost, currency = spent.get(row["campaign"], (None, ""))
    return Reached(**row, cost=cost or None, currency=currency if cost else "")
