"""How far each goal is and which campaigns brought it, read from the database alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from streams.core.attribution import models
from streams.reports.later import later
from streams.reports.period import IN_PERIOD, Period
from streams.sinks.clickhouse.client import Client, DatabaseError

DEFAULT_MODEL = "last_click"
MARKOV = "markov"
MODELS = tuple(models.MODELS)

_GOALS = "SELECT * FROM goal_progress ORDER BY `by` NULLS LAST, name"
# The same in every model, so one of them is read.
_DAYS = f"""
SELECT goal, toDate(window_start, {{zone:String}}) AS day, sum(conversions) AS conversions
FROM goal_attribution_now
WHERE model = 'last_click' AND {IN_PERIOD}
GROUP BY goal, day
HAVING conversions != 0
ORDER BY day
"""
_WITHOUT_VALUE = f"""
SELECT goal, count() AS orders
FROM conversions FINAL
WHERE value_known = 0 AND status != 'reversed' AND {IN_PERIOD.replace("window_start", "occurred_at")}
GROUP BY goal
"""
_FROM_VIEW = ("goal", "name", "unit", "target", "by", "expected", "as_of")
_SETTLED = "SELECT goal, settled_until FROM settled WHERE settled_after > 0"
_CAMPAIGNS = "SELECT id, name, means FROM campaigns FINAL ORDER BY name"
_FIGURES = f"""
SELECT goal, campaign, reason, currency, sum(conversions) AS conversions, sum(value) AS value
FROM goal_attribution_now
WHERE model = {{model:String}} AND {IN_PERIOD}
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

    `campaign` is its id, '' when unattributed; `name` is the campaign's, or the reason. `means` is '' for a campaign
    that the catalogue does not list. `value` is by currency.
    """

    campaign: str
    name: str
    means: str
    attributed: bool
    conversions: Decimal
    value: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Progress:
    """One goal: its target, and its conversions of a period in parts that add up to them; `so_far` are those of all
    time until `as_of`, `days` those of each day of the period that has some.

    `expected` is by the end of the day `by`, at the rate so far; None when it is too early to tell. `idle` names the
    campaigns of the catalogue that brought nothing. From `settled_until` on figures are provisional; None where nothing
    changes any more. `without_value` of the period's conversions say no amount. Once the deadline is past (`over`) the
    `status` is `reached` or `missed`.
    """

    goal: str
    name: str
    unit: str
    target: Decimal | None
    by: date | None
    expected: float | None
    as_of: datetime
    so_far: Decimal
    parts: Sequence[Part]
    days: Sequence[tuple[date, Decimal]]
    idle: Sequence[str]
    settled_until: datetime | None
    without_value: int
    over: bool
    status: str

    @property
    def reached(self) -> Decimal:
        """The conversions of the period, net of reversals."""
        return _conversions(self.parts)

    @property
    def value(self) -> dict[str, Decimal]:
        """The value of the period by currency, net of reversals."""
        total: dict[str, Decimal] = defaultdict(Decimal)
        for part in self.parts:
            for currency, value in part.value.items():
                total[currency] += value
        return dict(sorted(total.items()))


def _conversions(parts: Sequence[Part]) -> Decimal:
    return sum((part.conversions for part in parts), Decimal(0))


def progress(
    client: Client, goal: str | None = None, model: str = DEFAULT_MODEL, period: Period | None = None
) -> list[Progress]:
    """Every goal of the catalogue, or one, with its conversions as `model` credits them; empty without a catalogue.

    Raises ValueError, listing what there is, for a goal that is not in the catalogue or a model that does not exist;
    and for a period of markov's, which credits all conversions together.
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
    chosen = period or Period()
    if model == MARKOV and not chosen.whole:
        raise ValueError(
            "markov is worked out over all conversions: leave out --since and --until, or take another model"
        )
    known = _Known(client, model, chosen)
    return [known.progress(row) for row in goals if goal in (None, row["goal"])]


class _Known:
    """What the database says of all goals, read once."""

    def __init__(self, client: Client, model: str, period: Period) -> None:
        self._whole = period.whole
        self._campaigns = {row["id"]: row for row in client.query(_CAMPAIGNS)}
        asked = {"model": model, **period.parameters}
        self._figures = _by_goal(client.query(_MARKOV_FIGURES if model == MARKOV else _FIGURES, asked))
        self._settled = {row["goal"]: row["settled_until"] for row in later(client, _SETTLED)}
        self._unknown = {row["goal"]: row["orders"] for row in later(client, _WITHOUT_VALUE, period.parameters)}
        self._days: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for row in client.query(_DAYS, period.parameters):
            self._days[row["goal"]].append((row["day"], row["conversions"]))

    def progress(self, goal: Mapping[str, Any]) -> Progress:
        """One goal, of its row in the view."""
        id_ = goal["goal"]
        figures = self._figures[id_]
        parts = [_part(*key, rows, self._campaigns) for key, rows in figures.items()]
        parts.sort(key=lambda part: (not part.attributed, -part.conversions, part.name))
        active = {campaign for campaign, _ in figures}
        return Progress(
            **{name: goal[name] for name in _FROM_VIEW},
            so_far=_conversions(parts) if self._whole else goal["reached"],
            parts=parts,
            days=self._days[id_],
            idle=[each["name"] for name, each in self._campaigns.items() if name not in active],
            settled_until=self._settled.get(id_),
            without_value=self._unknown.get(id_, 0),
            # A report does not migrate: these two came later.
            over=bool(goal.get("over")),
            status=goal.get("status", ""),
        )


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


def _part(
    campaign: str, reason: str, rows: Sequence[Mapping[str, Any]], campaigns: Mapping[str, Mapping[str, Any]]
) -> Part:
    listed = campaigns.get(campaign, {"name": campaign or reason, "means": ""})
    return Part(
        campaign=campaign,
        name=listed["name"],
        means=listed["means"],
        attributed=bool(campaign),
        conversions=sum((row["conversions"] for row in rows), Decimal(0)),
        value={row["currency"]: row["value"] for row in rows},
    )
