"""Removal effects of every goal, from the journeys in the database into the table `removal_effects`."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import structlog

from streams.core.attribution.markov import Transition, UnsolvableError, credit, finished, removal_effects
from streams.core.columns.column import Columns
from streams.core.parsing.units import DAY, MICRO
from streams.jobs.periodic import Leadership, PeriodicTask
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.sinks.threads import in_thread

_AMOUNTS = ("removal_effect", "conversions", "value")
_AS_OF = """
SELECT max(newest) AS as_of FROM (
    SELECT max(window_start) AS newest FROM goal_attribution
    UNION ALL SELECT max(window_start) AS newest FROM engagement_counts
)
"""
_TRANSITIONS = """
SELECT source, target, sum(converted) AS c, sumIf(ended, day < {open:Date32}) AS e
FROM path_transitions FINAL ARRAY JOIN source, target, converted, ended
WHERE goal = {goal:String} GROUP BY source, target HAVING c + e > 0
"""
_TOTALS = """
SELECT goal, currency, sum(conversions) AS conversions, sum(value) AS value
FROM goal_attribution_now WHERE model = 'last_click' AND campaign != '' GROUP BY goal, currency
HAVING conversions != 0 OR value != 0
"""
_KNOWN = (
    "SELECT campaign, currency, removal_effect, conversions, value FROM removal_effects_now WHERE goal = {goal:String}"
)

log = structlog.get_logger(__name__)


class Refresher:
    """Keeps removal effects fresh while a worker runs; a failure is logged and tried again, and stops nothing."""

    def __init__(self, client: Client, owner: Leadership) -> None:
        self._client, self._owner = client, owner
        self.turns = PeriodicTask(self._refresh)
        self._said: dict[str, str] = {}

    async def _refresh(self) -> None:
        if not (self._owner.leads and self._owner.ready):
            return
        try:
            failed = await in_thread(partial(refresh, self._client, int(time.time())))
        except DatabaseError as error:
            log.warning("could not refresh removal effects, trying again", error=str(error))
        except Exception:
            log.exception("a defect in the removal effects; trying again")
        else:
            for goal in (goal for goal, why in failed.items() if self._said.get(goal) != why):
                log.warning("no removal effects", goal=goal, why=failed[goal])
            self._said = failed


class _Row(NamedTuple):
    """One row of removal_effects, in millionths."""

    campaign: str
    currency: str
    removal_effect: int
    conversions: int
    value: int


def refresh(client: Client, now: int) -> dict[str, str]:
    """Compute them for every goal of the catalogue, and write what is not the same as before with the time `now` (s).
    Returns, by goal, why that could not be done."""
    totals = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in client.query(_TOTALS):
        totals[row["goal"]].append(row)
    as_of: datetime = client.query(_AS_OF)[0]["as_of"]
    failed = {}
    for goal in client.query("SELECT id, windows, currency FROM goals FINAL ORDER BY id"):
        nothing = [{"currency": goal["currency"], "conversions": Decimal(0), "value": Decimal(0)}]
        try:
            rows = _rows(_effects(client, goal, as_of), totals[goal["id"]] or nothing)
        except UnsolvableError as error:
            failed[goal["id"]] = str(error)
            continue
        if rows and rows != _known(client, goal["id"]):
            client.insert("removal_effects", _columns(goal["id"], now, rows))
    return failed


def _effects(client: Client, goal: Mapping[str, Any], as_of: datetime) -> dict[str, float]:
    """Of journeys without a conversion those days count whose touches had the goal's longest window to convert in."""
    window = max(json.loads(goal["windows"]).values())
    first_open = max(0, int(as_of.timestamp() * 1000 - window) // DAY)
    found = client.query(_TRANSITIONS, {"goal": goal["id"], "open": np.datetime64(first_open, "D").item()})
    steps = [Transition(row["source"], row["target"], row["c"], row["e"]) for row in found]
    return removal_effects(finished(steps))


def _rows(effects: Mapping[str, float], totals: Sequence[Mapping[str, Any]]) -> list[_Row]:
    """Raises UnsolvableError where there are conversions to be credited and nobody to be credited with them."""
    if any(row["conversions"] for row in totals) and not any(effects.values()):
        raise UnsolvableError("its journeys are not counted yet; a worker counts those that it retains, or replay them")
    rows = []
    for row in totals:
        conversions, value = (credit(int(row[name] * MICRO), effects) for name in ("conversions", "value"))
        rows += [
            _Row(campaign, row["currency"], round(effect * MICRO), conversions.get(campaign, 0), value.get(campaign, 0))
            for campaign, effect in effects.items()
        ]
    return sorted(rows)


def _known(client: Client, goal: str) -> list[_Row]:
    found = client.query(_KNOWN, {"goal": goal})
    return sorted(_Row(r["campaign"], r["currency"], *(int(r[name] * MICRO) for name in _AMOUNTS)) for r in found)


def _columns(goal: str, now: int, rows: Sequence[_Row]) -> Columns:
    n = len(rows)
    return {
        "goal": [goal] * n,
        "computed_at": np.full(n, now),
        "campaign": [row.campaign for row in rows],
        "currency": [row.currency for row in rows],
        **{name: np.array([getattr(row, name) for row in rows], object) for name in _AMOUNTS},
    }
