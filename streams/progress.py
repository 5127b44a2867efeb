"""How far each goal is and which campaigns brought it, read from the database alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from streams.clickhouse import Client, DatabaseError

DEFAULT_MODEL = "last_click"
MARKOV = "markov"
MODELS = ("first", "last", "last_click", "linear", "position", "time_decay", "shapley")

_GOALS = "SELECT goal, name, unit, target, `by`, expected, as_of FROM goal_progress ORDER BY `by` NULLS LAST, name"
_SETTLED = "SELECT goal, settled_until FROM settled WHERE settled_after > 0"
_CAMPAIGNS = "SELECT id, name, means FROM campaigns FINAL ORDER BY name"
_FIGURES = """
SELECT goal, campaign, reason, currency, sum(conversions) AS conversions, sum(value) AS value
FROM goal_attribution_now
WHERE model = {model:String}
GROUP BY goal, campaign, reason, currency
HAVING conversions != 0 OR value != 0
ORDER BY currency
"""
# Markov credits all conversions together: nothing of it is in the rows of single ones.
_MARKOV_FIGURES = """
SELECT goal, campaign, '' AS reason, currency, conversions, value
FROM removal_effects_now
WHERE conversions != 0 OR value != 0
UNION ALL
SELECT goal, campaign, reason, currency, sum(conversions) AS conversions, sum(value) AS value
FROM goal_attribution_now
WHERE model = 'last_click' AND campaign = ''
GROUP BY goal, campaign, reason, currency
HAVING conversions != 0 OR value != 0
ORDER BY currency
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The conversions of a goal that one campaign brought, or that are unattributed for one reason; net of reversals.

    `name` is the campaign's, or the reason. `means` is '' for a campaign that the catalogue does not list. `value` is
    by currency.
    """

    name: str
    means: str
    attributed: bool
    conversions: Decimal
    value: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Progress:
    """One goal: its target, and its conversions until `as_of` in parts that add up to them.

    `expected` is by the end of the day `by`, at the rate so far; None when it is too early to tell. `idle` names the
    campaigns of the catalogue that brought nothing. From `settled_until` on figures are provisional; None where nothing
    changes any more.
    """

    goal: str
    name: str
    unit: str
    target: Decimal | None
    by: date | None
    expected: float | None
    as_of: datetime
    parts: Sequence[Part]
    idle: Sequence[str]
    settled_until: datetime | None

    @property
    def reached(self) -> Decimal:
        """The conversions so far, net of reversals."""
        return sum((part.conversions for part in self.parts), Decimal(0))

    @property
    def value(self) -> dict[str, Decimal]:
        """The value so far by currency, net of reversals."""
        total: dict[str, Decimal] = defaultdict(Decimal)
        for part in self.parts:
            for currency, value in part.value.items():
                total[currency] += value
        return dict(sorted(total.items()))


def progress(client: Client, goal: str | None = None, model: str = DEFAULT_MODEL) -> list[Progress]:
    """Every goal of the catalogue, or one, with its conversions as `model` credits them; empty without a catalogue.

    Raises ValueError, listing what there is, for a goal that is not in the catalogue or a model that does not exist.
    """
    try:
        goals = client.query(_GOALS)
    except DatabaseError as error:
        if error.not_migrated:
            return []
        raise
    if goals and goal is not None:
        _refuse_unknown("goal", goal, [row["goal"] for row in goals])
    _refuse_unknown("model", model, _models(client))
    campaigns = {row["id"]: row for row in client.query(_CAMPAIGNS)}
    rows = client.query(_MARKOV_FIGURES) if model == MARKOV else client.query(_FIGURES, {"model": model})
    figures = _by_goal(rows)
    settled = _settled_until(client)
    return [
        _progress(row | {"settled_until": settled.get(row["goal"])}, figures[row["goal"]], campaigns)
        for row in goals
        if goal in (None, row["goal"])
    ]


def _settled_until(client: Client) -> dict[str, datetime]:
    """Empty in a database of before there was that view: a report does not migrate."""
    try:
        return {row["goal"]: row["settled_until"] for row in client.query(_SETTLED)}
    except DatabaseError as error:
        if error.not_migrated:
            return {}
        raise


def _refuse_unknown(kind: str, asked: str, known: Sequence[str]) -> None:
    if asked not in known:
        raise ValueError(f'there is no {kind} "{asked}"; choose one of: {", ".join(known)}')


def _models(client: Client) -> list[str]:
    found = client.query("SELECT DISTINCT model FROM goal_attribution ORDER BY model")
    return [*MODELS, MARKOV, *(row["model"] for row in found if row["model"] not in MODELS)]


_Figures = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]


def _by_goal(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, _Figures]:
    """Goal to (campaign, reason) to its rows, one for each currency."""
    goals: dict[str, dict[tuple[str, str], list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        goals[row["goal"]][row["campaign"], row["reason"]].append(row)
    return goals


def _progress(goal: Mapping[str, Any], figures: _Figures, campaigns: Mapping[str, Mapping[str, Any]]) -> Progress:
    parts = [_part(*key, rows, campaigns) for key, rows in figures.items()]
    parts.sort(key=lambda part: (not part.attributed, -part.conversions, part.name))
    active = {campaign for campaign, _ in figures}
    idle = [campaign["name"] for id_, campaign in campaigns.items() if id_ not in active]
    return Progress(**goal, parts=parts, idle=idle)


def _part(
    campaign: str, reason: str, rows: Sequence[Mapping[str, Any]], campaigns: Mapping[str, Mapping[str, Any]]
) -> Part:
    listed = campaigns.get(campaign, {"name": campaign or reason, "means": ""})
    return Part(
        name=listed["name"],
        means=listed["means"],
        attributed=bool(campaign),
        conversions=sum((row["conversions"] for row in rows), Decimal(0)),
        value={row["currency"]: row["value"] for row in rows},
    )
